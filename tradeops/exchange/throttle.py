"""Request budgets of one process, told by the venue's own headers. No I/O, no waiting.

`WeightBudget` belongs to an address (shared by every account that this process serves),
`OrderBudget` to one account. Both only decide; the adapter waits or refuses. A budget that is
shared across processes can take the place of either behind the same methods.
"""

from dataclasses import dataclass
from enum import Enum

from tradeops.domain.clock import Clock
from tradeops.exchange.errors import Unavailable


class Priority(Enum):
    """What a call is for: protection keeps a reserve that the others may not touch."""

    READ = "read"
    ENTRY = "entry"
    PROTECT = "protect"  # cancel, reduce-only


class Withheld(Unavailable):
    """Our own budget kept the call back; nothing was sent. `retry_after_s` tells for how long."""

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares of the weight limit; 1500, 2000 and 2300 of 2400 (R1.10)."""

    warn: float = 1500 / 2400
    slow: float = 2000 / 2400
    stop: float = 2300 / 2400


@dataclass(slots=True)
class VenueLimits:
    """What the venue admits, shared by the budgets of a process; `learned` from the venue."""

    weight_1m: int = 2400
    orders_10s: int = 300
    orders_1m: int = 1200
    learned: bool = False


_MINUTE_S = 60
_TEN_SECONDS_S = 10
_MAX_PAUSE_S = 2.0
_ENTRY_SHARE = 0.8  # the last 20 % of the order counts is for reduce-only orders (F8)


class WeightBudget:
    """Request weight of one address in the current minute.

    Minutes are those of our clock, which is kept within half a second of the venue's.
    """

    def __init__(
        self, clock: Clock, limits: VenueLimits, *, thresholds: Thresholds | None = None
    ) -> None:
        self._clock = clock
        self._thresholds = thresholds or Thresholds()
        self._minute = 0
        self._used = 0
        self._blocked_until_monotonic_s = 0.0
        self.limits = limits

    @property
    def used_1m(self) -> int:
        """Weight used in this minute as last told; 0 in a minute that told nothing yet."""
        return self._used if self._minute == _window(self._clock, _MINUTE_S) else 0

    @property
    def warned(self) -> bool:
        """Whether use has passed the warning level."""
        return self.used_1m >= self._thresholds.warn * self.limits.weight_1m

    def window(self) -> int:
        """The current minute; hand it to `observe` with the answer of a call admitted now."""
        return _window(self._clock, _MINUTE_S)

    def observe(self, used: int, window: int) -> None:
        """Take the used weight that an answer told. One from an older minute is worth nothing."""
        if window == self.window():
            self._minute, self._used = window, used

    def block(self, seconds: float) -> None:
        """Let nothing leave for `seconds` (429, 418). Never shortens a block."""
        until = self._clock.monotonic_s() + seconds
        self._blocked_until_monotonic_s = max(self._blocked_until_monotonic_s, until)

    def blocked_s(self) -> float:
        """Seconds until calls may leave again, 0 when they may now."""
        return max(0.0, self._blocked_until_monotonic_s - self._clock.monotonic_s())

    def admit(self, priority: Priority) -> float:
        """Return how many seconds to pause before the call. Raises Withheld when it must not go.

        READ pauses between slow and stop, the longer the nearer to stop; ENTRY never pauses,
        because a late order is worse than a refused one. PROTECT passes up to the venue's limit.
        """
        blocked = self.blocked_s()
        if blocked > 0:
            message = f"the venue told us to stay away for another {blocked:.1f} s"
            raise Withheld(message, retry_after_s=blocked)
        used, limit = self.used_1m, self.limits.weight_1m
        stop = limit if priority is Priority.PROTECT else self._thresholds.stop * limit
        if used >= stop:
            message = f"request weight {used} of {limit} is used up for this minute"
            raise Withheld(message, retry_after_s=_left_s(self._clock, _MINUTE_S))
        slow = self._thresholds.slow * limit
        if priority is not Priority.READ or used < slow:
            return 0.0
        return _MAX_PAUSE_S * (used - slow) / (stop - slow)


class OrderBudget:
    """Orders of one account in the current ten seconds and the current minute."""

    def __init__(self, clock: Clock, limits: VenueLimits) -> None:
        self._clock = clock
        self._counts: dict[int, tuple[int, int]] = {}
        self._blocked_until_monotonic_s = 0.0
        self._limits = limits

    def count(self, window_s: int) -> int:
        """Orders counted in the current window of `window_s` (10 or 60)."""
        window, count = self._counts.get(window_s, (0, 0))
        return count if window == _window(self._clock, window_s) else 0

    def windows(self) -> dict[int, int]:
        """The current windows; hand them to `observe` with the answer."""
        return {
            window_s: _window(self._clock, window_s) for window_s in (_TEN_SECONDS_S, _MINUTE_S)
        }

    def observe(self, window_s: int, count: int, window: int) -> None:
        """Take the count that an answer told for the window in which it was asked."""
        if window == _window(self._clock, window_s):
            self._counts[window_s] = (window, count)

    def block(self, seconds: float) -> None:
        """Send no order for `seconds` (-1015); cancels and reads go on."""
        until = self._clock.monotonic_s() + seconds
        self._blocked_until_monotonic_s = max(self._blocked_until_monotonic_s, until)

    def admit(self, priority: Priority) -> None:
        """Raise Withheld when this order must not go now. Only for new orders."""
        blocked = self._blocked_until_monotonic_s - self._clock.monotonic_s()
        if blocked > 0:
            message = f"the venue takes no orders for another {blocked:.1f} s"
            raise Withheld(message, retry_after_s=blocked)
        share = 1.0 if priority is Priority.PROTECT else _ENTRY_SHARE
        limits = {_TEN_SECONDS_S: self._limits.orders_10s, _MINUTE_S: self._limits.orders_1m}
        for window_s, limit in limits.items():
            if self.count(window_s) >= limit * share:
                message = f"{self.count(window_s)} of {limit} orders in {window_s} s are used up"
                raise Withheld(message, retry_after_s=_left_s(self._clock, window_s))


def _window(clock: Clock, window_s: int) -> int:
    return int(clock.now().timestamp()) // window_s


def _left_s(clock: Clock, window_s: int) -> float:
    return window_s - clock.now().timestamp() % window_s
