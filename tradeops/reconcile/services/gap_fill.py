"""Every fill by its trade id, page by page, with the cursor in the same transaction (F13, F24)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import takewhile

from tradeops.domain.ids import command_id_of
from tradeops.exchange.errors import NotFound
from tradeops.exchange.reports import FillReport, OrderReport
from tradeops.reconcile import selectors
from tradeops.reconcile.domain import diff
from tradeops.reconcile.services.comparison import SINGLE_QUERY_SPACING_S, Comparison

ORDERS_OF_FILLS_PER_RUN = 50


async def book_trades(run: Comparison, symbols: Iterable[str]) -> None:
    """Book every fill after the cursor of each symbol."""
    wanted = sorted(set(symbols))
    cursors = selectors.cursors(run.account_id) if wanted else {}
    for symbol in wanted:
        cursor = cursors.get(symbol, -1)
        while True:
            fills = await run.port.fills(symbol, from_trade_id=str(cursor + 1), limit=run.page)
            orders, unasked = await _orders_behind(run, fills)
            known = list(takewhile(lambda fill: fill.venue_order_id not in unasked, fills))  # noqa: B023 – used at once
            newest = max((int(fill.trade_id) for fill in known), default=cursor)
            if newest > cursor:
                named = _named(run, orders, known)
                run.take_over([*orders, *named], cursors={symbol: newest})
                cursor = newest
            if unasked:
                run.unread.add(symbol)
            if unasked or len(fills) < run.page:
                break


async def book_missing(run: Comparison, trades: Collection[tuple[str, int]]) -> None:
    """Ask again for single trades of which something else gives proof, though the cursor passed.

    `trades` are (symbol, trade id).
    """
    for symbol in sorted({symbol for symbol, _ in trades}):
        missing = {str(trade_id) for name, trade_id in trades if name == symbol}
        first = min(missing, key=int)
        fills = await run.port.fills(symbol, from_trade_id=first, limit=run.page)
        wanted = [fill for fill in fills if fill.trade_id in missing]
        orders, unasked = await _orders_behind(run, wanted)
        found = [fill for fill in wanted if fill.venue_order_id not in unasked]
        run.take_over([*orders, *_named(run, orders, found)])


def _named(
    run: Comparison, orders: Sequence[OrderReport], fills: Sequence[FillReport]
) -> list[FillReport]:
    """The fills with their orders' client ids, so that ingest finds all rows with one query.

    userTrades does not tell them. Only ours are added: they say which row it is.
    """
    venue_ids = list(dict.fromkeys(fill.venue_order_id for fill in fills))
    names = selectors.known_venue_orders(run.account_id, venue_ids)
    names |= {(item.symbol, item.venue_order_id): item.client_order_id for item in orders}
    found = []
    for fill in fills:
        name = names.get((fill.symbol, fill.venue_order_id), "")
        is_ours = not fill.client_order_id and command_id_of(name) is not None
        found.append(replace(fill, client_order_id=name) if is_ours else fill)
    return found


async def _orders_behind(
    run: Comparison, fills: Sequence[FillReport]
) -> tuple[list[OrderReport], Collection[str]]:
    """Orders of fills that have no row here, and the ids of those that the next run must ask.

    userTrades carries no client id and not the order's quantity: booked without its order, a
    fill of an order that was sent but not yet acknowledged would look like somebody else's. For
    the same reason a fresh fill waits while the venue says that it has no such order (F3).
    """
    ids = list(dict.fromkeys(fill.venue_order_id for fill in fills))
    known = selectors.known_venue_orders(run.account_id, ids)
    wanted = diff.unknown_orders(fills, known)
    room = ORDERS_OF_FILLS_PER_RUN - run.orders_of_fills
    now = run.clock.now()
    fresh = {fill.venue_order_id for fill in fills if diff.may_not_be_found(fill, now)}
    reports, unasked = [], wanted[room:]
    for venue_order_id in wanted[:room]:
        if run.orders_of_fills:
            await run.pause(SINGLE_QUERY_SPACING_S)
        run.orders_of_fills += 1
        try:
            reports.append(await run.port.order_by_venue_id(fills[0].symbol, venue_order_id))
        except NotFound:
            if venue_order_id in fresh:
                unasked.append(venue_order_id)
            # else too old for the venue; its fills still count
    return reports, unasked
