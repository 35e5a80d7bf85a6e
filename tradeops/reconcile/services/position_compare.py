"""Legs against the venue's, after the fills that could explain a difference; and their settings."""

from collections.abc import Sequence

from django.conf import settings

from tradeops.domain.money import ZERO
from tradeops.exchange.reports import LeverageReport, PositionReport
from tradeops.reconcile import selectors
from tradeops.reconcile.domain import diff
from tradeops.reconcile.domain.diff_money import diff_position_mode
from tradeops.reconcile.services.comparison import Comparison, believable
from tradeops.reconcile.services.gap_fill import book_trades


async def compare_positions(
    run: Comparison, *, everything: bool = False, only_moved: bool = False
) -> None:
    """Quantities and settings of every leg.

    `everything` reads the fills of each symbol that ever had an order, `only_moved` those of
    symbols alone where something has visibly moved: the cheapest way to hear of a fill.
    """
    theirs = await _read(run)
    symbols = _symbols_to_read(run, theirs, everything=everything, only_moved=only_moved)
    await book_trades(run, symbols)
    run.take_over(diff.diff_settings(selectors.positions(run.account_id), theirs))
    first = diff.diff_positions(selectors.positions(run.account_id), theirs)
    if not first:
        return
    # One read proves nothing, least of all an empty one (F14): ask again, for the fills as well,
    # and believe what both say.
    again = await _read(run)
    if only_moved:
        await book_trades(run, {item.symbol for item in first})
    second = diff.diff_positions(selectors.positions(run.account_id), again)
    before = {(item.symbol, item.position_side): item.quantities for item in first}
    now = run.clock.now()
    for item in second:
        mismatch = item.mismatch()
        lasts = before.get((item.symbol, item.position_side)) == item.quantities
        if lasts and item.symbol not in run.unread and item.is_quiet(now):
            run.mismatches.append(mismatch)
        else:
            run.undecided.add((mismatch.kind, mismatch.subject))


def _symbols_to_read(
    run: Comparison, theirs: Sequence[PositionReport], *, everything: bool, only_moved: bool
) -> set[str]:
    account_id, now = run.account_id, run.clock.now()
    ours = selectors.positions(account_id)
    unbooked = selectors.unbooked_symbols(account_id, now=now)
    if only_moved:
        return unbooked | {item.symbol for item in diff.diff_positions(ours, theirs)}
    symbols = {leg.symbol for leg in theirs} | unbooked
    symbols |= {leg.symbol for leg in ours if leg.quantity or everything}
    symbols |= selectors.recent_symbols(account_id, now=now)
    if everything:
        symbols |= selectors.cursors(account_id).keys()
        symbols |= selectors.symbols_with_history(account_id, settings.ALLOWED_SYMBOLS)
    return symbols


async def _read(run: Comparison) -> Sequence[PositionReport]:
    theirs = await run.port.positions()
    believable(theirs)
    return theirs


async def compare_settings(run: Comparison) -> None:
    """Leverage and margin mode of flat symbols too, the ADL queue, hedge or one-way (F74)."""
    ours = selectors.positions(run.account_id)
    told: list[LeverageReport | PositionReport] = [*await run.port.leverages()]
    run.take_over(diff.diff_settings(ours, told))
    queue = await run.port.adl_quantiles()
    now = run.clock.now()
    held = [
        PositionReport(
            leg.symbol,
            leg.position_side,
            leg.quantity,
            ZERO,
            now,
            adl_quantile=queue[leg.symbol, leg.position_side],
        )
        for leg in ours
        if leg.quantity and (leg.symbol, leg.position_side) in queue
    ]
    run.take_over(diff.diff_settings(selectors.positions(run.account_id), held))
    mismatch = diff_position_mode(
        selectors.position_mode(run.account_id), await run.port.position_mode()
    )
    if mismatch is not None:
        run.mismatches.append(mismatch)
