"""Take the venue's side of a drift, kind by kind: read once more, and book what is still so.

Each function returns what writes the decision: called under the account lock, it emits the events.
What has changed since the person saw it is refused, not booked.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Balance, ExchangeAccount
from accounts.projection import balance_id
from accounts.selectors import wallet_equation
from accounts.services.account_change import SUBJECT, next_version
from orders.models import Order
from positions.models import Position
from positions.projection import position_id
from tradeops.domain.enums import OrderStatus, PositionMode, PositionSide
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import BalanceChanged, ConfigChanged, IncomeBooked, OrderCancelled
from tradeops.domain.money import ZERO, plain
from tradeops.engine import facts
from tradeops.engine.facts_account import adjust_position
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.errors import NotFound
from tradeops.exchange.reports import OrderReport, PositionReport
from tradeops.journal.event_store import Draft
from tradeops.reconcile import selectors
from tradeops.reconcile.domain import diff
from tradeops.reconcile.domain.sides import DriftKind, is_active
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.comparison import Comparison, believable

Booking = Callable[[AccountLedger], None]
ADOPTED = "ADOPTED"


async def adoption(run: Comparison, drift: Drift) -> Booking:
    """What books the venue's side of the drift.

    Raises:
        TradeOpsError: PRECONDITION_FAILED where a side has changed or still moves.
        ExchangeError: the venue did not answer.
    """
    return await _ADOPTIONS[DriftKind(drift.kind)](run, drift)


def _changed(what: str) -> TradeOpsError:
    return TradeOpsError(
        ErrorCode.PRECONDITION_FAILED, f"{what} since the drift was seen: look at it again."
    )


def leg_of(drift: Drift) -> tuple[str, PositionSide]:
    """Symbol and side of a position's drift."""
    symbol, _, side = drift.subject.partition(":")
    return symbol, PositionSide(side)


async def _position(run: Comparison, drift: Drift) -> Booking:
    symbol, side = leg_of(drift)
    # Taken before the read: what was traded until now is in it, since nothing moves (is_active).
    # By the venue's clock, as fills are: one that comes after the read must not look older.
    read_at = run.clock.now() + timedelta(milliseconds=run.port.clock_offset_ms())
    theirs = await run.port.positions()
    believable(theirs)
    flat = PositionReport(symbol, side, ZERO, ZERO, drift.first_seen_at)
    report = next(
        (item for item in theirs if (item.symbol, item.position_side) == (symbol, side)), flat
    )
    if plain(report.quantity) != drift.venue.get("quantity"):
        raise _changed("The venue's quantity has changed")
    if is_active(report.updated_at, read_at):
        raise _changed("The venue's position has moved")

    def book(ledger: AccountLedger) -> None:
        row = ledger.rows.get(Position, position_id(ledger.account_id, symbol, side))
        held = row.quantity if row is not None else ZERO
        if plain(held) != drift.local.get("quantity"):
            raise _changed("The quantity here has changed")
        adjust_position(ledger, report, drift_id=drift.pk, read_at=read_at)

    return book


async def _balance(run: Comparison, drift: Drift) -> Booking:
    theirs = await run.port.balances()
    believable(theirs)
    report = next((item for item in theirs if item.asset == drift.subject), None)
    if report is None or plain(report.wallet_balance) != drift.venue.get("wallet_balance"):
        raise _changed("The venue's wallet has changed")

    def book(ledger: AccountLedger) -> None:
        row = ledger.rows.get(Balance, balance_id(ledger.account_id, report.asset))
        held = row.wallet_balance if row is not None else ZERO
        if plain(held) != drift.local.get("wallet_balance"):
            raise _changed("The wallet here has changed")
        at = max(report.updated_at, row.updated_at) if row is not None else report.updated_at
        taken = BalanceChanged(report.asset, report.wallet_balance, None, ADOPTED, at)
        ledger.emit(Draft(taken, ledger.origin.now, f"adopt:{drift.pk}"))

    return book


async def _wallet(_run: Comparison, drift: Drift) -> Booking:
    def book(ledger: AccountLedger) -> None:
        equation = wallet_equation(ledger.account_id, drift.subject)
        difference: Decimal = equation.difference
        if plain(equation.wallet) != drift.venue.get("wallet_balance"):
            raise _changed("The wallet has changed")
        if plain(equation.expected) != drift.local.get("expected"):
            raise _changed("A flow of money was booked")
        now = ledger.origin.now
        booked = IncomeBooked(ADOPTED, drift.subject, difference, "", str(drift.pk), now)
        ledger.emit(Draft(booked, now, f"adopt:{drift.pk}"))

    return book


async def _order(run: Comparison, drift: Drift) -> Booking:
    order = _row_of(run, drift)
    try:
        report = await _ask(run, drift, order)
    except NotFound:
        if order is None or not order.is_open:
            raise _changed("The venue has forgotten the order") from None
        return _gone(order)

    def book(ledger: AccountLedger) -> None:
        facts.record(ledger, report)
        ledger.rows.flush()
        after = selectors.orders_beside(ledger.account_id, [report])
        # The two must agree whatever their age: grace is for comparisons.
        old = replace(report, updated_at=drift.first_seen_at)
        aged = [replace(item, updated_at=drift.first_seen_at) for item in after]
        if diff.order_mismatches(aged, [old], now=ledger.origin.now):
            raise TradeOpsError(
                ErrorCode.PRECONDITION_FAILED,
                "What ended or filled here cannot be undone: ignore the drift, or rebuild.",
            )

    return book


def _gone(order: Order) -> Booking:
    def book(ledger: AccountLedger) -> None:
        now: datetime = ledger.origin.now
        ended = OrderCancelled(
            order.pk,
            OrderStatus.EXPIRED,
            order.venue_order_id,
            order.venue_filled_quantity,
            now,
            "adopted: the venue has no such order",
        )
        ledger.emit(Draft(ended, now))

    return book


def _row_of(run: Comparison, drift: Drift) -> Order | None:
    symbol, _, name = drift.subject.partition(":")
    mine = Order.objects.filter(account_id=run.account_id, symbol=symbol)
    return (
        mine.filter(client_order_id=name).first()
        or mine.filter(venue_order_id=name).first()
        or mine.filter(algo_id=name.removeprefix("algo-")).exclude(algo_id="").first()
    )


async def _ask(run: Comparison, drift: Drift, order: Order | None) -> OrderReport:
    symbol, _, name = drift.subject.partition(":")
    if order is None:
        return await run.port.order_by_venue_id(symbol, name)
    conditional = order.is_conditional
    if order.client_order_id:
        return await run.port.order(symbol, order.client_order_id, conditional=conditional)
    venue_id = order.algo_id if conditional else order.venue_order_id
    return await run.port.order_by_venue_id(symbol, venue_id, conditional=conditional)


async def _position_mode(run: Comparison, drift: Drift) -> Booking:
    mode: PositionMode = await run.port.position_mode()
    if mode.value != drift.venue.get("position_mode"):
        raise _changed("The venue's mode has changed")

    def book(ledger: AccountLedger) -> None:
        account_id, now = ledger.account_id, ledger.origin.now
        old = {"position_mode": selectors.position_mode(account_id).value}
        ExchangeAccount.objects.filter(pk=account_id).update(position_mode=mode.value)
        changed = ConfigChanged(
            SUBJECT,
            str(account_id),
            next_version(account_id),
            old,
            {"position_mode": mode.value},
            "adopted from the venue",
        )
        ledger.emit(Draft(changed, now))

    return book


_ADOPTIONS: dict[DriftKind, Callable[[Comparison, Drift], Awaitable[Booking]]] = {
    DriftKind.POSITION: _position,
    DriftKind.BALANCE: _balance,
    DriftKind.WALLET: _wallet,
    DriftKind.ORDER: _order,
    DriftKind.ORDER_MISSING: _order,
    DriftKind.POSITION_MODE: _position_mode,
}
