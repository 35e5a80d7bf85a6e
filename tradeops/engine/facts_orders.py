"""Order and fill reports → events.

Each report adds what is news to the row, in whatever order reports come: the status climbs, sums
grow, the newest quantity and price count. The row is found by `engine.facts_lookup`.
"""

from dataclasses import replace
from decimal import Decimal

from orders.domain.lifecycle import advance
from orders.models import Order
from tradeops.domain.enums import CONDITIONAL_TYPES, OrderStatus, OrderType
from tradeops.domain.events import (
    OrderAdopted,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrderUpdated,
    TradeExecuted,
)
from tradeops.domain.ids import fill_dedup_key, fill_id
from tradeops.domain.money import ZERO
from tradeops.engine.facts_lookup import find_order, new_order_id
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.reports import FillReport, OrderReport
from tradeops.journal.event_store import Draft
from tradeops.journal.locks import note_adopted

_UNFILLED_ENDS = (OrderStatus.CANCELLED, OrderStatus.EXPIRED)


def record_order(ledger: AccountLedger, report: OrderReport) -> None:
    """What the venue says of one order, ours or not."""
    order = find_order(ledger, report)
    if order is None:
        order = _meet(ledger, report)
    before = OrderStatus(order.status)
    status = _status_after(order, report.status)
    if before is OrderStatus.REJECTED and status is not before:
        _alarm(ledger, order, report.venue_order_id or report.algo_id, f"it is {report.status}")
    ends = status is not before and status in (*_UNFILLED_ENDS, OrderStatus.REJECTED)
    update = _details(order, report, before if ends else status)
    if update is not None or (status is not before and not ends):
        known = update or _bare_update(order, report, status)
        ledger.emit(Draft(known, report.updated_at))
    if ends:
        ledger.emit(Draft(_end(order, report, status), report.updated_at))


def _status_after(order: Order, reported: OrderStatus) -> OrderStatus:
    """REJECTED gives way to proof of existence (I12), unless it was the venue that rejected what it
    had, as with a stop whose trigger failed: an older report of it proves nothing."""
    current = OrderStatus(order.status)
    if current is OrderStatus.REJECTED and (order.venue_order_id or order.algo_id):
        return current
    return advance(current, reported)


def _alarm(ledger: AccountLedger, order: Order, venue_order_id: str, news: str) -> None:
    """Once per order: the venue has what was called lost, or refused, here."""
    adopted = OrderAdopted(
        order.pk,
        OrderStatus(order.status),
        venue_order_id,
        f"called {order.status} ({order.reason or 'no reason given'}), but at the venue {news}",
        ledger.origin.now,
    )
    ledger.emit(Draft(adopted, ledger.origin.now, f"adopted:{ledger.account_id}:{order.pk}"))
    if order.command_id is not None:
        result = {
            "order_id": str(order.pk),
            "client_order_id": order.client_order_id,
            "venue_order_id": venue_order_id,
            "adopted_at": ledger.origin.now.isoformat(),
        }
        note_adopted(order.command_id, result, now=ledger.origin.now)


def _bare_update(order: Order, report: OrderReport, status: OrderStatus) -> OrderUpdated:
    return OrderUpdated(
        order.pk,
        status,
        report.venue_order_id,
        report.filled_quantity,
        report.average_price,
        report.updated_at,
        reason=report.reason,
    )


def _details(order: Order, report: OrderReport, status: OrderStatus) -> OrderUpdated | None:
    """Everything but the status that the report adds; None when that is nothing."""
    known = _bare_update(order, report, status)
    update = replace(
        known,
        quantity=_new_quantity(order, report),
        price=_new_price(order, report),
        client_order_id="" if order.client_order_id else report.client_order_id,
    )
    if order.order_type == OrderType.OTHER and report.order_type is not OrderType.OTHER:
        update = _with_type(replace(update, quantity=report.quantity), report)
    if report.algo_id:
        update = _with_condition(update, order, report)
    grew = report.filled_quantity > order.venue_filled_quantity
    named = report.venue_order_id and report.venue_order_id != order.venue_order_id
    return update if update != known or grew or named else None


def _new_quantity(order: Order, report: OrderReport) -> Decimal | None:
    """The venue changes quantities (F15); an older report must not change them back.

    0 is no quantity but "whatever the position is", until the stop triggers.
    """
    if report.quantity in (ZERO, order.quantity):
        return None
    if order.quantity == ZERO:
        return report.quantity
    return report.quantity if _is_newest(order, report) else None


def _new_price(order: Order, report: OrderReport) -> Decimal | None:
    price = _price_of(report)
    if price is None or price == order.price:
        return None
    return price if _is_newest(order, report) else None


def _is_newest(order: Order, report: OrderReport) -> bool:
    return order.is_open and report.updated_at >= order.updated_at


def _price_of(report: OrderReport) -> Decimal | None:
    return report.price if report.price else None


def _with_type(update: OrderUpdated, report: OrderReport) -> OrderUpdated:
    """For a row that was made from a fill, or from the order that a stop became."""
    return replace(
        update,
        price=_price_of(report),
        order_type=report.order_type,
        time_in_force=report.time_in_force,
        reduce_only=report.reduce_only,
    )


def _with_condition(update: OrderUpdated, order: Order, report: OrderReport) -> OrderUpdated:
    """What only the service of conditional orders tells."""
    if order.order_type not in CONDITIONAL_TYPES and report.order_type in CONDITIONAL_TYPES:
        update = _with_type(update, report)
    return replace(
        update,
        algo_id="" if order.algo_id else report.algo_id,
        triggered_at=None if order.triggered_at else report.triggered_at,
        trigger_price=None if order.trigger_price else report.trigger_price,
        working_type=None if order.working_type else report.working_type,
        callback_rate=None if order.callback_rate else report.callback_rate,
        activation_price=None if order.activation_price else report.activation_price,
        close_position=(report.close_position and not order.close_position) or None,
        good_till=None if order.good_till else report.good_till,
    )


def _end(order: Order, report: OrderReport, status: OrderStatus) -> OrderCancelled | OrderRejected:
    if status is OrderStatus.REJECTED:
        return OrderRejected(order.pk, "VENUE_REJECTED", report.reason, report.updated_at)
    return OrderCancelled(
        order.pk,
        status,
        report.venue_order_id,
        report.filled_quantity,
        report.updated_at,
        report.reason,
    )


def record_fill(ledger: AccountLedger, report: FillReport) -> None:
    """One execution, booked once, on the order it belongs to."""
    key = fill_dedup_key(ledger.account_id, report.symbol, report.trade_id)
    if ledger.is_known(key):
        return
    order = find_order(ledger, report)
    if order is None:
        order = _meet(ledger, _order_behind(report))
    if order.status == OrderStatus.REJECTED:
        _alarm(ledger, order, report.venue_order_id, f"trade {report.trade_id} filled it")
    ledger.emit(
        Draft(
            TradeExecuted(
                fill_id(ledger.account_id, report.symbol, report.trade_id),
                order.pk,
                report.symbol,
                report.trade_id,
                report.venue_order_id,
                report.side,
                report.position_side,
                report.price,
                report.quantity,
                report.commission,
                report.commission_asset,
                report.realized_pnl,
                report.liquidity,
                report.traded_at,
            ),
            report.traded_at,
            key,
        )
    )


def _order_behind(report: FillReport) -> OrderReport:
    """The least that a fill proves about an unknown order; its own report corrects the rest."""
    return OrderReport(
        symbol=report.symbol,
        venue_order_id=report.venue_order_id,
        client_order_id=report.client_order_id,
        side=report.side,
        order_type=OrderType.OTHER,
        status=OrderStatus.ACKNOWLEDGED,
        quantity=report.quantity,
        filled_quantity=report.quantity,
        price=None,
        average_price=None,
        time_in_force=None,
        reduce_only=False,
        close_position=False,
        position_side=report.position_side,
        updated_at=report.traded_at,
    )


def _meet(ledger: AccountLedger, report: OrderReport) -> Order:
    """An order without a row here: sent by hand, by the venue itself (liquidation, ADL, settlement;
    `reason` says which), or before a restore."""
    order_id = new_order_id(ledger, report)
    placed = OrderPlaced(
        order_id=order_id,
        client_order_id=report.client_order_id,
        symbol=report.symbol,
        side=report.side,
        order_type=report.order_type,
        quantity=report.quantity,
        price=_price_of(report),
        time_in_force=report.time_in_force,
        reduce_only=report.reduce_only,
        position_side=report.position_side,
        status=OrderStatus.ACKNOWLEDGED,
        submitted_at=report.updated_at,
        external=True,
        venue_order_id=report.venue_order_id,
        algo_id=report.algo_id,
        trigger_price=report.trigger_price,
        working_type=report.working_type,
        callback_rate=report.callback_rate,
        activation_price=report.activation_price,
        close_position=report.close_position,
        good_till=report.good_till,
        reason=report.reason,
    )
    ledger.emit(Draft(placed, report.updated_at))
    order = ledger.rows.get(Order, order_id)
    if order is None:
        raise LookupError(f"order {order_id} was not projected")
    return order
