"""Request weight and order counts of the Binance dialect, by the venue's clock.

Source: binance.md 6 (2400 weight a minute and IP, 300 orders in 10 s and 1200 a minute an account).
"""

from dataclasses import dataclass, field

from tradeops.exchange.paper.wire.errors import WireError

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
TOO_MANY_REQUESTS = 429
BANNED = 418
# Requests a caller may still send after a 429 before it is banned, and for how long at first.
IGNORED_BEFORE_BAN = 10
FIRST_BAN_MS = 120_000
LONGEST_BAN_MS = 3 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may use. Raise them for load tests."""

    weight_1m: int = 2_400
    orders_10s: int = 300
    orders_1m: int = 1_200


@dataclass(slots=True)
class _Caller:
    minute: int = -1
    used: int = 0
    refused: int = 0
    bans: int = 0
    banned_until_ms: int = 0


@dataclass(slots=True)
class _Counter:
    window: int = -1
    used: int = 0


@dataclass(slots=True)
class Meter:
    """Counts what callers used. Windows are aligned to the clock, as on the venue."""

    limits: Limits = field(default_factory=Limits)
    _callers: dict[str, _Caller] = field(default_factory=dict)
    _orders: dict[tuple[str, int], _Counter] = field(default_factory=dict)

    def charge(self, ip: str, weight: int, now_ms: int) -> WireError | None:
        """Count a request; 429 above the limit, 418 when it goes on regardless."""
        caller = self._callers.setdefault(ip, _Caller())
        if now_ms < caller.banned_until_ms:
            return banned(ip, caller.banned_until_ms)
        minute = now_ms // MINUTE_MS
        if caller.minute != minute:
            caller.minute, caller.used, caller.refused = minute, 0, 0
        caller.used += weight
        if caller.used <= self.limits.weight_1m:
            return None
        caller.refused += 1
        if caller.refused <= IGNORED_BEFORE_BAN:
            return throttled(self.limits.weight_1m)
        length = min(FIRST_BAN_MS * 2**caller.bans, LONGEST_BAN_MS)
        caller.bans += 1
        caller.banned_until_ms = now_ms + length
        return banned(ip, caller.banned_until_ms)

    def used_weight(self, ip: str, now_ms: int) -> int:
        """Weight used in the running minute."""
        caller = self._callers.get(ip)
        return caller.used if caller is not None and caller.minute == now_ms // MINUTE_MS else 0

    def count_orders(self, account: str, now_ms: int, count: int = 1) -> WireError | None:
        """Count orders of an account; -1015 above a limit, and then nothing is counted.

        A batch counts each order in ten seconds, and once in the minute. Source: binance.md 5.
        """
        windows = (
            (TEN_SECONDS_MS, self.limits.orders_10s, count),
            (MINUTE_MS, self.limits.orders_1m, 1),
        )
        for length, limit, added in windows:
            if self.orders_used(account, length, now_ms) + added > limit:
                unit = "TEN_SECONDS" if length == TEN_SECONDS_MS else "MINUTE"
                text = f"Too many new orders; current limit is {limit} orders per {unit}."
                return WireError(-1015, text, TOO_MANY_REQUESTS)
        for length, _, added in windows:
            counter = self._orders.setdefault((account, length), _Counter())
            if counter.window != now_ms // length:
                counter.window, counter.used = now_ms // length, 0
            counter.used += added
        return None

    def orders_used(self, account: str, length_ms: int, now_ms: int) -> int:
        """Orders counted in the running window of that length."""
        counter = self._orders.get((account, length_ms))
        return counter.used if counter is not None and counter.window == now_ms // length_ms else 0


def throttled(limit: int) -> WireError:
    """The 429 reply."""
    text = (
        f"Too many requests; current limit is {limit} requests per minute. "
        "Please use the websocket for live updates to avoid polling the API."
    )
    return WireError(-1003, text, TOO_MANY_REQUESTS)


def banned(ip: str, until_ms: int) -> WireError:
    """The 418 reply."""
    text = (
        f"Way too many requests; IP({ip}) banned until {until_ms}. "
        "Please use the websocket for live updates to avoid bans."
    )
    return WireError(-1003, text, BANNED)
