"""Age of the last comparison, whose turn it is, venue budget: in Redis, since no row tells it."""

import json
import logging
from dataclasses import asdict
from datetime import datetime

import redis

from tradeops.exchange.port import RateState
from tradeops.kit.redis_client import redis_client

logger = logging.getLogger(__name__)

RATE_LIVES_S = 30


def key(account_id: int) -> str:
    """Redis key of an account's last complete comparison, an ISO time."""
    return f"tradeops:reconcile:{account_id}"


def remember(account_id: int, at: datetime) -> None:
    """Note that a comparison ended without an error; failing to is logged and harmless."""
    try:
        redis_client().set(key(account_id), at.isoformat())
    except redis.RedisError as error:
        logger.warning("reconcile age not kept: %s", type(error).__name__)


def remember_rate(account_id: int, rate: RateState) -> None:
    """Show the venue budget that the account's connection just saw, for half a minute."""
    try:
        redis_client().set(f"tradeops:rate:{account_id}", json.dumps(asdict(rate)), ex=RATE_LIVES_S)
    except redis.RedisError as error:
        logger.warning("venue budget not kept: %s", type(error).__name__)


def take_turn(account_id: int, scope: str, *, seconds: int) -> bool:
    """Whether this run may start: two of one scope side by side would only cost weight.

    Not for correctness: without Redis every run may start.
    """
    try:
        return bool(redis_client().set(_turn_key(account_id, scope), "1", nx=True, ex=seconds))
    except redis.RedisError:
        return True


def end_turn(account_id: int, scope: str) -> None:
    """Let the next run of the scope start."""
    try:
        redis_client().delete(_turn_key(account_id, scope))
    except redis.RedisError as error:
        logger.warning("reconcile turn not ended: %s", type(error).__name__)


def _turn_key(account_id: int, scope: str) -> str:
    return f"tradeops:reconciling:{account_id}:{scope}"
