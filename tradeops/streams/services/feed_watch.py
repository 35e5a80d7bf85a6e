"""Look at every feed from outside, once a second: a dead worker cannot say that it died.

Also what a worker cannot know: that its connection is deaf, because REST has known a fill or the
end of an order for seconds (F16).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from accounts.models import Credential
from orders.models import OPEN_STATUSES, Order
from positions.models import Position
from tradeops.domain.enums import Source, StreamState
from tradeops.domain.events import OrderCancelled, TradeExecuted
from tradeops.engine.holds import held_since
from tradeops.engine.ingest import StaleFence
from tradeops.journal.models import Event
from tradeops.kit.lease_clock import DATABASE_CLOCK, LeaseClock, LeaseTime
from tradeops.streams.domain import feed_health
from tradeops.streams.domain.feed_health import FeedMemory, FeedState
from tradeops.streams.models import FeedHealth, StreamLease
from tradeops.streams.services.feed_judgement import Change, feed_scope, memory_of, note

logger = logging.getLogger(__name__)

LATE = timedelta(seconds=3)
SILENT_MS = 3_000
NOT_RENEWED_MS = 10_000
_RECENT = timedelta(seconds=10)
_EVENTS_READ = 500
_TOLD_BY_STREAM = (TradeExecuted.__name__, OrderCancelled.__name__)


@dataclass(slots=True)
class FeedWatch:
    """One look after the other.

    `renewed` tells how long ago a lease was renewed (None: lapsed), `is_gone` whether an owner's
    process is known to have ended, `signs` how long ago each account's worker gave a sign of life,
    in ms, where that is known.
    """

    renewed: Callable[[StreamLease, LeaseTime], int | None]
    is_gone: Callable[[str], bool]
    signs: Callable[[list[int]], Mapping[int, int]]
    clock: LeaseClock = DATABASE_CLOCK
    _seen: dict[int, int] = field(default_factory=dict)
    _silent: set[int] = field(default_factory=set)

    def look(self, now: datetime) -> list[int]:
        """Judge every active account; returns those whose feed is not HEALTHY."""
        wanted = Credential.objects.filter(is_current=True, account__is_active=True)
        account_ids = list(wanted.values_list("account_id", flat=True).distinct())
        at = self.clock.read()
        leases = StreamLease.objects.in_bulk(account_ids)
        healths = FeedHealth.objects.in_bulk(account_ids)
        signs = self.signs(account_ids)
        unwell = []
        for account_id in account_ids:
            row, health = leases.get(account_id), healths.get(account_id)
            absent = self._absent(account_id, row, at, signs.get(account_id))
            if not absent and row is not None and row.token != memory_of(health).token:
                absent = "the new streams worker is not connected yet"
            deaf = self._deaf(account_id, row, now)
            state = self._judge(
                account_id,
                row,
                health,
                change=partial(_seen_from_outside, absent, deaf),
                at=at,
                now=now,
            )
            if state is not FeedState.HEALTHY:
                unwell.append(account_id)
        return unwell

    def _judge(
        self,
        account_id: int,
        row: StreamLease | None,
        health: FeedHealth | None,
        *,
        change: Change,
        at: LeaseTime,
        now: datetime,
    ) -> FeedState:
        before = memory_of(health)
        after = feed_health.judge(change(before, at.ms), now_ms=at.ms)
        is_held = held_since(feed_scope(account_id)) is not None
        as_it_was = health is not None and after == before
        if as_it_was and is_held == (after.state is not FeedState.HEALTHY):
            return after.state
        try:
            return note(
                account_id,
                change,
                now=now,
                fence=lambda: _require_same(account_id, row),
                clock=self.clock,
            )
        except StaleFence:
            return after.state  # the worker was quicker; the next look sees what it said

    def _absent(
        self, account_id: int, row: StreamLease | None, at: LeaseTime, sign_ms: int | None
    ) -> str:
        renewed_ms = self.renewed(row, at) if row is not None else None
        if row is None or renewed_ms is None:
            return "no streams worker serves the account"
        if self.is_gone(row.owner):
            return "the streams worker has died"
        if renewed_ms > NOT_RENEWED_MS:
            return "the streams worker did not renew its lease for 10 s"
        # Twice: Redis itself may have been away, and its keys are as old as that.
        was_silent = account_id in self._silent
        self._silent.discard(account_id)
        if sign_ms is not None and sign_ms > SILENT_MS:
            self._silent.add(account_id)
            if was_silent:
                return "no sign of life from the streams worker"
        return ""

    def _deaf(self, account_id: int, row: StreamLease | None, now: datetime) -> str:
        """What REST told for the first time long after it happened, while the stream was up."""
        newest = (
            Event.objects.filter(account_id=account_id, seq__gt=self._seen.get(account_id, -1))
            .order_by("-seq")
            .values_list("seq", "type", "source", "occurred_at", "recorded_at")[:_EVENTS_READ]
        )
        found = ""
        for seq, kind, source, occurred_at, recorded_at in newest:
            self._seen[account_id] = max(seq, self._seen.get(account_id, -1))
            if recorded_at < now - _RECENT:
                break
            is_late = recorded_at - occurred_at > LATE and source == Source.REST
            if kind not in _TOLD_BY_STREAM or not is_late or row is None:
                continue
            if row.state == StreamState.CONNECTED and occurred_at > row.state_at:
                found = f"REST told {kind} {(recorded_at - occurred_at).total_seconds():.0f} s late"
        return found


def _seen_from_outside(absent: str, deaf: str, memory: FeedMemory, _now_ms: int) -> FeedMemory:
    return feed_health.looked(memory, absent=absent, deaf=deaf)


def in_the_market(account_ids: list[int]) -> list[int]:
    """Those of the accounts that hold a position or have an open order."""
    held = {
        leg.account_id
        for leg in Position.objects.filter(account_id__in=account_ids)
        if leg.quantity
    }
    waiting = Order.objects.filter(account_id__in=account_ids, status__in=OPEN_STATUSES)
    held.update(waiting.values_list("account_id", flat=True).distinct())
    return [account_id for account_id in account_ids if account_id in held]


def _require_same(account_id: int, row: StreamLease | None) -> None:
    """Raise StaleFence when the lease or the connection is not the one that was looked at."""
    current = StreamLease.objects.select_for_update().filter(pk=account_id).first()
    if _connection(current) != _connection(row):
        raise StaleFence(f"account {account_id}")


def _connection(row: StreamLease | None) -> tuple[object, ...]:
    return () if row is None else (row.owner, row.token, row.state, row.state_at)
