"""Binance USDⓈ-M stream frames, and any other payload, to stream items. Pure; never raises.

What is no fact about an order, a fill, a position, a balance, a leverage or a mark price becomes
a notice, so that the caller can count and store it: IGNORED where it is known and unneeded,
UNKNOWN where nobody has seen such an event, MALFORMED where it cannot be read (F21).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradeops.domain.clock import from_epoch_ms
from tradeops.domain.enums import LiquidityRole, Side
from tradeops.exchange.binance.fields import (
    EPOCH,
    decimal_of,
    decimal_or_none,
    decimal_or_zero,
    flag,
    margin_mode,
    order_status,
    order_type,
    position_side,
    positive_or_none,
    text_of,
    text_or_empty,
    time_in_force,
    time_of,
)
from tradeops.exchange.binance.parse import (
    balance_report,
    fill_report,
    foreign_reason,
    leverage_report,
    mark_price_report,
    order_report,
    position_report,
)
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    FundingReport,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
    StreamItem,
    StreamNotice,
)

Frame = Mapping[str, Any]

# Source: user-data-streams/Event-Order-Update, read 2026-11.
_EXPIRY_REASONS = {
    "1": "self-trade prevention",
    "2": "IOC remainder",
    "3": "IOC remainder and self-trade prevention",
    "4": "knocked out by a risk order",
    "5": "account liquidated",
    "6": "GTE condition unmet",
    "7": "symbol delisted",
    "8": "stop triggered",
    "9": "market order remainder",
}
_EXECUTIONS = {"TRADE", "CALCULATED"}  # CALCULATED: liquidation and auto-deleveraging
_IGNORED_EVENTS = frozenset(
    {
        "TRADE_LITE",
        "STRATEGY_UPDATE",
        "GRID_UPDATE",
        "CONDITIONAL_ORDER_TRIGGER_REJECT",
        "aggTrade",
        "trade",
        "kline",
        "continuous_kline",
        "24hrTicker",
        "24hrMiniTicker",
        "1hTicker",
        "bookTicker",
        "depthUpdate",
        "forceOrder",
        "assetIndexUpdate",
        "compositeIndex",
        "contractInfo",
        "EquityUpdate",
        "CommodityUpdate",
    }
)
_NOTICES = dict.fromkeys(_IGNORED_EVENTS, "IGNORED") | {
    "listenKeyExpired": "LISTEN_KEY_EXPIRED",
    "MARGIN_CALL": "MARGIN_CALL",
    "ALGO_UPDATE": "ALGO_UPDATE",
}
_UNREADABLE = (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError)
_DETAIL_LENGTH = 200


def parse_frame(
    raw: str | bytes | Mapping[str, Any], received_at: datetime = EPOCH
) -> Sequence[StreamItem]:
    """Read one frame, wrapped in {"stream", "data"} or not.

    The fill of an ORDER_TRADE_UPDATE stands before its order. `received_at` (aware UTC) dates
    what carries no time of its own.
    """
    if isinstance(raw, Mapping):
        return parse_payload(raw, received_at)
    try:
        payload = json.loads(raw, parse_float=Decimal)
    except _UNREADABLE as error:
        detail = f"not JSON: {error}"[:_DETAIL_LENGTH]
        return [StreamNotice("MALFORMED", detail, {"text": repr(raw[:_DETAIL_LENGTH])})]
    return parse_payload(payload, received_at)


def parse_payload(payload: object, received_at: datetime = EPOCH) -> list[StreamItem]:
    """Read decoded JSON of any kind: events, and replies of REST and ws-api told by their shape.

    Each element of a list is read on its own, so that a bad one does not hide its neighbours.
    """
    if isinstance(payload, list):
        return [item for element in payload for item in parse_payload(element, received_at)]
    if not isinstance(payload, Mapping):
        return [StreamNotice("IGNORED", f"bare {type(payload).__name__}")]
    try:
        return _read(payload, received_at)
    except _UNREADABLE as error:
        detail = f"{_name(payload)}: {type(error).__name__} {error}"[:_DETAIL_LENGTH]
        return [StreamNotice("MALFORMED", detail, dict(payload))]


def _name(payload: Frame) -> str:
    return str(payload.get("e") or "payload")


def _read(payload: Frame, received_at: datetime) -> list[StreamItem]:
    event = payload.get("e")
    if isinstance(event, str):
        return _read_event(event, payload, received_at)
    for envelope in ("data", "result"):
        if envelope in payload and ("stream" in payload or "id" in payload):
            return parse_payload(payload[envelope], received_at)
    if "assets" in payload and "positions" in payload:
        return parse_payload([*payload["assets"], *payload["positions"]], received_at)
    reader = _reader_by_shape(payload)
    if reader is None:
        return [StreamNotice("IGNORED", "reply", dict(payload))]
    return [reader(payload, received_at)]


def _reader_by_shape(payload: Frame) -> Callable[[Frame, datetime], StreamItem] | None:
    keys = payload.keys()
    return next((reader for shape, reader in _SHAPES if keys >= shape), None)


# The first shape whose keys are all there decides.
_SHAPES: tuple[tuple[frozenset[str], Callable[[Frame, datetime], StreamItem]], ...] = (
    (
        frozenset({"orderId", "status", "origQty", "executedQty", "updateTime"}),
        lambda reply, _: order_report(reply),
    ),
    (frozenset({"orderId", "id", "realizedPnl", "qty"}), lambda reply, _: fill_report(reply)),
    (frozenset({"symbol", "positionAmt"}), position_report),
    (frozenset({"asset", "balance"}), balance_report),
    (frozenset({"asset", "walletBalance"}), balance_report),
    (frozenset({"symbol", "leverage", "maxNotionalValue"}), leverage_report),
    (frozenset({"symbol", "markPrice", "lastFundingRate"}), mark_price_report),
)


def _read_event(event: str, payload: Frame, received_at: datetime) -> list[StreamItem]:
    reader = _READERS.get(event)
    if reader is not None:
        return reader(payload, received_at)
    kind = _NOTICES.get(event, "UNKNOWN")
    return [StreamNotice(kind, event, dict(payload))]


def _order_update(payload: Frame, _received_at: datetime) -> list[StreamItem]:
    order = payload["o"]
    at = time_of(order, "T", fallback=time_of(payload, "T", "E", fallback=EPOCH))
    report = _streamed_order(order, at)
    trade_id = text_or_empty(order, "t")
    executed = decimal_or_zero(order, "l")
    # A liquidation may be told with quantity 0, or before it has a trade id: no fill then.
    if order.get("x") in _EXECUTIONS and executed > 0 and trade_id not in {"", "0", "-1"}:
        return [_streamed_fill(order, trade_id, executed, at), report]
    return [report]


def _streamed_order(order: Frame, at: datetime) -> OrderReport:
    quantity = decimal_of(order["q"])
    filled = decimal_of(order["z"])
    client_order_id = text_or_empty(order, "c")
    return OrderReport(
        symbol=text_of(order, "s"),
        venue_order_id=text_of(order, "i"),
        client_order_id=client_order_id,
        side=Side(text_of(order, "S")),
        order_type=order_type(text_or_empty(order, "ot") or text_of(order, "o")),
        status=order_status(text_of(order, "X"), quantity, filled),
        quantity=quantity,
        filled_quantity=filled,
        price=positive_or_none(order, "p"),
        average_price=positive_or_none(order, "ap"),
        time_in_force=time_in_force(text_or_empty(order, "f")),
        reduce_only=flag(order, "R"),
        close_position=flag(order, "cp"),
        position_side=position_side(text_or_empty(order, "ps")),
        updated_at=at,
        reason=_reason(order, client_order_id),
    )


def _reason(order: Frame, client_order_id: str) -> str:
    foreign = foreign_reason(client_order_id)
    if foreign:
        return foreign
    told = _EXPIRY_REASONS.get(text_or_empty(order, "er"), "")
    if not told and order.get("X") == "EXPIRED_IN_MATCH":
        return "self-trade prevention"
    return told


def _streamed_fill(order: Frame, trade_id: str, executed: Decimal, at: datetime) -> FillReport:
    return FillReport(
        symbol=text_of(order, "s"),
        trade_id=trade_id,
        venue_order_id=text_of(order, "i"),
        client_order_id=text_or_empty(order, "c"),
        side=Side(text_of(order, "S")),
        position_side=position_side(text_or_empty(order, "ps")),
        price=decimal_of(order["L"]),
        quantity=executed,
        commission=decimal_or_zero(order, "n"),
        commission_asset=text_or_empty(order, "N"),
        realized_pnl=decimal_or_zero(order, "rp"),
        liquidity=LiquidityRole.MAKER if flag(order, "m") else LiquidityRole.TAKER,
        traded_at=at,
    )


def _account_update(payload: Frame, _received_at: datetime) -> list[StreamItem]:
    account = payload["a"]
    at = time_of(payload, "T", "E")
    reason = text_or_empty(account, "m")
    balances = account.get("B") or []
    positions = account.get("P") or []
    items: list[StreamItem] = [_streamed_balance(row, at, reason) for row in balances]
    items += [_streamed_position(row, at) for row in positions]
    if reason == "FUNDING_FEE":
        # Cross funding comes without a position; `S` names the symbol since 2026.
        symbol = text_or_empty(account, "S")
        if not symbol and len(positions) == 1:
            symbol = text_of(positions[0], "s")
        items += [
            FundingReport(text_of(row, "a"), decimal_of(row["bc"]), at, symbol) for row in balances
        ]
    return items or [StreamNotice("IGNORED", "ACCOUNT_UPDATE without rows", dict(payload))]


def _streamed_balance(row: Frame, at: datetime, reason: str) -> BalanceReport:
    return BalanceReport(
        asset=text_of(row, "a"),
        wallet_balance=decimal_of(row["wb"]),
        updated_at=at,
        cross_wallet=decimal_or_none(row, "cw"),
        change=decimal_or_none(row, "bc"),
        reason=reason,
    )


def _streamed_position(row: Frame, at: datetime) -> PositionReport:
    return PositionReport(
        symbol=text_of(row, "s"),
        position_side=position_side(text_or_empty(row, "ps")),
        quantity=decimal_of(row["pa"]),
        entry_price=decimal_or_zero(row, "ep"),
        updated_at=at,
        unrealized_pnl=decimal_or_none(row, "up"),
        margin_mode=margin_mode(text_or_empty(row, "mt")),
        isolated_wallet=decimal_or_none(row, "iw"),
    )


def _config_update(payload: Frame, _received_at: datetime) -> list[StreamItem]:
    change = payload.get("ac")
    if not isinstance(change, Mapping):  # `ai`: multi-assets mode
        return [StreamNotice("IGNORED", "ACCOUNT_CONFIG_UPDATE", dict(payload))]
    return [
        LeverageReport(
            symbol=text_of(change, "s"),
            leverage=int(decimal_of(change["l"])),
            updated_at=time_of(payload, "T", "E"),
        )
    ]


def _mark_price(payload: Frame, received_at: datetime) -> list[StreamItem]:
    if payload.get("st", 1) != 1:  # all-market streams mix in COIN-M symbols since 2026-06-30
        return [StreamNotice("IGNORED", "markPriceUpdate of another market", dict(payload))]
    funding_at = decimal_or_zero(payload, "T")
    return [
        MarkPriceReport(
            symbol=text_of(payload, "s"),
            mark_price=decimal_of(payload["p"]),
            updated_at=time_of(payload, "E", fallback=received_at),
            index_price=positive_or_none(payload, "i"),
            funding_rate=decimal_or_none(payload, "r"),
            next_funding_at=from_epoch_ms(int(funding_at)) if funding_at else None,
        )
    ]


_READERS: dict[str, Callable[[Frame, datetime], list[StreamItem]]] = {
    "ORDER_TRADE_UPDATE": _order_update,
    "ACCOUNT_UPDATE": _account_update,
    "ACCOUNT_CONFIG_UPDATE": _config_update,
    "markPriceUpdate": _mark_price,
}
