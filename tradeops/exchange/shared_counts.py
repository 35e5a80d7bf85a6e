"""Budgets of all processes in one Redis: `throttle.SharedCounts`.

Each `take` is one script, so that no two processes spend the same rest. Keys live a little longer
than their window. What is guaranteed: a block that one process wrote is seen by every call that
another begins afterwards, and together they never claim past a ceiling. What is not: calls that
were under way when the block came, and anything while Redis is away; then each process falls back
to its own share (`throttle`).
"""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

import redis

from tradeops.exchange.throttle import Claim, Grant

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

PREFIX = "tradeops:budget:"
AWAY_S = 1.0  # after a failure nobody waits for Redis again for so long
SHARER_LIVES_S = 60

# KEYS: block, sharers, then one counter a claim. ARGV: who, seconds that a sharer counts, then
# amount, ceiling and life in seconds of each claim. Answers: block in ms, sharers, index of the
# refused claim or -1, and the counts.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[2]))
redis.call('EXPIRE', KEYS[2], ARGV[2])
local answer = {math.max(0, redis.call('PTTL', KEYS[1])), redis.call('ZCARD', KEYS[2]), -1}
for i = 3, #KEYS do
  local at = 3 * (i - 3) + 3
  local count = tonumber(redis.call('GET', KEYS[i]) or '0')
  answer[i + 1] = count
  if answer[3] == -1 and count >= tonumber(ARGV[at + 1]) then answer[3] = i - 3 end
end
if answer[1] > 0 or answer[3] >= 0 then return answer end
for i = 3, #KEYS do
  local at = 3 * (i - 3) + 3
  answer[i + 1] = redis.call('INCRBY', KEYS[i], ARGV[at])
  redis.call('EXPIRE', KEYS[i], ARGV[at + 2])
end
return answer
"""
_RAISE = """
if tonumber(redis.call('GET', KEYS[1]) or '0') < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
"""
_BLOCK = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then
  redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
end
"""


class RedisCounts:
    """Counts under `name` (an address, or an account). `who` tells this process from the others.

    `client` must have short time limits: its calls hold up the caller's loop.
    """

    def __init__(
        self, client: "Redis", name: str, *, who: str, monotonic_s: Callable[[], float]
    ) -> None:
        self._name = f"{PREFIX}{name}"
        self._who = who
        self._monotonic_s = monotonic_s
        self._away_until_s: float | None = None
        self._take = client.register_script(_TAKE)
        self._raise = client.register_script(_RAISE)
        self._block = client.register_script(_BLOCK)

    def take(self, claims: Sequence[Claim]) -> Grant | None:
        """As `SharedCounts.take`."""
        keys = [f"{self._name}:block", f"{self._name}:sharers"]
        words: list[str | float] = [self._who, SHARER_LIVES_S]
        for claim in claims:
            keys.append(self._key(claim.window_s, claim.window))
            words += [claim.amount, claim.ceiling, claim.window_s * 2]
        answer = self._ask(self._take, keys, words)
        if answer is None:
            return None
        blocked_ms, sharers, refused, *counts = cast("list[int]", answer)
        return Grant(blocked_ms / 1000, tuple(counts), refused if refused >= 0 else None, sharers)

    def raise_to(self, window_s: int, window: int, told: int) -> None:
        """As `SharedCounts.raise_to`."""
        self._ask(self._raise, [self._key(window_s, window)], [told, window_s * 2])

    def block(self, seconds: float) -> None:
        """As `SharedCounts.block`; tried even while Redis seemed to be away."""
        self._away_until_s = None
        self._ask(self._block, [f"{self._name}:block"], [max(1, round(seconds * 1000))])

    def _key(self, window_s: int, window: int) -> str:
        return f"{self._name}:{window_s}:{window}"

    def _ask(self, script: Any, keys: list[str], words: Sequence[str | float]) -> object | None:
        away_until_s = self._away_until_s  # other threads set it
        if away_until_s is not None and self._monotonic_s() < away_until_s:
            return None
        try:
            answer = script(keys=keys, args=words)
        except redis.RedisError as error:
            if self._away_until_s is None:
                logger.warning("budget of %s not shared: %s", self._name, type(error).__name__)
            self._away_until_s = self._monotonic_s() + AWAY_S
            return None
        if self._away_until_s is not None:
            logger.info("budget of %s shared again", self._name)
            self._away_until_s = None
        return cast("object", answer) if answer is not None else ()
