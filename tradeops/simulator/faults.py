"""What goes wrong, how often. All of it is drawn from the run's one random source."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random

# Fates of a call. `late` calls may be executed after their sender has given up.
DELIVERED, REFUSED = "delivered", "connection refused"
DROPPED, REPLY_LOST = "request lost", "reply lost"
ERROR_BEFORE, ERROR_AFTER = "error before", "error after"
LATE, GARBAGE, THROTTLED = "late", "garbage reply", "throttled"
STALE, EMPTY, NOT_YET = "stale read", "empty read", "not found yet"

_CALL_FATES = (
    (DROPPED, 3),
    (REPLY_LOST, 4),
    (ERROR_BEFORE, 3),
    (ERROR_AFTER, 4),
    (LATE, 4),
    (REFUSED, 2),
    (GARBAGE, 1),
    (THROTTLED, 1),
)
_READ_FATES = ((STALE, 3), (EMPTY, 1), (NOT_YET, 3))


KINDS = (
    "call",
    "read",
    "message",
    "frame",
    "database locked",
    "crash",
    "streams broken",
    "stream muted",
    "redis gone",
    "clock jump",
    "process stalled",
    "venue skew",
    "order by hand",
)


@dataclass(frozen=True, slots=True)
class Rates:
    """Chance of a fault per occasion, and of the greater ones per second."""

    call: float = 0.08
    read: float = 0.04
    message: float = 0.1
    frame: float = 0.1
    database: float = 0.01
    crash_per_s: float = 0.15
    redis_per_s: float = 0.02
    stream_per_s: float = 0.02
    mute_per_s: float = 0.02
    clock_per_s: float = 0.02
    stall_per_s: float = 0.02
    one_each_s: float = 0.0  # instead of chances: one fault of any kind in each such time


@dataclass(slots=True)
class Faults:
    """Switched off by `stop`; `counts` tells how often each kind struck."""

    rng: Random
    rates: Rates
    is_on: bool = True
    broker_is_gone: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    _owed: list[str] = field(default_factory=list)

    def owe(self, kind: str) -> None:
        """Let the next occasion for `kind` ("call", "read", "message", "frame", …) go wrong."""
        self._owed.append(kind)

    def _is_owed(self, kind: str) -> bool:
        if kind not in self._owed:
            return False
        self._owed.remove(kind)
        return True

    def stop(self) -> None:
        """From now on everything works."""
        self.is_on = False
        self.broker_is_gone = False

    def strikes(self, kind: str, chance: float) -> bool:
        """Whether a fault of `kind` strikes now; counts it."""
        if not self.is_on or not (self._is_owed(kind) or self.rng.random() < chance):
            return False
        self.counts[kind] += 1
        return True

    def fate_of_call(self, *, is_read: bool) -> str:
        """What becomes of a venue call."""
        if not self.is_on:
            return DELIVERED
        if is_read and (self._is_owed("read") or self.rng.random() < self.rates.read):
            return self._one_of(_READ_FATES)
        strikes = self._is_owed("call") or self.rng.random() < self.rates.call
        return self._one_of(_CALL_FATES) if strikes else DELIVERED

    def deliveries_of_message(self) -> list[float]:
        """Delays in s of the copies of a broker message that arrive; none when it is lost."""
        return self._deliveries("message", self.rates.message, 5.0)

    def deliveries_of_frame(self) -> list[float]:
        """Delays in s of the copies of a stream frame. A connection loses no single frame."""
        return self._deliveries("frame", self.rates.frame, 3.0) or [0.0]

    def _deliveries(self, what: str, chance: float, longest_s: float) -> list[float]:
        if not self.is_on or not (self._is_owed(what) or self.rng.random() < chance):
            return [0.0]
        kind = self.rng.choice(("lost", "twice", "delayed", "delayed"))
        if kind == "lost" and what == "frame":
            kind = "delayed"
        self.counts[f"{what} {kind}"] += 1
        if kind == "lost":
            return []
        late_s = self.rng.random() * longest_s
        return [0.0, late_s] if kind == "twice" else [late_s]

    def _one_of(self, fates: tuple[tuple[str, int], ...]) -> str:
        names = [name for name, _ in fates]
        fate = self.rng.choices(names, [weight for _, weight in fates])[0]
        self.counts[f"call {fate}"] += 1
        return fate
