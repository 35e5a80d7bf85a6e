"""The Redis connection pool of this process. What lives there may vanish at any time (D1)."""

from functools import lru_cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

QUICK_S = 0.05


@lru_cache(maxsize=1)
def redis_client() -> "redis.Redis":
    """Thread-safe client with short time limits; callers treat its errors as "not known"."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=2,
        socket_connect_timeout=2,
        health_check_interval=10,
        retry=Retry(NoBackoff(), retries=1),
        decode_responses=True,
    )


@lru_cache(maxsize=1)
def quick_redis_client() -> "redis.Redis":
    """For what stands in the way of an order: gives up after 50 ms."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=QUICK_S,
        socket_connect_timeout=QUICK_S,
        retry=Retry(NoBackoff(), retries=1),
        decode_responses=True,
    )
