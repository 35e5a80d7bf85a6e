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

from tradeops.exchange.binance.fields import (
    EPOCH,
    UNREADABLE,
    decimal_of,
    decimal_or_none,
    decimal_or_zero,
    integer_of,
    margin_mode,
    moment_or_none,
    position_side,
    positive_or_none,
    text_of,
    text_or_empty,
    time_of,
)
from tradeops.exchange.binance.frames_orders import algo_update, order_update
from tradeops.exchange.binance.parse import (
    balance_report,
    fill_report,
    leverage_report,
    mark_price_report,
    order_report,
    position_report,
)
from tradeops.exchange.binance.parse_account import income_report
from tradeops.exchange.binance.parse_conditional import conditional_report
from tradeops.exchange.reports import (
    BalanceReport,
    FundingReport,
    LeverageReport,
    MarginCallReport,
    MarkPriceReport,
    PositionReport,
    StreamItem,
    StreamNotice,
)

Frame = Mapping[str, Any]

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
}
_DETAIL_LENGTH = 200
_KEPT_LENGTH = 4000
# A list of events in an envelope is three; deeper nesting means nothing.
_MAX_DEPTH = 4


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
    except UNREADABLE as error:
        kept = raw[:_KEPT_LENGTH]
        text = kept if isinstance(kept, str) else kept.decode(errors="backslashreplace")
        return [StreamNotice("MALFORMED", _shown(f"not JSON: {error}"), {"text": text})]
    return parse_payload(payload, received_at)


def parse_payload(
    payload: object, received_at: datetime = EPOCH, *, depth: int = 0
) -> list[StreamItem]:
    """Read decoded JSON of any kind: events, and replies of REST and ws-api told by their shape.

    Each element of a list is read on its own, so that a bad one does not hide its neighbours.
    """
    if depth > _MAX_DEPTH:
        return [StreamNotice("MALFORMED", "nested too deeply", {"text": _start_of(payload)})]
    if isinstance(payload, list):
        return [
            item
            for element in payload
            for item in parse_payload(element, received_at, depth=depth + 1)
        ]
    if not isinstance(payload, Mapping):
        return [StreamNotice("IGNORED", f"bare {type(payload).__name__}")]
    try:
        return _read(payload, received_at, depth)
    except UNREADABLE as error:
        detail = f"{_name(payload)}: {type(error).__name__} {error}"
        return [StreamNotice("MALFORMED", _shown(detail), dict(payload))]


def _start_of(payload: object) -> str:
    try:
        return json.dumps(payload, default=str)[:_KEPT_LENGTH]
    except (ValueError, RecursionError):
        return ""


def _name(payload: Frame) -> str:
    event = payload.get("e")
    return event if isinstance(event, str) else "payload"


def _shown(text: str) -> str:
    """One short line that any log and any column takes."""
    return ascii(text[:_DETAIL_LENGTH])[1:-1][:_DETAIL_LENGTH]


def _read(payload: Frame, received_at: datetime, depth: int) -> list[StreamItem]:
    event = payload.get("e")
    if isinstance(event, str):
        return _read_event(event, payload, received_at)
    if event is not None:
        return [StreamNotice("UNKNOWN", "event without a name", dict(payload))]
    for envelope in ("data", "result"):
        if envelope in payload and ("stream" in payload or "id" in payload):
            return parse_payload(payload[envelope], received_at, depth=depth + 1)
    if "assets" in payload and "positions" in payload:
        rows = [*payload["assets"], *payload["positions"]]
        return parse_payload(rows, received_at, depth=depth + 1)
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
    (frozenset({"algoId", "algoStatus"}), conditional_report),
    (frozenset({"orderId", "id", "realizedPnl", "qty"}), lambda reply, _: fill_report(reply)),
    (frozenset({"incomeType", "tranId"}), lambda reply, _: income_report(reply)),
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
    return [StreamNotice(kind, _shown(event), dict(payload))]


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
            leverage=integer_of(change, "l"),
            updated_at=time_of(payload, "T", "E"),
        )
    ]


def _margin_call(payload: Frame, received_at: datetime) -> list[StreamItem]:
    at = time_of(payload, "E", fallback=received_at)
    calls: list[StreamItem] = [
        MarginCallReport(
            symbol=text_of(leg, "s"),
            position_side=position_side(text_or_empty(leg, "ps")),
            quantity=decimal_of(leg["pa"]),
            mark_price=decimal_of(leg["mp"]),
            unrealized_pnl=decimal_or_zero(leg, "up"),
            maintenance_margin=decimal_or_zero(leg, "mm"),
            received_at=at,
        )
        for leg in payload["p"]
    ]
    if not calls:
        message = "no legs"
        raise ValueError(message)
    return calls


def _mark_price(payload: Frame, received_at: datetime) -> list[StreamItem]:
    if payload.get("st", 1) != 1:  # all-market streams mix in COIN-M symbols since 2026-06-30
        return [StreamNotice("IGNORED", "markPriceUpdate of another market", dict(payload))]
    return [
        MarkPriceReport(
            symbol=text_of(payload, "s"),
            mark_price=decimal_of(payload["p"]),
            updated_at=time_of(payload, "E", fallback=received_at),
            index_price=positive_or_none(payload, "i"),
            funding_rate=decimal_or_none(payload, "r"),
            next_funding_at=moment_or_none(payload, "T"),
        )
    ]


_READERS: dict[str, Callable[[Frame, datetime], list[StreamItem]]] = {
    "ORDER_TRADE_UPDATE": order_update,
    "ALGO_UPDATE": algo_update,
    "ACCOUNT_UPDATE": _account_update,
    "ACCOUNT_CONFIG_UPDATE": _config_update,
    "MARGIN_CALL": _margin_call,
    "markPriceUpdate": _mark_price,
}
