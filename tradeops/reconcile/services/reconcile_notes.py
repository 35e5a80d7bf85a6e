"""Age of the last comparison, whose turn it is, venue budget: in Redis, since no row tells it."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import redis

from tradeops.exchange.port import RateState
from tradeops.kit.redis_client import redis_client
from tradeops.reconcile import selectors

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


def last_reconciled(account_ids: Sequence[int]) -> dict[int, datetime]:
    """When each account was last compared without an error, by any scope.

    Runs that found nothing leave no row, so Redis knows it first; where that forgot, the newest
    row says at least when something was found. Accounts never compared are left out.
    """
    if not account_ids:
        return {}
    try:
        texts: Any = redis_client().mget([key(account_id) for account_id in account_ids])
    except redis.RedisError:
        texts = [None] * len(account_ids)
    noted = {
        account_id: datetime.fromisoformat(text)
        for account_id, text in zip(account_ids, texts, strict=True)
        if text is not None
    }
    return selectors.newest_runs([pk for pk in account_ids if pk not in noted]) | noted


def remember_rate(account_id: int, rate: RateState, clock_offset_ms: int) -> None:
    """Show the venue budget and clock that the account's connection just saw, for half a minute."""
    word = json.dumps({**asdict(rate), "clock_offset_ms": clock_offset_ms})
    try:
        redis_client().set(f"tradeops:rate:{account_id}", word, ex=RATE_LIVES_S)
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
