"""This side of a comparison: projected rows, frozen."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Max, Q

from accounts.models import Balance, ExchangeAccount
from orders.models import OPEN_STATUSES, Order, TradeCursor
from orders.selectors import unbooked_orders
from positions.models import Position
from tradeops.domain.enums import MarginMode, OrderStatus, PositionSide
from tradeops.domain.ids import command_id_of
from tradeops.exchange.reports import OrderReport
from tradeops.reconcile.domain.sides import LocalBalance, LocalOrder, LocalPosition
from tradeops.reconcile.models import Drift, ReconcileRun

RECENT = timedelta(minutes=10)
_UNBOOKED_REACH = timedelta(days=1)
_IN_CHUNK = 500
T = TypeVar("T")


def active_account_ids() -> list[int]:
    """Accounts to serve: active and with a venue key."""
    accounts = ExchangeAccount.objects.filter(is_active=True, credentials__is_current=True)
    return list(accounts.order_by("pk").values_list("pk", flat=True))


def orders_beside(account_id: int, reports: Sequence[OrderReport]) -> list[LocalOrder]:
    """Open orders of the account, and the rows of `reports` whatever their state."""
    mine = Order.objects.filter(account_id=account_id)
    rows = {row.pk: row for row in mine.filter(status__in=OPEN_STATUSES)}
    ours = [command_id_of(report.client_order_id) for report in reports]
    theirs = [report.venue_order_id for report in reports if report.venue_order_id]
    for chunk in _chunks([order_id for order_id in ours if order_id is not None]):
        rows |= mine.in_bulk(chunk)
    for venue_ids in _chunks(theirs):
        rows |= {row.pk: row for row in mine.filter(venue_order_id__in=venue_ids)}
    return [_local_order(row) for row in rows.values()]


def _chunks(values: Sequence[T]) -> Iterable[Sequence[T]]:
    return (values[start : start + _IN_CHUNK] for start in range(0, len(values), _IN_CHUNK))


def _local_order(row: Order) -> LocalOrder:
    return LocalOrder(
        order_id=row.pk,
        client_order_id=row.client_order_id,
        venue_order_id=row.venue_order_id,
        symbol=row.symbol,
        status=OrderStatus(row.status),
        quantity=row.quantity,
        price=row.price,
        filled_quantity=row.venue_filled_quantity,
        booked_quantity=row.filled_quantity,
        updated_at=row.updated_at,
    )


def positions(account_id: int) -> list[LocalPosition]:
    """Every leg that ever was, flat ones with quantity 0."""
    return [
        LocalPosition(
            row.symbol,
            PositionSide(row.position_side),
            row.quantity,
            row.updated_at,
            row.leverage,
            MarginMode(row.margin_mode) if row.margin_mode else None,
        )
        for row in Position.objects.filter(account_id=account_id)
    ]


def balances(account_id: int) -> list[LocalBalance]:
    """Every wallet."""
    return [
        LocalBalance(row.asset, row.wallet_balance, row.updated_at)
        for row in Balance.objects.filter(account_id=account_id)
    ]


def cursors(account_id: int) -> dict[str, int]:
    """Symbol → trade id up to which REST confirmed the fills."""
    rows = TradeCursor.objects.filter(account_id=account_id)
    return dict(rows.values_list("symbol", "trade_id"))


def unbooked_symbols(account_id: int, *, now: datetime) -> set[str]:
    """Symbols with an order that filled further than its fills say.

    Looks at open orders and at those of the last day; older ones show in the position.
    """
    return {
        order.symbol
        for order in unbooked_orders()
        if order.account_id == account_id
        and (order.is_open or order.submitted_at >= now - _UNBOOKED_REACH)
    }


def recent_symbols(account_id: int, *, now: datetime) -> set[str]:
    """Symbols of orders that were sent lately or are open."""
    lately = Q(submitted_at__gte=now - RECENT) | Q(status__in=OPEN_STATUSES)
    rows = Order.objects.filter(lately, account_id=account_id)
    return set(rows.values_list("symbol", flat=True).distinct())


def symbols_with_history(account_id: int, symbols: Iterable[str]) -> set[str]:
    """Those of `symbols` that ever had an order."""
    mine = Order.objects.filter(account_id=account_id)
    return {symbol for symbol in symbols if mine.filter(symbol=symbol).exists()}


def known_venue_orders(account_id: int, venue_order_ids: Sequence[str]) -> set[tuple[str, str]]:
    """(symbol, venue order id) of those that have a row here."""
    rows = Order.objects.filter(account_id=account_id)
    return {
        pair
        for chunk in _chunks(list(venue_order_ids))
        for pair in rows.filter(venue_order_id__in=chunk).values_list("symbol", "venue_order_id")
    }


def open_drifts(account_id: int) -> list[Drift]:
    """Differences that last, oldest first."""
    rows = Drift.objects.filter(account_id=account_id, resolved_at=None)
    return list(rows.order_by("first_seen_at", "kind", "subject"))


def newest_runs(account_ids: Sequence[int]) -> dict[int, datetime]:
    """Account → end of its newest complete run that left a row."""
    runs = ReconcileRun.objects.filter(
        account_id__in=account_ids, error="", finished_at__isnull=False
    )
    return dict(
        runs.values("account_id").annotate(at=Max("finished_at")).values_list("account_id", "at")
    )
