"""Journal → Order and Fill rows."""

from collections.abc import Callable
from typing import Any

from orders.domain.lifecycle import TERMINAL, advance
from orders.models import Fill, Order
from tradeops.domain.enums import OrderStatus, OrderType
from tradeops.domain.events import (
    DomainEvent,
    OrderAdopted,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrderUpdated,
    TradeExecuted,
)
from tradeops.domain.money import ZERO
from tradeops.journal.event_store import Stored
from tradeops.kit.rows import Rows

MODELS = (Order, Fill)
REASON_LENGTH = 200
OUTCOME_UNKNOWN = "outcome unknown"
_UNHEARD = (OrderStatus.NEW, OrderStatus.SUBMITTED)


def apply(stored: Stored, rows: Rows) -> None:
    """Bring the rows to where the event says; events of other slices change nothing."""
    handler = _HANDLERS.get(type(stored.event))
    if handler is not None:
        handler(stored, stored.event, rows)


def _placed(stored: Stored, event: OrderPlaced, rows: Rows) -> None:
    rows.put(
        Order(
            id=event.order_id,
            account_id=stored.account_id,
            client_order_id=event.client_order_id,
            venue_order_id=event.venue_order_id,
            command_id=event.command_id,
            symbol=event.symbol,
            side=event.side,
            order_type=event.order_type,
            time_in_force=event.time_in_force or "",
            position_side=event.position_side,
            reduce_only=event.reduce_only,
            is_external=event.external,
            quantity=event.quantity,
            price=event.price,
            reference_price=event.reference_price,
            leverage=event.leverage,
            status=event.status,
            venue_filled_quantity=ZERO,
            filled_quantity=ZERO,
            filled_notional=ZERO,
            commission=ZERO,
            realized_pnl=ZERO,
            verdicts=event.verdicts,
            algo_id=event.algo_id,
            trigger_price=event.trigger_price,
            working_type=event.working_type or "",
            callback_rate=event.callback_rate,
            activation_price=event.activation_price,
            close_position=event.close_position,
            good_till=event.good_till,
            reason=event.reason[:REASON_LENGTH],
            submitted_at=event.submitted_at,
            updated_at=stored.occurred_at,
        )
    )


def _updated(stored: Stored, event: OrderUpdated, rows: Rows) -> None:
    order = _order(event, rows)
    order.status = advance(OrderStatus(order.status), event.status)
    order.venue_order_id = event.venue_order_id or order.venue_order_id
    order.venue_filled_quantity = max(order.venue_filled_quantity, event.filled_quantity)
    order.client_order_id = order.client_order_id or event.client_order_id
    if event.quantity is not None:
        order.quantity = event.quantity
    if event.price is not None:
        order.price = event.price
    if event.order_type is not None:
        order.order_type = event.order_type
        order.time_in_force = event.time_in_force or ""
        order.reduce_only = bool(event.reduce_only)
    _learn_condition(order, event)
    _touch(order, stored, event.reason)
    rows.put(order)


def _learn_condition(order: Order, event: OrderUpdated) -> None:
    order.algo_id = event.algo_id or order.algo_id
    order.triggered_at = event.triggered_at or order.triggered_at
    order.trigger_price = event.trigger_price or order.trigger_price
    order.working_type = event.working_type or order.working_type
    order.callback_rate = event.callback_rate or order.callback_rate
    order.activation_price = event.activation_price or order.activation_price
    order.close_position = event.close_position or order.close_position
    order.good_till = event.good_till or order.good_till


def _adopted(stored: Stored, event: OrderAdopted, rows: Rows) -> None:
    """The alarm alone: what the order is now is told by the event that follows."""
    order = _order(event, rows)
    _touch(order, stored, event.detail)
    rows.put(order)


def _rejected(stored: Stored, event: OrderRejected, rows: Rows) -> None:
    order = _order(event, rows)
    order.status = advance(OrderStatus(order.status), OrderStatus.REJECTED)
    order.exchange_code = event.exchange_code
    _touch(order, stored, event.reason)
    rows.put(order)


def _cancelled(stored: Stored, event: OrderCancelled, rows: Rows) -> None:
    order = _order(event, rows)
    order.status = advance(OrderStatus(order.status), event.status)
    order.venue_order_id = event.venue_order_id or order.venue_order_id
    order.venue_filled_quantity = max(order.venue_filled_quantity, event.filled_quantity)
    _touch(order, stored, event.reason)
    rows.put(order)


def _executed(stored: Stored, event: TradeExecuted, rows: Rows) -> None:
    rows.put(
        Fill(
            id=event.fill_id,
            account_id=stored.account_id,
            order_id=event.order_id,
            symbol=event.symbol,
            trade_id=int(event.trade_id),
            side=event.side,
            position_side=event.position_side,
            price=event.price,
            quantity=event.quantity,
            commission=event.commission,
            commission_asset=event.commission_asset,
            realized_pnl=event.realized_pnl,
            liquidity=event.liquidity,
            traded_at=event.traded_at,
        )
    )
    order = _order(event, rows)
    order.filled_quantity += event.quantity
    order.filled_notional += event.quantity * event.price
    order.commission += event.commission
    order.realized_pnl += event.realized_pnl
    order.venue_filled_quantity = max(order.venue_filled_quantity, order.filled_quantity)
    order.venue_order_id = event.venue_order_id or order.venue_order_id
    if order.status not in TERMINAL or order.status == OrderStatus.REJECTED:
        # An order met through its fill has no quantity of its own yet, nor one that closes all.
        told = order.order_type != OrderType.OTHER and order.quantity > 0
        complete = told and order.filled_quantity >= order.quantity
        order.status = advance(
            OrderStatus(order.status),
            OrderStatus.FILLED if complete else OrderStatus.PARTIALLY_FILLED,
        )
    _touch(order, stored, "")
    rows.put(order)


def _order(
    event: OrderUpdated | OrderAdopted | OrderRejected | OrderCancelled | TradeExecuted, rows: Rows
) -> Order:
    order = rows.get(Order, event.order_id)
    if order is None:
        raise LookupError(f"{type(event).__name__} for unknown order {event.order_id}")
    return order


def _touch(order: Order, stored: Stored, reason: str) -> None:
    order.updated_at = max(order.updated_at, stored.occurred_at)
    if reason:
        order.reason = reason[:REASON_LENGTH]
    elif order.reason.startswith(OUTCOME_UNKNOWN) and order.status not in _UNHEARD:
        order.reason = ""


_HANDLERS: dict[type[DomainEvent], Callable[[Stored, Any, Rows], None]] = {
    OrderPlaced: _placed,
    OrderUpdated: _updated,
    OrderAdopted: _adopted,
    OrderRejected: _rejected,
    OrderCancelled: _cancelled,
    TradeExecuted: _executed,
}
