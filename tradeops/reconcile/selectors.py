"""This side of a comparison: projected rows, frozen."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Max, Model, Q, QuerySet

from accounts.models import Balance, ExchangeAccount, IncomeCursor, WalletLedger
from accounts.selectors import wallet_equations
from orders.models import OPEN_STATUSES, Fill, Order, TradeCursor
from orders.selectors import unbooked_orders
from positions.models import Position
from tradeops.domain.enums import MarginMode, OrderStatus, PositionMode, PositionSide
from tradeops.domain.ids import command_id_of
from tradeops.domain.money import plain
from tradeops.exchange.reports import OrderReport
from tradeops.reconcile.domain.diff_money import wallet_mismatch
from tradeops.reconcile.domain.hysteresis import HEALS_WITHIN, DriftStatus
from tradeops.reconcile.domain.sides import (
    DriftKind,
    LocalBalance,
    LocalOrder,
    LocalPosition,
    Mismatch,
    symbol_of,
)
from tradeops.reconcile.models import HEALED, Drift, ReconcileRun

RECENT = timedelta(minutes=10)
EVIDENCE_ROWS = 10
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
    algos = [report.algo_id for report in reports if report.algo_id]
    for chunk in _chunks([order_id for order_id in ours if order_id is not None]):
        rows |= mine.in_bulk(chunk)
    for venue_ids in _chunks(theirs):
        rows |= {row.pk: row for row in mine.filter(venue_order_id__in=venue_ids)}
    for algo_ids in _chunks(algos):
        rows |= {row.pk: row for row in mine.filter(algo_id__in=algo_ids)}
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
        algo_id=row.algo_id,
        is_conditional=row.is_conditional,
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
            row.isolated_margin,
            row.adl_quantile,
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


def known_venue_orders(
    account_id: int, venue_order_ids: Sequence[str]
) -> dict[tuple[str, str], str]:
    """(symbol, venue order id) → client order id of those that have a row here."""
    rows = Order.objects.filter(account_id=account_id)
    return {
        (symbol, venue_order_id): client_order_id
        for chunk in _chunks(list(venue_order_ids))
        for symbol, venue_order_id, client_order_id in rows.filter(
            venue_order_id__in=chunk
        ).values_list("symbol", "venue_order_id", "client_order_id")
    }


def held_symbols(account_id: int) -> set[str]:
    """Symbols with an open order or a position: where a fill may come from any moment."""
    orders = Order.objects.filter(account_id=account_id, status__in=OPEN_STATUSES)
    legs = {leg.symbol for leg in positions(account_id) if leg.quantity}
    return legs | set(orders.values_list("symbol", flat=True).distinct())


def missing_fills(account_id: int, trades: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Those of the (symbol, trade id) that have no fill here."""
    rows = Fill.objects.filter(account_id=account_id)
    known = {
        pair
        for chunk in _chunks(sorted({trade_id for _, trade_id in trades}))
        for pair in rows.filter(trade_id__in=chunk).values_list("symbol", "trade_id")
    }
    return set(trades) - known


def position_mode(account_id: int) -> PositionMode:
    """Hedge or one-way, as the account is set up here."""
    rows = ExchangeAccount.objects.filter(pk=account_id)
    return PositionMode(rows.values_list("position_mode", flat=True).get())


def income_read_until(account_id: int) -> datetime | None:
    """Up to when income is booked without a gap; None when it was never read."""
    rows = IncomeCursor.objects.filter(account_id=account_id)
    return rows.values_list("read_until", flat=True).first()


def first_opening(account_id: int) -> datetime | None:
    """When the account's oldest wallet figure holds from; None while no wallet was told."""
    rows = WalletLedger.objects.filter(account_id=account_id, opened_at__isnull=False)
    return rows.order_by("opened_at").values_list("opened_at", flat=True).first()


def wallet_mismatches(account_id: int) -> list[Mismatch]:
    """Assets whose wallet is not what its flows add up to (I4)."""
    rows = WalletLedger.objects.filter(account_id=account_id)
    changed = dict(rows.values_list("asset", "updated_at"))
    found = [
        wallet_mismatch(equation, changed[equation.asset])
        for equation in wallet_equations(account_id)
    ]
    return [mismatch for mismatch in found if mismatch is not None]


def changed_at(account_id: int, mismatch: Mismatch) -> datetime | None:
    """Version of the row that a mismatch was read from, as it is now; see `Mismatch.local_at`."""
    row_id = f"{account_id}:{mismatch.subject}"
    if mismatch.kind in (DriftKind.ORDER, DriftKind.ORDER_MISSING):
        return _updated_at(Order, mismatch.order_id)
    if mismatch.kind is DriftKind.POSITION:
        return _updated_at(Position, row_id)
    if mismatch.kind is DriftKind.BALANCE:
        return _updated_at(Balance, row_id)
    return _updated_at(WalletLedger, row_id) if mismatch.kind is DriftKind.WALLET else None


def _updated_at(model: type[Model], pk: object) -> datetime | None:
    rows: Any = model._default_manager.filter(pk=pk)
    found: datetime | None = rows.values_list("updated_at", flat=True).first()
    return found


def evidence_of(account_id: int, symbol: str) -> dict[str, Any]:
    """What was booked last in a symbol: the newest fills, and the orders that may still fill."""
    if not symbol:
        return {}
    mine = {"account_id": account_id, "symbol": symbol}
    fills = Fill.objects.filter(**mine).order_by("-trade_id")[:EVIDENCE_ROWS]
    orders = Order.objects.filter(**mine, status__in=OPEN_STATUSES)[:EVIDENCE_ROWS]
    return {
        "fills": [
            {
                "trade_id": str(fill.trade_id),
                "side": fill.side,
                "quantity": plain(fill.quantity),
                "price": plain(fill.price),
                "traded_at": fill.traded_at.isoformat(),
                "order_id": str(fill.order_id),
            }
            for fill in fills
        ],
        "orders": [
            {
                "order_id": str(order.pk),
                "client_order_id": order.client_order_id,
                "status": order.status,
                "filled_quantity": plain(order.venue_filled_quantity),
                "booked_quantity": plain(order.filled_quantity),
            }
            for order in orders
        ],
    }


# Drifts -------------------------------------------------------------------------------------------


def unresolved(account_id: int, kinds: Collection[DriftKind]) -> dict[tuple[DriftKind, str], Drift]:
    """Differences that last, whatever was decided about them."""
    rows = Drift.objects.filter(account_id=account_id, resolved_at=None, kind__in=list(kinds))
    return {(DriftKind(row.kind), row.subject): row for row in rows}


def healed_lately(row: Drift, *, now: datetime) -> int:
    """How often the same difference has gone away by itself within the hour."""
    return Drift.objects.filter(
        account_id=row.account_id,
        kind=row.kind,
        subject=row.subject,
        decision=HEALED,
        resolved_at__gt=now - HEALS_WITHIN,
    ).count()


def disputed_symbols(account_id: int) -> set[str]:
    """Symbols in which the two sides disagree and nobody has decided to let it be."""
    rows = Drift.objects.filter(account_id=account_id, resolved_at=None)
    undecided = rows.exclude(status=DriftStatus.IGNORED).values_list("kind", "subject")
    return {symbol_of(DriftKind(kind), subject) for kind, subject in undecided} - {""}


def open_drifts(account_id: int) -> list[Drift]:
    """Differences that last and that nobody has decided to ignore, oldest first."""
    rows = Drift.objects.filter(account_id=account_id, resolved_at=None)
    rows = rows.exclude(status=DriftStatus.IGNORED)
    return list(rows.order_by("first_seen_at", "kind", "subject"))


def drifts_of(account_ids: frozenset[int] | None) -> QuerySet[Drift]:
    """Drifts of these accounts (None: all)."""
    rows = Drift.objects.select_related("account")
    return rows if account_ids is None else rows.filter(account_id__in=account_ids)


def newest_runs(account_ids: Sequence[int]) -> dict[int, datetime]:
    """Account → end of its newest complete run that left a row."""
    runs = ReconcileRun.objects.filter(
        account_id__in=account_ids, error="", finished_at__isnull=False
    )
    return dict(
        runs.values("account_id").annotate(at=Max("finished_at")).values_list("account_id", "at")
    )
