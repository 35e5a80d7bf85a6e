"""What an account's stream is worth: HEALTHY, DEGRADED (openings held back), SAFE. Pure.

Two tell: the worker that serves the stream says what happens to its connection, at once; a watch
looks from outside once a second, and sees what a dead worker cannot say. Both change one memory,
and `judge` draws the conclusion.

HEALTHY needs: a living worker, a connection, its gap filled over REST, nothing that REST knew
seconds before the stream, and fewer than three lost connections within a minute. What is missing
makes it DEGRADED at once, and SAFE after 60 s. It comes back when all is well for 5 s; under a
worker that has just started and lost nothing so far, as soon as the gap is filled.

Times are milliseconds of one clock that nobody sets (`kit.lease_clock`).

Source: R2.3, F16, reliability.md §4 "Reconcile".
"""

from dataclasses import dataclass, replace
from enum import StrEnum

DROPS = 3
DROPS_WITHIN_MS = 60_000
SAFE_AFTER_MS = 60_000
QUIET_MS = 5_000


class FeedState(StrEnum):
    """DEGRADED holds openings back; SAFE is DEGRADED for long."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    SAFE = "SAFE"


@dataclass(frozen=True, slots=True)
class FeedMemory:
    """What is known between two looks. `since_ms` is when the present trouble began.

    `absent` says why nobody serves the stream, `lost` why it is not connected, `deaf` what REST
    knew first; "" where that is no trouble. `is_fresh`: the worker with this `token` has lost no
    connection yet.
    """

    state: FeedState = FeedState.HEALTHY
    reason: str = ""
    since_ms: int = 0
    token: int = 0
    absent: str = ""
    lost: str = "never connected"
    deaf: str = ""
    is_synchronised: bool = False
    is_fresh: bool = True
    drops_ms: tuple[int, ...] = ()
    good_since_ms: int | None = None


def connected(memory: FeedMemory, *, token: int, now_ms: int) -> FeedMemory:
    """The worker with this token has a new connection; its gap is not filled yet."""
    taken_over = token != memory.token
    # Whoever was connected and never said that it lost the connection has died.
    drops = (*memory.drops_ms, now_ms) if taken_over and not memory.lost else memory.drops_ms
    return replace(
        memory,
        token=token,
        absent="",
        lost="",
        deaf="",
        is_synchronised=False,
        is_fresh=taken_over or memory.is_fresh,
        drops_ms=drops,
    )


def lost(memory: FeedMemory, *, token: int, now_ms: int, reason: str, orderly: bool) -> FeedMemory:
    """The connection ended; an orderly end of the service is no sign of a bad line."""
    if memory.lost:
        return memory
    return replace(
        memory,
        token=token,
        lost=reason or "the connection ended",
        is_synchronised=False,
        is_fresh=orderly and memory.is_fresh,
        drops_ms=memory.drops_ms if orderly else (*memory.drops_ms, now_ms),
    )


def synchronised(memory: FeedMemory, *, token: int) -> FeedMemory:
    """Everything that the connection may have missed was asked for."""
    if memory.lost or token != memory.token:
        return memory
    return replace(memory, is_synchronised=True)


def looked(memory: FeedMemory, *, absent: str, deaf: str) -> FeedMemory:
    """What the watch found: why nobody serves (or ""), and what REST knew long before (or "").

    Deafness lasts until the next connection: nothing else shows that frames come again.
    """
    return replace(
        memory,
        absent=absent,
        deaf=memory.deaf or ("" if memory.lost else deaf),
        is_fresh=memory.is_fresh and not absent,
    )


def judge(memory: FeedMemory, *, now_ms: int) -> FeedMemory:
    """Draw the conclusion; the same memory when nothing changes."""
    memory = _not_ahead(memory, now_ms)
    drops = tuple(at for at in memory.drops_ms if now_ms - at < DROPS_WITHIN_MS)
    memory = replace(memory, drops_ms=drops)
    trouble = _trouble(memory)
    if trouble:
        return _worse(replace(memory, good_since_ms=None), trouble, now_ms)
    if memory.state is FeedState.HEALTHY:
        return memory
    good_since_ms = now_ms if memory.good_since_ms is None else memory.good_since_ms
    if memory.is_fresh or now_ms - good_since_ms >= QUIET_MS:
        return replace(memory, state=FeedState.HEALTHY, reason="", good_since_ms=None)
    return replace(memory, good_since_ms=good_since_ms)


def _not_ahead(memory: FeedMemory, now_ms: int) -> FeedMemory:
    # A database server's clock may be set back after all: nothing may wait until it catches up.
    good_ms = memory.good_since_ms
    return replace(
        memory,
        since_ms=min(memory.since_ms, now_ms),
        drops_ms=tuple(min(at, now_ms) for at in memory.drops_ms),
        good_since_ms=None if good_ms is None else min(good_ms, now_ms),
    )


def _trouble(memory: FeedMemory) -> str:
    if memory.absent or memory.lost or memory.deaf:
        return memory.absent or memory.lost or memory.deaf
    if not memory.is_synchronised:
        return "the gap is not filled yet"
    if len(memory.drops_ms) >= DROPS:
        return f"{len(memory.drops_ms)} connections lost within a minute"
    return ""


def _worse(memory: FeedMemory, trouble: str, now_ms: int) -> FeedMemory:
    if memory.state is FeedState.HEALTHY:
        return replace(memory, state=FeedState.DEGRADED, reason=trouble, since_ms=now_ms)
    if memory.state is FeedState.DEGRADED and now_ms - memory.since_ms >= SAFE_AFTER_MS:
        return replace(memory, state=FeedState.SAFE, reason=trouble)
    return memory
