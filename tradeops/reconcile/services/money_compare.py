"""Wallets, the income history, and whether both add up (I4, R1.14)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from accounts.models import IncomeCursor
from tradeops.domain.enums import Source
from tradeops.engine import facts
from tradeops.engine.ledger import account_ledger
from tradeops.exchange.reports import BalanceReport, IncomeReport
from tradeops.journal.event_store import Origin
from tradeops.kit.db import write_transaction
from tradeops.reconcile import selectors
from tradeops.reconcile.domain.diff_money import diff_balances
from tradeops.reconcile.domain.sides import DriftKind, is_active
from tradeops.reconcile.services.comparison import Comparison, believable
from tradeops.reconcile.services.drift_book import ACTOR
from tradeops.reconcile.services.gap_fill import book_missing, book_trades

INCOME_OVERLAP = timedelta(minutes=10)  # rows may appear late
INCOME_REACH = timedelta(days=89)  # the venue keeps three months (binance.md §5)
INCOME_WINDOW = timedelta(days=6)  # one answer spans a week at most
CURSOR_MOVES_AFTER = timedelta(hours=1)
FIRST_INCOME = timedelta(hours=1)
_ONE_MS = timedelta(milliseconds=1)
_OF_FILLS = frozenset({"REALIZED_PNL", "COMMISSION"})


async def open_wallets(run: Comparison) -> None:
    """Read the wallets before anything else, once in an account's life.

    The figures that every later flow is added to must not be younger than flows booked before.
    What moved a wallet until then is in its figure: the history is read from here on. (A wallet
    that never moved is dated 1970, and a read from there weighs 390.)
    """
    if selectors.first_opening(run.account_id) is None:
        asked_at = run.clock.now()
        run.take_over(await _read(run))
        _pass_quiet_time(run, asked_at)


async def compare_balances(run: Comparison) -> None:
    """Wallets; one that moved while nobody heard may hide a round trip: ask for fills."""
    theirs = await _read(run)
    now = run.clock.now()
    found = diff_balances(selectors.balances(run.account_id), theirs, now=now)
    if any(not is_active(report.updated_at, now) for report in found.heals):
        await book_trades(run, settings.ALLOWED_SYMBOLS)
    run.take_over(found.heals)
    if not found.differs:
        return
    again = await _read(run)
    left = diff_balances(selectors.balances(run.account_id), again, now=run.clock.now())
    run.mismatches += [
        item
        for item in left.mismatches
        if item.subject in {first.subject for first in found.mismatches}
    ]
    run.undecided |= {(DriftKind.BALANCE, item.subject) for item in left.mismatches}
    run.undecided |= {(DriftKind.BALANCE, report.asset) for report in left.heals}


async def _read(run: Comparison) -> Sequence[BalanceReport]:
    theirs = await run.port.balances()
    believable(theirs)
    return theirs


async def read_income(run: Comparison) -> None:
    """Book what the income history tells since the cursor, by transaction id, page by page.

    Profits and commissions are booked with their fills; here they only prove that a fill exists.
    """
    proven: set[tuple[str, int]] = set()
    began, since = run.clock.now(), _income_since(run)
    while True:
        rows = await run.port.income(since=since, limit=run.page)
        proven |= {
            (row.symbol, int(row.trade_id))
            for row in rows
            if row.kind in _OF_FILLS and row.trade_id.isdecimal()
        }
        _book_income(run, rows)
        reaches_now = began - since < INCOME_WINDOW
        if not rows or (len(rows) < run.page and reaches_now):
            break
        since = _next_income(rows, since, is_full=len(rows) >= run.page)
    _pass_quiet_time(run, began)
    await _prove_fills(run, proven)


def _next_income(rows: Sequence[IncomeReport], since: datetime, *, is_full: bool) -> datetime:
    """Where the next page begins: a full one may have cut the rows of its last millisecond."""
    last = max(row.booked_at for row in rows)
    if is_full:
        # A whole page of one millisecond must not be read for ever.
        return last if last > since else since + _ONE_MS
    return last + _ONE_MS


def _pass_quiet_time(run: Comparison, read_until: datetime) -> None:
    """Do not read again what held nothing: each week that is asked for costs a weight of 30.

    Seldom, so that a run that found nothing writes nothing.
    """
    known = selectors.income_read_until(run.account_id)
    if known is None or read_until - known > CURSOR_MOVES_AFTER:
        with write_transaction():
            IncomeCursor.objects.update_or_create(
                account_id=run.account_id, defaults={"read_until": read_until}
            )


def _income_since(run: Comparison) -> datetime:
    now = run.clock.now()
    cursor = selectors.income_read_until(run.account_id)
    if cursor is None:
        cursor = selectors.first_opening(run.account_id) or now - FIRST_INCOME
    return max(cursor - INCOME_OVERLAP, now - INCOME_REACH)


def _book_income(run: Comparison, rows: Sequence[IncomeReport]) -> None:
    if not rows:
        return
    now = run.clock.now()
    newest = max(row.booked_at for row in rows)
    known = selectors.income_read_until(run.account_id)
    with account_ledger(run.account_id, Origin(ACTOR, Source.REST, now)) as ledger:
        ledger.expect([key for row in rows for key in facts.expected_keys(run.account_id, row)])
        for row in rows:
            facts.record(ledger, row)
        if known is None or newest > known:
            IncomeCursor.objects.update_or_create(
                account_id=run.account_id, defaults={"read_until": newest}
            )
    run.healed += len(ledger.written)


async def _prove_fills(run: Comparison, proven: set[tuple[str, int]]) -> None:
    """A profit or commission without its fill: the gap is read again (I2)."""
    missing = selectors.missing_fills(run.account_id, proven)
    if not missing:
        return
    await book_trades(run, {symbol for symbol, _ in missing})
    missing = selectors.missing_fills(run.account_id, missing)
    missing = {item for item in missing if item[0] not in run.unread}
    if missing:
        await book_missing(run, missing)


async def compare_wallets(run: Comparison) -> None:
    """The wallet equation of each asset; one that does not hold is asked for as fills first."""
    found = selectors.wallet_mismatches(run.account_id)
    if not found:
        return
    await book_trades(run, settings.ALLOWED_SYMBOLS)
    now = run.clock.now()
    moved = {row.asset: row.updated_at for row in selectors.balances(run.account_id)}
    for mismatch in selectors.wallet_mismatches(run.account_id):
        times = [at for at in (mismatch.local_at, moved.get(mismatch.subject)) if at is not None]
        if any(is_active(at, now) for at in times):
            run.undecided.add((mismatch.kind, mismatch.subject))
        else:
            run.mismatches.append(mismatch)
