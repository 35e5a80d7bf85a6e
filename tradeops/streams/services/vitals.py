"""What other processes may know about this worker, in Redis; all of it may vanish (D1)."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

import redis

from tradeops.exchange.port import RateState
from tradeops.kit.heartbeat import FADES_AFTER_S, heartbeat_key
from tradeops.kit.redis_client import redis_client

logger = logging.getLogger(__name__)

HEARTBEAT = "streams"


Rate = tuple[RateState, int]
"""Budget as last told by headers, and the venue's clock minus ours in ms."""


def rate_key(account_id: int) -> str:
    """Redis key of the venue budget that an account's connection saw last, as JSON."""
    return f"tradeops:rate:{account_id}"


def feed_key(account_id: int) -> str:
    """Redis key of what a feed heard last, as JSON of ISO times."""
    return f"tradeops:stream:{account_id}"


def sign_ages_ms(account_ids: list[int]) -> dict[int, int]:
    """How long ago each feed's worker gave a sign of life, where Redis knows."""
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            for account_id in account_ids:
                pipe.pttl(feed_key(account_id))
            left = pipe.execute()
    except redis.RedisError:
        return {}
    pairs = zip(account_ids, left, strict=True)
    return {account_id: FADES_AFTER_S * 1000 - ms for account_id, ms in pairs if ms > 0}


def beat(
    owner: str,
    now: datetime,
    rates: Mapping[int, Rate],
    heard: Mapping[int, Mapping[str, datetime | None]],
) -> None:
    """Write the heartbeat, each account's venue budget, and when its feed heard what.

    Failing is logged and harmless.
    """
    try:
        with redis_client().pipeline(transaction=False) as pipe:
            word = {"pid": os.getpid(), "at": now.isoformat(), "owner": owner}
            pipe.set(heartbeat_key(HEARTBEAT), json.dumps(word), ex=FADES_AFTER_S)
            for account_id, rate in rates.items():
                # Comparisons call the venue more often than streams do: theirs is the newer figure.
                pipe.set(
                    rate_key(account_id),
                    json.dumps({**asdict(rate[0]), "clock_offset_ms": rate[1]}),
                    ex=FADES_AFTER_S,
                    nx=True,
                )
            for account_id, times in heard.items():
                text = {name: at.isoformat() if at else None for name, at in times.items()}
                pipe.set(feed_key(account_id), json.dumps(text), ex=FADES_AFTER_S)
            pipe.execute()
    except redis.RedisError as error:
        logger.warning("heartbeat not written: %s", type(error).__name__)
