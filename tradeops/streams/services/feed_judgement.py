"""Keep each account's feed health, and hold openings back while it is not HEALTHY.

What the streams worker says and what the watch sees end here: in one transaction under the account
lock the memory changes, the rules judge it, and the hold follows. Who writes is fenced by its
lease; the watch, which has none, looks whether the lease is still the one that it judged.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from risk.domain.holds import HoldKind, hold_scope
from tradeops.domain.enums import EngineState
from tradeops.engine.holds import lift_hold, place_hold
from tradeops.journal.event_store import lock_head
from tradeops.kit.db import write_transaction
from tradeops.kit.lease_clock import DATABASE_CLOCK, LeaseClock
from tradeops.streams.domain import feed_health
from tradeops.streams.domain.feed_health import FeedMemory, FeedState
from tradeops.streams.models import FeedHealth

ACTOR = "streams"
Change = Callable[[FeedMemory, int], FeedMemory]
_REASON_LENGTH = 200


def note(
    account_id: int,
    change: Change,
    *,
    now: datetime,
    fence: Callable[[], None],
    clock: LeaseClock = DATABASE_CLOCK,
) -> FeedState:
    """Change what is remembered of a feed (`change` gets the memory and the lease clock's ms).

    `fence` runs under the account lock and raises to abort. The hold `feed:{account}` is placed,
    made SAFE or lifted in the same transaction.
    """
    with write_transaction():
        lock_head(account_id)
        fence()
        row = FeedHealth.objects.filter(pk=account_id).first()
        before = memory_of(row)
        now_ms = clock.read().ms
        after = feed_health.judge(change(before, now_ms), now_ms=now_ms)
        if row is None or after != before:
            _save(account_id, row, after, now)
        _follow(account_id, after, now)
    return after.state


def feed_scope(account_id: int) -> str:
    """The hold that follows from the feed's health."""
    return hold_scope(HoldKind.FEED, account_id)


def memory_of(row: FeedHealth | None) -> FeedMemory:
    """What is remembered of a feed; the memory of one that never was when there is no row."""
    if row is None or not row.memory:
        return FeedMemory()
    kept = dict(row.memory)
    return FeedMemory(
        **{
            **kept,
            "state": FeedState(kept["state"]),
            "drops_ms": tuple(kept["drops_ms"]),
        }
    )


def _save(account_id: int, row: FeedHealth | None, memory: FeedMemory, now: datetime) -> None:
    changed_at = row.changed_at if row is not None and row.state == memory.state else now
    FeedHealth.objects.update_or_create(
        pk=account_id,
        defaults={
            "state": memory.state,
            "reason": memory.reason[:_REASON_LENGTH],
            "changed_at": changed_at,
            "memory": asdict(memory),
        },
    )


def _follow(account_id: int, memory: FeedMemory, now: datetime) -> None:
    """Place or lift the hold; writes only what changes, also what somebody lifted by hand."""
    scope = feed_scope(account_id)
    if memory.state is FeedState.HEALTHY:
        lift_hold(account_id, scope, "the stream is whole again", actor=ACTOR, now=now)
        return
    is_safe = memory.state is FeedState.SAFE
    place_hold(
        account_id,
        scope,
        f"{memory.state}: {memory.reason}",
        actor=ACTOR,
        now=now,
        state=EngineState.SAFE if is_safe else EngineState.PAUSED,
    )
