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
    id_or_empty,
    moment_or_none,
    order_type,
    position_side,
    positive_or_none,
    prose,
    text_of,
    text_or_empty,
    time_in_force,
    time_of,
    working_type,
)
from tradeops.exchange.reports import OrderReport

# What is not here may still trigger, or is a word that nobody knows: it lives.
_ENDED = {
    "FINISHED": OrderStatus.CANCELLED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED": OrderStatus.EXPIRED,
    "REJECTED": OrderStatus.REJECTED,
}


def conditional_status(told: str, *, is_in_book: bool) -> OrderStatus:
    """Translate a state of the Algo service.

    Once triggered an order `is_in_book`, and only its own view tells how it ends: FINISHED stands
    for filled and for cancelled alike. Before that, nothing of it can have filled.
    """
    if is_in_book:
        return OrderStatus.ACKNOWLEDGED
    return _ENDED.get(told, OrderStatus.ACKNOWLEDGED)


def conditional_report(
    payload: Payload, received_at: datetime = EPOCH, *, has_filled: bool = False
) -> OrderReport:
    """Read an order as POST and GET algoOrder and openAlgoOrders tell it.

    `venue_order_id` is "" until it has triggered. Nothing filled is told here, ever: of a
    cancelled order the venue gives its whole quantity as `actualQty`. `has_filled` is what the
    stream knows besides: such an order is in the book, whether its id is told or not.
    """
    actual_order_id = id_or_empty(payload, "actualOrderId")
    is_in_book = bool(actual_order_id) or has_filled
    status = conditional_status(text_of(payload, "algoStatus"), is_in_book=is_in_book)
    return OrderReport(
        symbol=text_of(payload, "symbol"),
        venue_order_id=actual_order_id,
        client_order_id=text_or_empty(payload, "clientAlgoId"),
        side=Side(text_of(payload, "side")),
        order_type=order_type(text_or_empty(payload, "orderType") or text_of(payload, "type")),
        status=status,
        quantity=decimal_or_zero(payload, "quantity"),
        filled_quantity=ZERO,
        price=positive_or_none(payload, "price"),
        average_price=None,
        time_in_force=time_in_force(text_or_empty(payload, "timeInForce")),
        reduce_only=flag(payload, "reduceOnly"),
        close_position=flag(payload, "closePosition"),
        position_side=position_side(text_or_empty(payload, "positionSide")),
        updated_at=time_of(payload, "updateTime", "createTime", fallback=received_at),
        # `rm` is there from the beginning, and true at the end.
        reason="" if status is OrderStatus.ACKNOWLEDGED else prose(payload, "rm"),
        algo_id=text_of(payload, "algoId"),
        trigger_price=positive_or_none(payload, "triggerPrice"),
        working_type=working_type(text_or_empty(payload, "workingType")),
        callback_rate=positive_or_none(payload, "callbackRate"),
        activation_price=positive_or_none(payload, "activatePrice"),
        good_till=moment_or_none(payload, "goodTillDate"),
        triggered_at=moment_or_none(payload, "triggerTime"),
    )


def is_over_unfilled(payload: Payload) -> bool:
    """Whether the Algo service calls a triggered order ended and nothing of it executed."""
    is_over = text_or_empty(payload, "algoStatus") in _ENDED
    return is_over and decimal_or_zero(payload, "actualQty") == 0


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
