"""REST payloads: sharp readings of what the engine sizes and books with."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tradeops.domain.enums import LiquidityRole, MarginMode, OrderStatus, PositionSide, Side
from tradeops.domain.instrument import InstrumentSpec
from tradeops.exchange.binance import parse
from tradeops.exchange.reports import BalanceReport, FillReport, LeverageReport, PositionReport

AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
AT_MS = 1_795_161_600_000


def order(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "orderId": 22542179, "clientOrderId": "ae-1", "side": "SELL",
        "type": "MARKET", "origType": "STOP_MARKET", "status": "FILLED", "origQty": "0.010",
        "executedQty": "0.010", "cumQty": "0.010", "price": "0.00", "timeInForce": "GTC",
        "reduceOnly": True, "closePosition": False, "positionSide": "LONG", "updateTime": AT_MS,
    } | changes  # fmt: skip


def contract(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT", "contractType": "PERPETUAL", "status": "TRADING", "baseAsset": "BTC",
        "quoteAsset": "USDT", "pricePrecision": 2,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "402", "maxPrice": "1246396.60",
             "tickSize": "0.10"},
            {"filterType": "LOT_SIZE", "stepSize": "0.001", "minQty": "0.001", "maxQty": "1000"},
            {"filterType": "MARKET_LOT_SIZE", "stepSize": "0.002", "minQty": "0.004",
             "maxQty": "120"},
            {"filterType": "MIN_NOTIONAL", "notional": "50"},
            {"filterType": "PERCENT_PRICE", "multiplierUp": "1.05", "multiplierDown": "0.95",
             "multiplierDecimal": "4"},
        ],
    } | changes  # fmt: skip


def test_order_report_reply_to_post_has_no_average_price() -> None:
    report = parse.order_report(order())

    assert report.average_price is None
    assert report.price is None
    assert report.order_type == "STOP_MARKET"
    assert report.status is OrderStatus.FILLED
    assert report.filled_quantity == Decimal("0.010")
    assert report.reduce_only
    assert report.position_side is PositionSide.LONG
    assert report.updated_at == AT


def test_order_report_reply_to_get_has_an_average_price() -> None:
    assert parse.order_report(order(avgPrice="61000.5")).average_price == Decimal("61000.5")
    assert parse.order_report(order(avgPrice="0.00000")).average_price is None


@pytest.mark.parametrize("missing", ["orderId", "symbol", "status", "executedQty", "side"])
def test_order_report_without_a_mandatory_field_raises(missing: str) -> None:
    payload = order()
    del payload[missing]

    with pytest.raises((KeyError, ValueError)):
        parse.order_report(payload)


def test_fill_report_reads_user_trades() -> None:
    payload = {
        "id": 698759, "orderId": 25851813, "symbol": "BTCUSDT", "side": "SELL", "price": "7819.01",
        "qty": "0.002", "commission": "0.07819010", "commissionAsset": "BNB", "maker": False,
        "realizedPnl": "-0.91539999", "positionSide": "SHORT", "time": AT_MS,
    }  # fmt: skip

    assert parse.fill_report(payload) == FillReport(
        symbol="BTCUSDT",
        trade_id="698759",
        venue_order_id="25851813",
        client_order_id="",
        side=Side.SELL,
        position_side=PositionSide.SHORT,
        price=Decimal("7819.01"),
        quantity=Decimal("0.002"),
        commission=Decimal("0.07819010"),
        commission_asset="BNB",
        realized_pnl=Decimal("-0.91539999"),
        liquidity=LiquidityRole.TAKER,
        traded_at=AT,
    )


def test_position_report_v2_carries_leverage_and_margin_mode() -> None:
    payload = {
        "symbol": "BTCUSDT", "positionAmt": "-0.5", "entryPrice": "61000", "markPrice": "60000.1",
        "unRealizedProfit": "499.95", "liquidationPrice": "0", "leverage": "20",
        "marginType": "cross", "isolatedWallet": "0", "positionSide": "BOTH", "updateTime": AT_MS,
    }  # fmt: skip

    assert parse.position_report(payload) == PositionReport(
        symbol="BTCUSDT",
        position_side=PositionSide.BOTH,
        quantity=Decimal("-0.5"),
        entry_price=Decimal(61000),
        updated_at=AT,
        mark_price=Decimal("60000.1"),
        unrealized_pnl=Decimal("499.95"),
        liquidation_price=None,
        margin_mode=MarginMode.CROSS,
        leverage=20,
        isolated_wallet=Decimal(0),
    )


def test_position_report_v3_leaves_out_what_it_does_not_tell() -> None:
    report = parse.position_report({"symbol": "ADAUSDT", "positionAmt": "30", "adl": 2}, AT)

    assert (report.leverage, report.margin_mode, report.adl_quantile) == (None, None, 2)
    assert report.updated_at == AT


@pytest.mark.parametrize("name", ["balance", "walletBalance"])
def test_balance_report_reads_balance_and_account(name: str) -> None:
    payload = {"asset": "USDT", name: "12.5", "availableBalance": "2.5", "updateTime": AT_MS}

    assert parse.balance_report(payload) == BalanceReport(
        asset="USDT", wallet_balance=Decimal("12.5"), updated_at=AT, available=Decimal("2.5")
    )


def test_leverage_report_is_dated_by_its_receipt() -> None:
    payload = {"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 21}

    assert parse.leverage_report(payload, AT) == LeverageReport(
        "BTCUSDT", 21, AT, MarginMode.ISOLATED
    )


def test_instruments_reads_filters_and_never_precisions() -> None:
    (spec,) = parse.instruments({"symbols": [contract()]})

    assert spec == InstrumentSpec(
        symbol="BTCUSDT",
        base_asset="BTC",
        quote_asset="USDT",
        tick_size=Decimal("0.10"),
        step_size=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(1000),
        market_step_size=Decimal("0.002"),
        market_min_quantity=Decimal("0.004"),
        market_max_quantity=Decimal(120),
        min_notional=Decimal(50),
        min_price=Decimal(402),
        max_price=Decimal("1246396.60"),
        multiplier_up=Decimal("1.05"),
        multiplier_down=Decimal("0.95"),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"contractType": "CURRENT_QUARTER"},
        {"filters": []},
        {"filters": [{"filterType": "PRICE_FILTER", "tickSize": "0"}]},
        {"filters": None},
        {"baseAsset": None},
    ],
)
def test_instruments_contract_that_cannot_be_sized_is_left_out_alone(
    changes: dict[str, Any],
) -> None:
    specs = parse.instruments({"symbols": [contract(**changes), contract(symbol="ETHUSDT")]})

    assert [spec.symbol for spec in specs] == ["ETHUSDT"]


def test_instruments_break_and_settling_contract_is_not_trading() -> None:
    (spec,) = parse.instruments({"symbols": [contract(status="SETTLING")]})

    assert not spec.is_trading


def test_rate_limits_are_told_by_kind_and_window() -> None:
    rows = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "ORDERS", "interval": "FORTNIGHT", "intervalNum": 1, "limit": 1},
    ]

    assert parse.rate_limits({"rateLimits": rows}) == {"REQUEST_WEIGHT:60": 2400, "ORDERS:10": 300}
