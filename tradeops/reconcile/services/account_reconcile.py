"""Compare one account with its venue and take over what the venue knows better.

Writes the journal through ingest, and nothing else but findings; never trades (F29). A read that
fails ends the run: what was healed until then stays, and no conclusion is drawn (F14).
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile
from typing import Literal
from uuid import UUID

from django.conf import settings

from tradeops.domain.clock import Clock
from tradeops.domain.enums import Source
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import ExchangeError, NotFound
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import (
    FillReport,
    LeverageReport,
    OrderReport,
    PositionReport,
    Report,
)
from tradeops.reconcile import selectors
from tradeops.reconcile.domain import diff
from tradeops.reconcile.domain.sides import DriftKind, LocalOrder, Mismatch, is_active
from tradeops.reconcile.services import reconcile_notes
from tradeops.reconcile.services.findings import (
    ACTOR,
    Findings,
    ReconcileResult,
    write_down,
    write_failure,
)

Scope = Literal["orders", "positions", "balances", "all"]
Pause = Callable[[float], Awaitable[None]]

SCHEDULE = "schedule"
RECONNECT = "reconnect"
SINGLE_QUERIES_PER_RUN = 10
SINGLE_QUERY_SPACING_S = 0.1
ORDERS_OF_FILLS_PER_RUN = 50
PAGE = 1000
_KINDS: dict[Scope, frozenset[DriftKind]] = {
    "orders": frozenset({DriftKind.ORDER, DriftKind.ORDER_MISSING}),
    "positions": frozenset({DriftKind.POSITION}),
    "balances": frozenset({DriftKind.BALANCE}),
    "all": frozenset(DriftKind),
}


async def account_reconcile(
    port: ExchangePort,
    account_id: int,
    *,
    scope: Scope,
    trigger: str,
    clock: Clock,
    ids: Callable[[], UUID],
    pause: Pause,
    page: int = PAGE,
) -> ReconcileResult:
    """Run one comparison to its end; a venue that does not answer gives a result with `error`.

    `trigger` is `SCHEDULE`, `RECONNECT` or who asked. `pause` waits between single queries (F90).

    Source: reliability.md §4 "Reconcile", F13, F14, F24, F28, F90.
    """
    run_id, started_at = ids(), clock.now()
    comparison = _Comparison(port, account_id, clock, pause, page)
    error = ""
    try:
        if scope in {"orders", "all"}:
            await comparison.orders()
        if scope in {"positions", "all"}:
            await comparison.positions(everything=scope == "all")
        if scope in {"balances", "all"}:
            await comparison.balances()
    except ExchangeError as failure:
        error = f"{type(failure).__name__}: {failure}"
    result = ReconcileResult(
        run_id,
        account_id,
        scope,
        trigger,
        started_at,
        clock.now(),
        healed=comparison.healed,
        error=error,
    )
    if error:
        write_failure(result)
        return result
    findings = Findings(_KINDS[scope], comparison.mismatches, comparison.undecided)
    result = write_down(result, findings, asked_for=trigger not in {SCHEDULE, RECONNECT})
    reconcile_notes.remember(account_id, result.finished_at)
    return result


@dataclass(slots=True)
class _Comparison:
    """One run under way."""

    port: ExchangePort
    account_id: int
    clock: Clock
    pause: Pause
    page: int
    healed: int = 0
    single_queries: int = 0
    orders_of_fills: int = 0
    unread: set[str] = field(default_factory=set)
    mismatches: list[Mismatch] = field(default_factory=list)
    undecided: set[tuple[DriftKind, str]] = field(default_factory=set)

    async def orders(self) -> None:
        """Open orders against the venue's list; what became of those it does not list."""
        listed = await self.port.open_orders()
        local = selectors.orders_beside(self.account_id, listed)
        found = diff.diff_orders(local, listed, now=self.clock.now())
        self._take_over(found.heals)
        answers = await self._ask_about(found.lookups)
        self._take_over(answers)
        if self.healed:
            await self.trades(diff.unbooked_symbols(self._beside([*found.heals, *answers])))
        # A contradiction of the list counts only if the order's own answer repeats it.
        told = {(item.symbol, item.venue_order_id): item for item in [*found.heals, *answers]}
        after = self._beside(tuple(told.values()))
        self.mismatches += diff.order_mismatches(after, tuple(told.values()), now=self.clock.now())

    async def positions(self, *, everything: bool) -> None:
        """Legs against the venue's, after the fills that could explain a difference."""
        theirs = await self.port.positions()
        ours = selectors.positions(self.account_id)
        symbols = {leg.symbol for leg in theirs}
        symbols |= {leg.symbol for leg in ours if leg.quantity or everything}
        symbols |= selectors.unbooked_symbols(self.account_id, now=self.clock.now())
        symbols |= selectors.recent_symbols(self.account_id, now=self.clock.now())
        if everything:
            symbols |= selectors.cursors(self.account_id).keys()
            symbols |= selectors.symbols_with_history(self.account_id, settings.ALLOWED_SYMBOLS)
        await self.trades(symbols)
        settings_told: list[PositionReport | LeverageReport] = [*theirs]
        if everything:
            settings_told += await self.port.leverages()
        self._take_over(diff.diff_settings(selectors.positions(self.account_id), settings_told))
        first = diff.diff_positions(selectors.positions(self.account_id), theirs)
        if not first:
            return
        # One read proves nothing (F14): ask again, and believe what both say.
        again = await self.port.positions()
        second = diff.diff_positions(selectors.positions(self.account_id), again)
        before = {(item.symbol, item.position_side) for item in first}
        now = self.clock.now()
        for item in second:
            mismatch = item.mismatch()
            lasts = (item.symbol, item.position_side) in before and item.symbol not in self.unread
            if lasts and item.is_quiet(now):
                self.mismatches.append(mismatch)
            else:
                self.undecided.add((mismatch.kind, mismatch.subject))

    async def balances(self) -> None:
        """Wallets; one that moved while nobody heard may hide a round trip: ask for fills."""
        theirs = await self.port.balances()
        now = self.clock.now()
        found = diff.diff_balances(selectors.balances(self.account_id), theirs, now=now)
        if any(not is_active(report.updated_at, now) for report in found.heals):
            await self.trades(settings.ALLOWED_SYMBOLS)
        self._take_over(found.heals)
        if not found.heals and not found.mismatches:
            return
        again = await self.port.balances()
        ours = selectors.balances(self.account_id)
        left = diff.diff_balances(ours, again, now=self.clock.now())
        self.mismatches += left.mismatches
        self.undecided |= {(DriftKind.BALANCE, report.asset) for report in left.heals}

    async def trades(self, symbols: Iterable[str]) -> None:
        """Book every fill after the cursor of each symbol, page by page (F13)."""
        cursors = selectors.cursors(self.account_id)
        for symbol in sorted(symbols):
            cursor = cursors.get(symbol, -1)
            while True:
                fills = await self.port.fills(
                    symbol, from_trade_id=str(cursor + 1), limit=self.page
                )
                orders, unasked = await self._orders_behind(fills)
                known = list(takewhile(lambda fill: fill.venue_order_id not in unasked, fills))  # noqa: B023 – used at once
                newest = max((int(fill.trade_id) for fill in known), default=cursor)
                if newest > cursor:
                    self._take_over([*orders, *known], cursors={symbol: newest})
                    cursor = newest
                if unasked:
                    self.unread.add(symbol)
                if unasked or len(fills) < self.page:
                    break

    async def _orders_behind(
        self, fills: Sequence[FillReport]
    ) -> tuple[list[OrderReport], Collection[str]]:
        """Orders of fills that have no row here, and the ids of those that the next run must ask.

        userTrades carries no client id and not the order's quantity: booked without its order, a
        fill of an order that was sent but not yet acknowledged would look like somebody else's. For
        the same reason a fresh fill waits while the venue says that it has no such order (F3).
        """
        ids = list(dict.fromkeys(fill.venue_order_id for fill in fills))
        known = selectors.known_venue_orders(self.account_id, ids)
        wanted = diff.unknown_orders(fills, known)
        room = ORDERS_OF_FILLS_PER_RUN - self.orders_of_fills
        now = self.clock.now()
        fresh = {fill.venue_order_id for fill in fills if diff.may_not_be_found(fill, now)}
        reports, unasked = [], wanted[room:]
        for venue_order_id in wanted[:room]:
            if self.orders_of_fills:
                await self.pause(SINGLE_QUERY_SPACING_S)
            self.orders_of_fills += 1
            try:
                reports.append(await self.port.order_by_venue_id(fills[0].symbol, venue_order_id))
            except NotFound:
                if venue_order_id in fresh:
                    unasked.append(venue_order_id)
                # else too old for the venue; its fills still count
        return reports, unasked

    async def _ask_about(self, orders: Sequence[LocalOrder]) -> list[OrderReport]:
        answers = []
        for order in _rotated(orders, self.clock.now()):
            subject = diff.order_subject(order.symbol, order.client_order_id, order.venue_order_id)
            if not await self._may_ask():
                self.undecided |= {
                    (DriftKind.ORDER, subject),
                    (DriftKind.ORDER_MISSING, subject),
                }
                continue
            try:
                answers.append(await self._ask(order))
            except NotFound:
                missing = diff.missing_order(order, now=self.clock.now())
                self.mismatches += [missing] if missing else []
        return answers

    async def _ask(self, order: LocalOrder) -> OrderReport:
        if order.client_order_id:
            return await self.port.order(order.symbol, order.client_order_id)
        return await self.port.order_by_venue_id(order.symbol, order.venue_order_id)

    async def _may_ask(self) -> bool:
        if self.single_queries >= SINGLE_QUERIES_PER_RUN:
            return False
        if self.single_queries:
            await self.pause(SINGLE_QUERY_SPACING_S)
        self.single_queries += 1
        return True

    def _take_over(
        self, reports: Sequence[Report], *, cursors: dict[str, int] | None = None
    ) -> None:
        if reports:
            self.healed += len(
                ingest(
                    self.account_id,
                    reports,
                    source=Source.REST,
                    actor=ACTOR,
                    now=self.clock.now(),
                    cursors=cursors,
                )
            )

    def _beside(self, reports: Sequence[OrderReport]) -> list[LocalOrder]:
        return selectors.orders_beside(self.account_id, reports)


def _rotated(orders: Sequence[LocalOrder], now: datetime) -> Sequence[LocalOrder]:
    # With more orders to ask about than a run may, each run starts further on.
    if len(orders) <= SINGLE_QUERIES_PER_RUN:
        return orders
    start = (now.minute * 60 + now.second) % len(orders)
    return [*orders[start:], *orders[:start]]
