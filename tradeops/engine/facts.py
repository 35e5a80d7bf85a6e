"""Venue reports → events, compared with what is known (R1.5, D7).

A report that says nothing new makes no event: that is what makes the second copy of a fill, a
shuffled stream and a reconcile of an unchanged venue harmless.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import Balance
from accounts.projection import balance_id
from orders.domain.lifecycle import advance
from orders.models import Order
from positions.models import Position
from positions.projection import position_id
from tradeops.domain.clock import from_epoch_ms
from tradeops.domain.enums import OrderStatus, OrderType, PositionSide
from tradeops.domain.events import (
    BalanceChanged,
    FundingApplied,
    OrderCancelled,
    OrderPlaced,
    OrderRejected,
    OrderUpdated,
    PositionChanged,
    TradeExecuted,
)
from tradeops.domain.ids import command_id_of, external_order_id, fill_dedup_key, fill_id
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    FundingReport,
    LeverageReport,
    OrderReport,
    PositionReport,
    Report,
)
from tradeops.journal.event_store import Draft

_NEVER = from_epoch_ms(0)


def record(ledger: AccountLedger, report: Report) -> None:
    """Emit the events that follow from one report."""
    _RECORDERS[type(report)](ledger, report)


def expected_keys(account_id: int, report: Report) -> list[str]:
    """Dedup keys worth looking up ahead."""
    if isinstance(report, FillReport):
        return [fill_dedup_key(account_id, report.symbol, report.trade_id)]
    return []


def _record_order(ledger: AccountLedger, report: OrderReport) -> None:
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


def _record_fill(ledger: AccountLedger, report: FillReport) -> None:
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


def _record_position(ledger: AccountLedger, report: PositionReport) -> None:
    """Only settings: the quantity of a snapshot detects drift and books nothing (D7)."""
    row = ledger.rows.get(
        Position, position_id(ledger.account_id, report.symbol, report.position_side)
    )
    _record_settings(ledger, report, report.position_side, row)


def _record_leverage(ledger: AccountLedger, report: LeverageReport) -> None:
    legs = ledger.rows.select(Position, account_id=ledger.account_id, symbol=report.symbol)
    if not legs:
        _record_settings(ledger, report, PositionSide.BOTH, None)
    for leg in legs:
        _record_settings(ledger, report, PositionSide(leg.position_side), leg)


def _record_settings(
    ledger: AccountLedger,
    report: PositionReport | LeverageReport,
    side: PositionSide,
    row: Position | None,
) -> None:
    leverage, mode = report.leverage, report.margin_mode
    if row is not None:
        leverage = None if leverage == row.leverage else leverage
        mode = None if mode == row.margin_mode else mode
    if leverage is None and mode is None:
        return
    changed = PositionChanged(report.symbol, side, report.updated_at, leverage, mode)
    ledger.emit(Draft(changed, report.updated_at))


def _record_balance(ledger: AccountLedger, report: BalanceReport) -> None:
    row = ledger.rows.get(Balance, balance_id(ledger.account_id, report.asset))
    if row is not None and (
        row.wallet_balance == report.wallet_balance or report.updated_at < row.updated_at
    ):
        return
    if row is None and report.wallet_balance == 0:
        return
    # Of a wallet that never moved the venue says 1970 (updateTime 0).
    occurred_at = report.updated_at if report.updated_at > _NEVER else ledger.origin.now
    changed = BalanceChanged(
        report.asset, report.wallet_balance, report.change, report.reason, report.updated_at
    )
    ledger.emit(Draft(changed, occurred_at))


def _record_funding(ledger: AccountLedger, report: FundingReport) -> None:
    marker = report.transaction_id or report.applied_at.isoformat()
    ledger.emit(
        Draft(
            FundingApplied(report.asset, report.amount, report.symbol, report.applied_at),
            report.applied_at,
            f"funding:{ledger.account_id}:{report.asset}:{report.symbol}:{marker}",
        )
    )


_RECORDERS: dict[type, Callable[[AccountLedger, Any], None]] = {
    OrderReport: _record_order,
    FillReport: _record_fill,
    PositionReport: _record_position,
    LeverageReport: _record_leverage,
    BalanceReport: _record_balance,
    FundingReport: _record_funding,
}
