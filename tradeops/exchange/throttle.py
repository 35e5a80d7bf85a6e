"""Request budgets, told by the venue's own headers. No I/O, no waiting.

`WeightBudget` belongs to an address, `OrderBudget` to one account. Both only decide; the adapter
waits or refuses. What is about to be sent is counted before it leaves, and corrected by the
header of the answer. With `SharedCounts` all processes count together; without (one process, or a
store that does not answer) each counts for itself.

Who may go how far (R1.10, F8), in shares of the venue's limit of 2400 a minute:
- from 1500 on the level is WARN: shown, nothing held back;
- ENTRY (openings and their leverage) stops at 1920: the last 20 % is not for new risk;
- READ pauses from 2000 on, the longer the nearer to 2300, and stops there;
- PROTECT (cancel, reduce-only, the stream's key) passes up to the limit itself.
Order counts (300 in 10 s, 1200 a minute, by account): the last 20 % is for PROTECT alone.
A block (429, 418, -1003) stops everything, in all processes, until it is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

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
class Claim:
    """Count `amount` in a window unless its count has reached `ceiling`."""

    window_s: int
    window: int
    amount: int
    ceiling: float


@dataclass(frozen=True, slots=True)
class Grant:
    """What became of claims: all were counted, or none was.

    `counts` are after the claims, in their order. `refused` is the first claim that was not
    admitted. `sharers` is how many processes have counted here of late.
    """

    blocked_s: float
    counts: tuple[int, ...]
    refused: int | None
    sharers: int


class SharedCounts(Protocol):
    """Counts that several processes share. No method raises or takes long."""

    def take(self, claims: Sequence[Claim]) -> Grant | None:
        """Count all claims or none; None when the store does not answer."""

    def raise_to(self, window_s: int, window: int, told: int) -> None:
        """A header told of more than is counted."""

    def block(self, seconds: float) -> None:
        """Let nobody pass for `seconds`. Never shortens a block."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Shares of the weight limit; 1500, 1920, 2000 and 2300 of 2400 (R1.10, F8)."""

    warn: float = 1500 / 2400
    entry: float = 1920 / 2400
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
_LIKELY_SHARERS = 4  # orders, streams, work, and a command line


class _Counts:
    """Counts of the current windows, of this process and, where shared, of all."""

    def __init__(self, clock: Clock, shared: SharedCounts | None) -> None:
        self._clock = clock
        self._shared = shared
        self._known: dict[int, tuple[int, int]] = {}  # window length → its number and count
        self._own: dict[int, tuple[int, int]] = {}
        self._sharers = _LIKELY_SHARERS
        self._blocked_until_s = 0.0

    def window(self, window_s: int) -> int:
        """Windows are those of our clock, which is kept within half a second of the venue's."""
        return int(self._clock.now().timestamp()) // window_s

    def left_s(self, window_s: int) -> float:
        return window_s - self._clock.now().timestamp() % window_s

    def count(self, window_s: int) -> int:
        return self._of(self._known, window_s)

    def observe(self, window_s: int, window: int, told: int) -> None:
        """Take what an answer told. One from an older window is worth nothing."""
        if window != self.window(window_s) or told <= self.count(window_s):
            return
        self._known[window_s] = (window, told)
        if self._shared is not None:
            self._shared.raise_to(window_s, window, told)

    def block(self, seconds: float) -> None:
        """Never shortens a block."""
        self._block_here(seconds)
        if self._shared is not None:
            self._shared.block(seconds)

    def blocked_s(self) -> float:
        return max(0.0, self._blocked_until_s - self._clock.monotonic_s())

    def take(self, claims: Sequence[Claim], *, protects: bool) -> int | None:
        """Count all claims or none; returns the window length of the one that was refused.

        A block shows in `blocked_s` afterwards, and then nothing was counted.
        """
        if self.blocked_s() > 0:
            return None
        grant = self._shared.take(claims) if self._shared is not None else None
        if grant is None:
            return self._take_alone(claims, protects=protects)
        self._sharers = max(1, grant.sharers)
        if grant.blocked_s > 0:
            self._block_here(grant.blocked_s)
            return None
        for claim, count in zip(claims, grant.counts, strict=True):
            self._known[claim.window_s] = (claim.window, max(count, self.count(claim.window_s)))
        if grant.refused is not None:
            return claims[grant.refused].window_s
        self._add(self._own, claims)
        return None

    def _take_alone(self, claims: Sequence[Claim], *, protects: bool) -> int | None:
        """Without the others' counts: their headers tell of the past, so a share of the rest.

        Exits are not cut to a share; only the limit itself stops them.
        """
        share = 1 if self._shared is None or protects else self._sharers
        for claim in claims:
            own, known = self._of(self._own, claim.window_s), self.count(claim.window_s)
            if known >= claim.ceiling or own >= claim.ceiling / share:
                return claim.window_s
        self._add(self._own, claims)
        self._add(self._known, claims)
        return None

    def _block_here(self, seconds: float) -> None:
        self._blocked_until_s = max(self._blocked_until_s, self._clock.monotonic_s() + seconds)

    def _of(self, counts: dict[int, tuple[int, int]], window_s: int) -> int:
        window, count = counts.get(window_s, (0, 0))
        return count if window == self.window(window_s) else 0

    def _add(self, counts: dict[int, tuple[int, int]], claims: Sequence[Claim]) -> None:
        for claim in claims:
            count = self._of(counts, claim.window_s) + claim.amount
            counts[claim.window_s] = (claim.window, count)


class WeightBudget:
    """Request weight of one address in the current minute."""

    def __init__(
        self,
        clock: Clock,
        limits: VenueLimits,
        *,
        thresholds: Thresholds | None = None,
        shared: SharedCounts | None = None,
    ) -> None:
        self._counts = _Counts(clock, shared)
        self._thresholds = thresholds or Thresholds()
        self.limits = limits

    @property
    def used_1m(self) -> int:
        """Weight used in this minute as far as known; 0 in a minute that told nothing yet."""
        return self._counts.count(_MINUTE_S)

    @property
    def warned(self) -> bool:
        """Whether use has passed the warning level."""
        return self.used_1m >= self._thresholds.warn * self.limits.weight_1m

    @property
    def level(self) -> str:
        """OK, WARN, SLOW, STOP, or BLOCKED while the venue told us to stay away."""
        if self.blocked_s() > 0:
            return "BLOCKED"
        share = self.used_1m / self.limits.weight_1m
        marks = self._thresholds
        steps = ((marks.stop, "STOP"), (marks.slow, "SLOW"), (marks.warn, "WARN"))
        return next((name for mark, name in steps if share >= mark), "OK")

    def window(self) -> int:
        """The current minute; hand it to `observe` with the answer of a call admitted now."""
        return self._counts.window(_MINUTE_S)

    def observe(self, used: int, window: int) -> None:
        """Take the used weight that an answer told. One from an older minute is worth nothing."""
        self._counts.observe(_MINUTE_S, window, used)

    def block(self, seconds: float) -> None:
        """Let nothing leave for `seconds` (429, 418). Never shortens a block."""
        self._counts.block(seconds)

    def blocked_s(self) -> float:
        """Seconds until calls may leave again, 0 when they may now, as far as known here."""
        return self._counts.blocked_s()

    def admit(self, priority: Priority, weight: int = 1) -> float:
        """Count a call of `weight` and return how many seconds to pause before it.

        ENTRY and PROTECT never pause: a late order is worse than a refused one.

        Raises:
            Withheld: the call must not go; nothing was counted.
        """
        limit = self.limits.weight_1m
        claim = Claim(_MINUTE_S, self.window(), weight, self._share_of(priority) * limit)
        refused = self._counts.take([claim], protects=priority is Priority.PROTECT)
        blocked_s = self.blocked_s()
        if blocked_s > 0:
            message = f"the venue told us to stay away for another {blocked_s:.1f} s"
            raise Withheld(message, retry_after_s=blocked_s)
        if refused is not None and not self._is_beyond_what_we_know():
            message = f"request weight {self.used_1m} of {limit} is used up for this minute"
            raise Withheld(message, retry_after_s=self._counts.left_s(_MINUTE_S))
        if priority is not Priority.READ:
            return 0.0
        slow, stop = self._thresholds.slow * limit, self._thresholds.stop * limit
        before = self.used_1m - weight
        return _MAX_PAUSE_S * min(1.0, max(0.0, (before - slow) / (stop - slow)))

    def _is_beyond_what_we_know(self) -> bool:
        """Others used more than the usual limit, unblocked: the venue's own must be larger.

        A process that starts then could not ask for it otherwise.
        """
        return not self.limits.learned and self.used_1m > self.limits.weight_1m

    def _share_of(self, priority: Priority) -> float:
        shares = {
            Priority.PROTECT: 1.0,
            Priority.ENTRY: self._thresholds.entry,
            Priority.READ: self._thresholds.stop,
        }
        return shares[priority]


class OrderBudget:
    """Orders of one account in the current ten seconds and the current minute."""

    def __init__(
        self, clock: Clock, limits: VenueLimits, *, shared: SharedCounts | None = None
    ) -> None:
        self._counts = _Counts(clock, shared)
        self._limits = limits

    def count(self, window_s: int) -> int:
        """Orders counted in the current window of `window_s` (10 or 60)."""
        return self._counts.count(window_s)

    def windows(self) -> dict[int, int]:
        """The current windows; hand them to `observe` with the answer."""
        return {window_s: self._counts.window(window_s) for window_s in (_TEN_SECONDS_S, _MINUTE_S)}

    def observe(self, window_s: int, count: int, window: int) -> None:
        """Take the count that an answer told for the window in which it was asked."""
        self._counts.observe(window_s, window, count)

    def block(self, seconds: float) -> None:
        """Send no order for `seconds` (-1015); cancels and reads go on."""
        self._counts.block(seconds)

    def admit(self, priority: Priority) -> None:
        """Count one new order. Raises Withheld, and counts nothing, when it must not go now."""
        share = 1.0 if priority is Priority.PROTECT else _ENTRY_SHARE
        limits = {_TEN_SECONDS_S: self._limits.orders_10s, _MINUTE_S: self._limits.orders_1m}
        windows = self.windows()
        claims = [Claim(size, windows[size], 1, limit * share) for size, limit in limits.items()]
        refused = self._counts.take(claims, protects=priority is Priority.PROTECT)
        blocked_s = self._counts.blocked_s()
        if blocked_s > 0:
            message = f"the venue takes no orders for another {blocked_s:.1f} s"
            raise Withheld(message, retry_after_s=blocked_s)
        if refused is not None:
            limit = limits[refused]
            message = f"{self.count(refused)} of {limit} orders in {refused} s are used up"
            raise Withheld(message, retry_after_s=self._counts.left_s(refused))
