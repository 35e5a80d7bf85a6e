"""Order and fill reports → events."""

from decimal import Decimal
from uuid import UUID

from orders.domain.lifecycle import advance
from orders.models import Order
from tradeops.domain.enums import OrderStatus, OrderType
from tradeops.domain.events import (
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrderUpdated,
    TradeExecuted,
)
from tradeops.domain.ids import command_id_of, external_order_id, fill_dedup_key, fill_id
from tradeops.engine.facts_account import undo_adjustment
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.reports import FillReport, OrderReport
from tradeops.journal.event_store import Draft


def record_order(ledger: AccountLedger, report: OrderReport) -> None:
    order = _find_order(ledger, report.symbol, report.client_order_id, report.venue_order_id)
    if order is None:
        order = _adopt(ledger, report)
    if order.order_type == OrderType.OTHER and report.order_type is not OrderType.OTHER:
        ledger.emit(Draft(_completed_stub(order, report), report.updated_at))
    status = advance(OrderStatus(order.status), report.status)
    news = (
        status != order.status
        or report.filled_quantity > order.venue_filled_quantity
        or (report.venue_order_id and report.venue_order_id != order.venue_order_id)
        or _is_amended(order, report)
    )
    if news:
        ledger.emit(Draft(_order_event(order, report, status), report.updated_at))


def _is_amended(order: Order, report: OrderReport) -> bool:
    """The venue changed quantity or price (F15); an older report must not change them back."""
    if not order.is_open or report.updated_at < order.updated_at:
        return False
    return bool(report.quantity != order.quantity or _price_of(report) != order.price)


def _completed_stub(order: Order, report: OrderReport) -> OrderUpdated:
    """What the order's own report adds to a row that was made from a fill."""
    return OrderUpdated(
        order.pk,
        OrderStatus(order.status),
        report.venue_order_id,
        order.venue_filled_quantity,
        None,
        report.updated_at,
        quantity=report.quantity,
        price=_price_of(report),
        order_type=report.order_type,
        time_in_force=report.time_in_force,
        reduce_only=report.reduce_only,
    )


def _order_event(
    order: Order, report: OrderReport, status: OrderStatus
) -> OrderUpdated | OrderCancelled | OrderRejected:
    if status != order.status and status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED):
        return OrderCancelled(
            order.pk,
            status,
            report.venue_order_id,
            report.filled_quantity,
            report.updated_at,
            report.reason,
        )
    if status != order.status and status is OrderStatus.REJECTED:
        return OrderRejected(order.pk, "VENUE_REJECTED", report.reason, report.updated_at)
    amended = _is_amended(order, report)
    return OrderUpdated(
        order.pk,
        status,
        report.venue_order_id,
        report.filled_quantity,
        report.average_price,
        report.updated_at,
        quantity=report.quantity if amended else None,
        price=_price_of(report) if amended else None,
        reason=report.reason,
    )


def _price_of(report: OrderReport) -> Decimal | None:
    return report.price if report.price else None


def record_fill(ledger: AccountLedger, report: FillReport) -> None:
    key = fill_dedup_key(ledger.account_id, report.symbol, report.trade_id)
    if ledger.is_known(key):
        return
    order = _find_order(ledger, report.symbol, report.client_order_id, report.venue_order_id)
    if order is None:
        order = _adopt(ledger, _order_behind(report))
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
    undo_adjustment(ledger, report)


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


def _adopt(ledger: AccountLedger, report: OrderReport) -> Order:
    """An order without a row here: sent by hand, by liquidation, or before a restore."""
    order_id = command_id_of(report.client_order_id)
    if order_id is None or ledger.rows.get(Order, order_id) is not None:
        # The second case: accounts that share a venue key, where the id is the other one's row.
        order_id = external_order_id(ledger.account_id, report.symbol, report.venue_order_id)
    ledger.emit(
        Draft(
            OrderPlaced(
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
            ),
            report.updated_at,
        )
    )
    order = ledger.rows.get(Order, order_id)
    if order is None:
        raise LookupError(f"order {order_id} was not projected")
    return order


def _find_order(
    ledger: AccountLedger, symbol: str, client_order_id: str, venue_order_id: str
) -> Order | None:
    ours: UUID | None = command_id_of(client_order_id)
    order = ledger.rows.get(Order, ours) if ours is not None else None
    if order is not None and order.account_id == ledger.account_id:
        return order
    # Ours without a row (after a restore) may have been met through a fill that named no client id.
    derived = external_order_id(ledger.account_id, symbol, venue_order_id)
    known = ledger.rows.get(Order, derived)
    if known is not None:
        return known
    matches = ledger.rows.select(
        Order, account_id=ledger.account_id, symbol=symbol, venue_order_id=venue_order_id
    )
    return matches[0] if matches else None
