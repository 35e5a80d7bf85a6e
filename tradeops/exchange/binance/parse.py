"""Binance USDⓈ-M REST payloads to reports. Pure: no clock, no network, nothing remembered.

Unknown fields are ignored and unknown enum values have a meaning (see `fields`). What is missing
or unreadable raises ValueError, KeyError or TypeError.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradeops.domain.enums import LiquidityRole, Side
from tradeops.domain.instrument import InstrumentSpec
from tradeops.exchange.binance.fields import (
    EPOCH,
    Payload,
    decimal_of,
    decimal_or_none,
    decimal_or_zero,
    flag,
    id_of,
    margin_mode,
    moment_or_none,
    order_status,
    order_type,
    position_side,
    positive_or_none,
    text_of,
    text_or_empty,
    time_in_force,
    time_of,
)
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
)

_FOREIGN_IDS = (
    ("autoclose-", "liquidation"),
    ("adl_autoclose", "auto-deleveraging"),
    ("settlement_autoclose", "settlement"),
    ("delivery_autoclose", "delivery"),
)
_PERPETUAL = "PERPETUAL"


def foreign_reason(client_order_id: str) -> str:
    """Tell why the venue itself sent this order, "" when it did not (F31)."""
    for prefix, reason in _FOREIGN_IDS:
        if client_order_id.startswith(prefix):
            return reason
    return ""


def order_report(payload: Payload) -> OrderReport:
    """Read an order as POST, GET and DELETE /order, openOrders and the ws-api tell it."""
    quantity = decimal_of(payload["origQty"])
    filled = decimal_of(payload["executedQty"])
    client_order_id = text_or_empty(payload, "clientOrderId")
    return OrderReport(
        symbol=text_of(payload, "symbol"),
        venue_order_id=text_of(payload, "orderId"),
        client_order_id=client_order_id,
        side=Side(text_of(payload, "side")),
        # A fired stop has type MARKET; it is still the stop that was asked for.
        order_type=order_type(text_or_empty(payload, "origType") or text_of(payload, "type")),
        status=order_status(text_of(payload, "status"), quantity, filled),
        quantity=quantity,
        filled_quantity=filled,
        price=positive_or_none(payload, "price"),
        average_price=positive_or_none(payload, "avgPrice"),
        time_in_force=time_in_force(text_or_empty(payload, "timeInForce")),
        reduce_only=flag(payload, "reduceOnly"),
        close_position=flag(payload, "closePosition"),
        position_side=position_side(text_or_empty(payload, "positionSide")),
        updated_at=time_of(payload, "updateTime", "time", "transactTime"),
        reason=foreign_reason(client_order_id),
        good_till=moment_or_none(payload, "goodTillDate"),
    )


def fill_report(payload: Payload) -> FillReport:
    """Read one element of userTrades."""
    return FillReport(
        symbol=text_of(payload, "symbol"),
        trade_id=id_of(payload, "id"),
        venue_order_id=text_of(payload, "orderId"),
        client_order_id="",
        side=Side(text_of(payload, "side")),
        position_side=position_side(text_or_empty(payload, "positionSide")),
        price=decimal_of(payload["price"]),
        quantity=decimal_of(payload["qty"]),
        commission=decimal_or_zero(payload, "commission"),
        commission_asset=text_or_empty(payload, "commissionAsset"),
        realized_pnl=decimal_or_zero(payload, "realizedPnl"),
        liquidity=LiquidityRole.MAKER if flag(payload, "maker") else LiquidityRole.TAKER,
        traded_at=time_of(payload, "time"),
    )


def position_report(payload: Payload, received_at: datetime = EPOCH) -> PositionReport:
    """Read one leg of positionRisk (v2 or v3) or of the positions of account."""
    leverage = decimal_or_none(payload, "leverage")
    mode = margin_mode(text_or_empty(payload, "marginType"))
    if mode is None and "isolated" in payload:
        mode = margin_mode("ISOLATED" if flag(payload, "isolated") else "CROSS")
    adl = payload.get("adl")
    return PositionReport(
        symbol=text_of(payload, "symbol"),
        position_side=position_side(text_or_empty(payload, "positionSide")),
        quantity=decimal_of(payload["positionAmt"]),
        entry_price=decimal_or_zero(payload, "entryPrice"),
        updated_at=time_of(payload, "updateTime", fallback=received_at),
        mark_price=positive_or_none(payload, "markPrice"),
        unrealized_pnl=_first(payload, "unRealizedProfit", "unrealizedProfit"),
        liquidation_price=positive_or_none(payload, "liquidationPrice"),
        margin_mode=mode,
        leverage=None if leverage is None else int(leverage),
        isolated_wallet=decimal_or_none(payload, "isolatedWallet"),
        adl_quantile=adl if isinstance(adl, int) else None,
    )


def balance_report(payload: Payload, received_at: datetime = EPOCH) -> BalanceReport:
    """Read one asset of balance (v2, v3) or of the assets of account."""
    wallet = _first(payload, "balance", "walletBalance")
    if wallet is None:
        message = "balance"
        raise KeyError(message)
    return BalanceReport(
        asset=text_of(payload, "asset"),
        wallet_balance=wallet,
        updated_at=time_of(payload, "updateTime", fallback=received_at),
        cross_wallet=decimal_or_none(payload, "crossWalletBalance"),
        available=decimal_or_none(payload, "availableBalance"),
    )


def leverage_report(payload: Payload, received_at: datetime = EPOCH) -> LeverageReport:
    """Read an element of symbolConfig, or the reply to POST leverage."""
    return LeverageReport(
        symbol=text_of(payload, "symbol"),
        leverage=int(decimal_of(payload["leverage"])),
        updated_at=received_at,
        margin_mode=margin_mode(text_or_empty(payload, "marginType")),
    )


def mark_price_report(payload: Payload, received_at: datetime = EPOCH) -> MarkPriceReport:
    """Read premiumIndex."""
    return MarkPriceReport(
        symbol=text_of(payload, "symbol"),
        mark_price=decimal_of(payload["markPrice"]),
        updated_at=time_of(payload, "time", fallback=received_at),
        index_price=positive_or_none(payload, "indexPrice"),
        funding_rate=decimal_or_none(payload, "lastFundingRate"),
        next_funding_at=moment_or_none(payload, "nextFundingTime"),
    )


def instruments(payload: Payload) -> list[InstrumentSpec]:
    """Read the perpetual contracts of exchangeInfo.

    A contract without a readable lot and tick cannot be sized and is left out, alone.
    """
    symbols = payload["symbols"]
    if not isinstance(symbols, list):
        message = "exchangeInfo without a list of symbols"
        raise TypeError(message)
    found = (_instrument(symbol) for symbol in symbols if isinstance(symbol, Mapping))
    return [spec for spec in found if spec is not None]


def rate_limits(payload: Payload) -> dict[str, int]:
    """Read the limits of exchangeInfo as {"REQUEST_WEIGHT:60": 2400, "ORDERS:10": 300, …}.

    The number behind the colon is the window in seconds.
    """
    seconds = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}
    limits: dict[str, int] = {}
    rows = payload.get("rateLimits")
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, Mapping) or row.get("interval") not in seconds:
            continue
        window_s = seconds[str(row["interval"])] * int(str(row.get("intervalNum", 1)))
        limits[f"{row.get('rateLimitType')}:{window_s}"] = int(str(row["limit"]))
    return limits


def _instrument(symbol: Mapping[str, Any]) -> InstrumentSpec | None:
    # TRADIFI_PERPETUAL and the like trade as PERPETUAL does; dated contracts are left out.
    if not str(symbol.get("contractType", "")).endswith(_PERPETUAL):
        return None
    try:
        spec = _spec(symbol)
    except (KeyError, ValueError):
        return None
    grids = (spec.tick_size, spec.step_size, spec.market_step_size)
    return spec if all(grid > 0 for grid in grids) else None


def _spec(symbol: Mapping[str, Any]) -> InstrumentSpec:
    filters = {str(row.get("filterType")): row for row in _mappings(symbol.get("filters"))}
    lot, price = filters["LOT_SIZE"], filters["PRICE_FILTER"]
    market = filters.get("MARKET_LOT_SIZE", lot)
    percent = filters.get("PERCENT_PRICE", {})
    return InstrumentSpec(
        symbol=text_of(symbol, "symbol"),
        base_asset=text_of(symbol, "baseAsset"),
        quote_asset=text_of(symbol, "quoteAsset"),
        tick_size=decimal_of(price["tickSize"]),
        step_size=decimal_of(lot["stepSize"]),
        min_quantity=decimal_of(lot["minQty"]),
        max_quantity=decimal_of(lot["maxQty"]),
        market_step_size=decimal_of(market["stepSize"]),
        market_min_quantity=decimal_of(market["minQty"]),
        market_max_quantity=decimal_of(market["maxQty"]),
        min_notional=decimal_or_zero(filters.get("MIN_NOTIONAL", {}), "notional"),
        min_price=decimal_or_zero(price, "minPrice"),
        max_price=decimal_or_zero(price, "maxPrice"),
        multiplier_up=decimal_or_zero(percent, "multiplierUp"),
        multiplier_down=decimal_or_zero(percent, "multiplierDown"),
        is_trading=symbol.get("status") == "TRADING",
    )


def _mappings(rows: object) -> Iterable[Mapping[str, Any]]:
    return (row for row in rows if isinstance(row, Mapping)) if isinstance(rows, list) else ()


def _first(payload: Payload, *keys: str) -> Decimal | None:
    for key in keys:
        value = decimal_or_none(payload, key)
        if value is not None:
            return value
    return None
