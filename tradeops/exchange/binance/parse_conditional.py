"""Conditional orders as the Algo service tells them. Pure. Source: binance.md §3.

A conditional order lives twice: in the Algo service until it triggers, then as an ordinary order
in the matching engine, under the same client id. Each view knows what the other does not.
"""

from dataclasses import replace
from datetime import datetime

from tradeops.domain.enums import OrderStatus, Side
from tradeops.domain.money import ZERO
from tradeops.exchange.binance.fields import (
    EPOCH,
    Payload,
    decimal_or_zero,
    flag,
    moment_or_none,
    order_type,
    position_side,
    positive_or_none,
    text_of,
    text_or_empty,
    time_in_force,
    time_of,
    working_type,
)
from tradeops.exchange.reports import OrderReport

_FINISHED = "FINISHED"
# What is not here may still trigger, has triggered, or is a word that nobody knows: it lives.
_ENDED = {
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}


def conditional_status(told: str, *, actual_order_id: str) -> OrderStatus:
    """Translate a state of the Algo service.

    FINISHED says that the triggered order ended, filled or not: only that order's own view tells
    which, so here it lives on. Without such an order nothing was ever in the book.
    """
    if told == _FINISHED and not actual_order_id:
        return OrderStatus.CANCELLED
    return _ENDED.get(told, OrderStatus.ACKNOWLEDGED)


def conditional_report(payload: Payload, received_at: datetime = EPOCH) -> OrderReport:
    """Read an order as POST and GET algoOrder and openAlgoOrders tell it.

    `venue_order_id` is "" until it has triggered. Nothing filled is told here, ever: of a
    cancelled order the venue gives its whole quantity as `actualQty`.
    """
    actual_order_id = text_or_empty(payload, "actualOrderId")
    return OrderReport(
        symbol=text_of(payload, "symbol"),
        venue_order_id=actual_order_id,
        client_order_id=text_or_empty(payload, "clientAlgoId"),
        side=Side(text_of(payload, "side")),
        order_type=order_type(text_or_empty(payload, "orderType") or text_of(payload, "type")),
        status=conditional_status(text_of(payload, "algoStatus"), actual_order_id=actual_order_id),
        quantity=decimal_or_zero(payload, "quantity"),
        filled_quantity=ZERO,
        price=positive_or_none(payload, "price"),
        average_price=None,
        time_in_force=time_in_force(text_or_empty(payload, "timeInForce")),
        reduce_only=flag(payload, "reduceOnly"),
        close_position=flag(payload, "closePosition"),
        position_side=position_side(text_or_empty(payload, "positionSide")),
        updated_at=time_of(payload, "updateTime", "createTime", fallback=received_at),
        reason=text_or_empty(payload, "rejectReason") or text_or_empty(payload, "rm"),
        algo_id=text_of(payload, "algoId"),
        trigger_price=positive_or_none(payload, "triggerPrice"),
        working_type=working_type(text_or_empty(payload, "workingType")),
        callback_rate=positive_or_none(payload, "callbackRate"),
        activation_price=positive_or_none(payload, "activatePrice"),
        good_till=moment_or_none(payload, "goodTillDate"),
        triggered_at=moment_or_none(payload, "triggerTime"),
    )


def is_over_unfilled(payload: Payload) -> bool:
    """Whether the Algo service calls the triggered order ended and nothing of it executed."""
    return (
        text_or_empty(payload, "algoStatus") == _FINISHED
        and decimal_or_zero(payload, "actualQty") == 0
    )


def both_views(algo: OrderReport, order: OrderReport) -> OrderReport:
    """One report of a triggered order: progress from the matching engine, intent from Algo."""
    return replace(
        order,
        client_order_id=algo.client_order_id,
        order_type=algo.order_type,
        close_position=algo.close_position,
        algo_id=algo.algo_id,
        trigger_price=algo.trigger_price,
        working_type=algo.working_type,
        callback_rate=algo.callback_rate,
        activation_price=algo.activation_price,
        good_till=algo.good_till,
        triggered_at=algo.triggered_at,
    )
