"""Reads of orders and fills."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from orders.models import UNBOOKED, Fill, Order
from tradeops.domain.enums import OrderStatus
from tradeops.domain.money import PRECISION, round_money

TERMINAL_STATUSES = (
    OrderStatus.FILLED,
    OrderStatus.CANCELLED,
    OrderStatus.REJECTED,
    OrderStatus.EXPIRED,
)


def average_price(order: Order) -> Decimal | None:
    """Quote per base over the booked fills, to 8 decimals; None before the first."""
    if not order.filled_quantity:
        return None
    return round_money(PRECISION.divide(order.filled_notional, order.filled_quantity))


def is_settled(order: Order) -> bool:
    """Whether the order is at its end and every fill of it is booked."""
    return (
        order.status in TERMINAL_STATUSES and order.filled_quantity == order.venue_filled_quantity
    )


def unbooked_orders() -> QuerySet[Order]:
    """Orders of all accounts that filled further than their booked fills say, oldest first."""
    return Order.objects.filter(UNBOOKED).order_by("submitted_at")


def orders_of(
    account_ids: frozenset[int] | None,
    *,
    status: Sequence[str] = (),
    symbol: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Order]:
    """Orders of these accounts (None: all), `since` <= submitted < `until`."""
    rows = Order.objects.select_related("account")
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    if status:
        rows = rows.filter(status__in=status)
    if symbol is not None:
        rows = rows.filter(symbol=symbol)
    if since is not None:
        rows = rows.filter(submitted_at__gte=since)
    if until is not None:
        rows = rows.filter(submitted_at__lt=until)
    return rows


def order_of(account_ids: frozenset[int] | None, order_id: UUID) -> Order | None:
    """One order with its account, None when it is not there or not theirs."""
    return orders_of(account_ids).filter(pk=order_id).first()


def fills_of(
    account_ids: frozenset[int] | None,
    *,
    symbol: str | None = None,
    order_id: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> QuerySet[Fill]:
    """Fills of these accounts (None: all), `since` <= traded < `until`."""
    rows = Fill.objects.select_related("account")
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    if symbol is not None:
        rows = rows.filter(symbol=symbol)
    if order_id is not None:
        rows = rows.filter(order_id=order_id)
    if since is not None:
        rows = rows.filter(traded_at__gte=since)
    if until is not None:
        rows = rows.filter(traded_at__lt=until)
    return rows
