"""So many writes a minute for each asker: one atomic Redis script, one round trip.

GCRA: a bucket that refills evenly and holds `quota` at most; a key keeps only the time at which it
is full again. Time is Redis' own, so that all web processes agree. A Redis that is down lets
requests pass: the venue's budget and the gates still hold, and a halt must not depend on Redis.
"""

import logging
from dataclasses import dataclass

import redis

from tradeops.kit.redis_client import redis_client

logger = logging.getLogger(__name__)

WINDOW_S = 60
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local quota, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local step = window / quota
local full_at = tonumber(redis.call('GET', KEYS[1]) or 0)
if full_at < now then full_at = now end
local after = full_at + step
local wait = math.ceil(after - window - now)
if wait > 0 then return {0, 0, wait} end
redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', window)
return {1, math.floor((window - (after - now)) / step), math.ceil(after - now)}
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`remaining` requests are left now; after `reset_s` seconds there is more (or all) again."""

    allowed: bool
    quota: int
    remaining: int
    reset_s: int

    def headers(self, policy: str) -> dict[str, str]:
        """RateLimit header fields (IETF draft httpapi-ratelimit-headers, structured form)."""
        headers = {
            "RateLimit-Policy": f'"{policy}";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"{policy}";r={self.remaining};t={self.reset_s}',
        }
        if not self.allowed:
            headers["Retry-After"] = str(self.reset_s)
        return headers


def take(key: str, *, quota: int) -> Verdict:
    """Take one of `quota` a minute for `key`."""
    try:
        allowed, remaining, wait_ms = redis_client().eval(
            _SCRIPT, 1, f"tradeops:throttle:{key}", str(quota), str(WINDOW_S * 1000)
        )
    except redis.RedisError as error:
        logger.warning("throttle passes everything: %s", type(error).__name__)
        return Verdict(allowed=True, quota=quota, remaining=quota, reset_s=0)
    return Verdict(bool(allowed), quota, int(remaining), -(-int(wait_ms) // 1000))
