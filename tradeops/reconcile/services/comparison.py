"""One comparison under way: its tools, what it has found so far, and how much it may still ask."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from tradeops.domain.clock import Clock
from tradeops.domain.enums import Source
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import Ambiguous
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import BalanceReport, PositionReport, Report
from tradeops.reconcile.domain.diff_money import is_absurd
from tradeops.reconcile.domain.sides import DriftKind, Mismatch
from tradeops.reconcile.services.drift_book import ACTOR

Pause = Callable[[float], Awaitable[None]]

SINGLE_QUERIES_PER_RUN = 10
SINGLE_QUERY_SPACING_S = 0.1


@dataclass(slots=True)
class Comparison:
    """`pause` waits between single queries (F90). `unread` are symbols with fills left to read."""

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

    async def may_ask(self) -> bool:
        """Whether one more single query fits into this run; waits for its turn."""
        if self.single_queries >= SINGLE_QUERIES_PER_RUN:
            return False
        if self.single_queries:
            await self.pause(SINGLE_QUERY_SPACING_S)
        self.single_queries += 1
        return True

    def take_over(
        self, reports: Sequence[Report], *, cursors: dict[str, int] | None = None
    ) -> None:
        """Hand the venue's reports to ingest, with the trade cursors that they complete."""
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


def believable(
    reports: Sequence[BalanceReport] | Sequence[PositionReport],
) -> None:
    """Refuse a read with a figure that is no number.

    Raises:
        Ambiguous: the read counts as one that failed (F14).
    """
    for report in reports:
        if is_absurd(report):
            raise Ambiguous(f"the venue's figures are no numbers: {report}"[:200])
