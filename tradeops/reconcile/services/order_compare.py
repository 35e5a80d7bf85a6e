"""Open orders of both services against the venue's lists; what is missing is asked for."""

from collections.abc import Collection, Sequence
from datetime import datetime

from tradeops.exchange.errors import NotFound
from tradeops.exchange.reports import OrderReport
from tradeops.reconcile import selectors
from tradeops.reconcile.domain import diff
from tradeops.reconcile.domain.sides import DriftKind, LocalOrder
from tradeops.reconcile.services.comparison import SINGLE_QUERIES_PER_RUN, Comparison
from tradeops.reconcile.services.gap_fill import book_trades


async def compare_orders(run: Comparison, symbols: Collection[str] | None = None) -> None:
    """Take over what the venue lists, look up what it does not; None: orders of every symbol.

    One symbol's lists weigh 2, the lists of all symbols 80 (binance.md §3, §5).
    """
    listed = await _listed(run, symbols)
    local = selectors.orders_beside(run.account_id, listed)
    if symbols is not None:
        local = [order for order in local if order.symbol in symbols]
    found = diff.diff_orders(local, listed, now=run.clock.now())
    run.take_over(found.heals)
    answers = await _ask_about(run, found.lookups)
    run.take_over(answers)
    told = {
        (item.symbol, item.venue_order_id or f"algo-{item.algo_id}"): item
        for item in [*found.heals, *answers]
    }
    if told:
        after = selectors.orders_beside(run.account_id, list(told.values()))
        await book_trades(run, diff.unbooked_symbols(after))
        # A contradiction of the list counts only if the order's own answer repeats it.
        after = selectors.orders_beside(run.account_id, list(told.values()))
        run.mismatches += diff.order_mismatches(after, list(told.values()), now=run.clock.now())


async def _listed(run: Comparison, symbols: Collection[str] | None) -> list[OrderReport]:
    if symbols is None:
        return [*await run.port.open_orders(), *await run.port.open_conditional_orders()]
    found: list[OrderReport] = []
    for symbol in sorted(symbols):
        found += await run.port.open_orders(symbol)
        found += await run.port.open_conditional_orders(symbol)
    return found


async def _ask_about(run: Comparison, orders: Sequence[LocalOrder]) -> list[OrderReport]:
    answers = []
    for order in _rotated(orders, run.clock.now()):
        subject = diff.subject_of(order)
        if not await run.may_ask():
            run.undecided |= {(DriftKind.ORDER, subject), (DriftKind.ORDER_MISSING, subject)}
            continue
        try:
            answers.append(await _ask(run, order))
        except NotFound:
            missing = diff.missing_order(order, now=run.clock.now())
            run.mismatches += [missing] if missing else []
    return answers


async def _ask(run: Comparison, order: LocalOrder) -> OrderReport:
    # A conditional order that has triggered answers with both of its views there.
    conditional = order.is_conditional
    if order.client_order_id:
        return await run.port.order(order.symbol, order.client_order_id, conditional=conditional)
    venue_id = order.algo_id if conditional else order.venue_order_id
    return await run.port.order_by_venue_id(order.symbol, venue_id, conditional=conditional)


def _rotated(orders: Sequence[LocalOrder], now: datetime) -> Sequence[LocalOrder]:
    # With more orders to ask about than a run may, each run starts further on.
    if len(orders) <= SINGLE_QUERIES_PER_RUN:
        return orders
    start = (now.minute * 60 + now.second) % len(orders)
    return [*orders[start:], *orders[:start]]
