"""Stream events about orders: ORDER_TRADE_UPDATE and ALGO_UPDATE. Pure. Source: binance.md §4."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tradeops.domain.enums import LiquidityRole, Side
from tradeops.exchange.binance.fields import (
    decimal_of,
    decimal_or_zero,
    flag,
    id_of,
    moment_or_none,
    order_status,
    order_type,
    position_side,
    positive_or_none,
    text_of,
    text_or_empty,
    time_in_force,
    time_of,
    working_type,
)
from tradeops.exchange.binance.parse import foreign_reason
from tradeops.exchange.binance.parse_conditional import conditional_report
from tradeops.exchange.reports import FillReport, OrderReport, StreamItem

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
# What ALGO_UPDATE calls the fields of GET algoOrder; its times stand outside.
_ALGO_NAMES = {
    "s": "symbol",
    "ai": "actualOrderId",
    "caid": "clientAlgoId",
    "aid": "algoId",
    "S": "side",
    "o": "orderType",
    "X": "algoStatus",
    "q": "quantity",
    "p": "price",
    "f": "timeInForce",
    "R": "reduceOnly",
    "cp": "closePosition",
    "ps": "positionSide",
    "rm": "rm",
    "tp": "triggerPrice",
    "wt": "workingType",
    "cr": "callbackRate",
    "AP": "activatePrice",
    "gtd": "goodTillDate",
    "tt": "triggerTime",
}
_EXECUTIONS = {"TRADE", "CALCULATED"}  # CALCULATED: liquidation and auto-deleveraging


def order_update(payload: Frame, received_at: datetime) -> list[StreamItem]:
    """Read ORDER_TRADE_UPDATE; the fill stands before its order."""
    order = payload["o"]
    at = time_of(order, "T", fallback=time_of(payload, "T", "E", fallback=received_at))
    report = _order(order, at)
    executed = decimal_or_zero(order, "l")
    # A liquidation may be told with quantity 0, or before it has a trade id: no fill then.
    is_fill = executed > 0 and text_or_empty(order, "t") not in {"", "0", "-1"}
    if is_fill and text_or_empty(order, "x") in _EXECUTIONS:
        return [_fill(order, executed, at), report]
    return [report]


def algo_update(payload: Frame, received_at: datetime) -> list[StreamItem]:
    """Read ALGO_UPDATE: the life of a conditional order up to its trigger.

    After it, ORDER_TRADE_UPDATE under the same client id tells all; `aq` and `ap` are left to it.
    """
    order = payload["o"]
    told = {name: order[short] for short, name in _ALGO_NAMES.items() if short in order}
    at = time_of(payload, "T", "E", fallback=received_at)
    report = conditional_report(told, at, has_filled=decimal_or_zero(order, "aq") > 0)
    return [report]


def _order(order: Frame, at: datetime) -> OrderReport:
    quantity = decimal_of(order["q"])
    filled = decimal_of(order["z"])
    client_order_id = text_or_empty(order, "c")
    trigger_price = positive_or_none(order, "sp")
    return OrderReport(
        symbol=text_of(order, "s"),
        venue_order_id=text_of(order, "i"),
        client_order_id=client_order_id,
        side=Side(text_of(order, "S")),
        # A fired stop has type MARKET; it is still the stop that was asked for.
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
        trigger_price=trigger_price,
        # Told of every order, and meant only where something triggers.
        working_type=working_type(text_or_empty(order, "wt")) if trigger_price else None,
        callback_rate=positive_or_none(order, "cr"),
        activation_price=positive_or_none(order, "AP"),
        good_till=moment_or_none(order, "gtd"),
    )


def _reason(order: Frame, client_order_id: str) -> str:
    foreign = foreign_reason(client_order_id)
    if foreign:
        return foreign
    told = _EXPIRY_REASONS.get(text_or_empty(order, "er"), "")
    if not told and order.get("X") == "EXPIRED_IN_MATCH":
        return "self-trade prevention"
    return told


def _fill(order: Frame, executed: Decimal, at: datetime) -> FillReport:
    return FillReport(
        symbol=text_of(order, "s"),
        trade_id=id_of(order, "t"),
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
