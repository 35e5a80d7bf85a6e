"""Reads may be repeated once; submits never (D4).

A read that ended in Ambiguous, ClockSkew or a failed connection is asked again after a short,
jittered pause. What the venue refused, and what our own budget kept back, is not.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tradeops.exchange.errors import Ambiguous, ClockSkew, Unavailable
from tradeops.exchange.throttle import Withheld

Answer = TypeVar("Answer")

BACKOFF_S = 0.2


async def read_twice(
    call: Callable[[], Awaitable[Answer]],
    *,
    resync: Callable[[], Awaitable[object]],
    jitter: Callable[[], float],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    backoff_s: float = BACKOFF_S,
) -> Answer:
    """Await `call`, and once more if it may have failed by chance.

    After ClockSkew `resync` runs first, without a pause. `jitter` returns a number in [0, 1);
    `pause` waits `backoff_s` × (0.5 + jitter) seconds.
    """
    try:
        return await call()
    except ClockSkew:
        await resync()
    except (Ambiguous, Unavailable) as error:
        if isinstance(error, Withheld):
            raise
        await pause(backoff_s * (0.5 + jitter()))
    return await call()
