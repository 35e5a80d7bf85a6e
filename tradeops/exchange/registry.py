"""Which adapter serves which venue; the only importer of adapters."""

import hashlib
import os
import random
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from tradeops.domain.clock import Clock
from tradeops.domain.enums import Environment, Venue
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.urls import Endpoints, endpoints_for
from tradeops.exchange.port import Credentials, ExchangePort
from tradeops.exchange.shared_counts import RedisCounts
from tradeops.exchange.throttle import OrderBudget, VenueLimits, WeightBudget

if TYPE_CHECKING:
    from redis import Redis

_ADAPTERS = {Venue.BINANCE_USDM: BinanceUsdmAdapter}
_weights: dict[str, WeightBudget] = {}
_WHO = f"{socket.gethostname()}:{os.getpid()}"
_jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing


def open_port(
    *,
    venue: Venue,
    environment: Environment,
    credentials: Credentials,
    paper_url: str,
    clock: Clock,
    in_transaction: Callable[[], bool],
    redis: "Redis | None" = None,
) -> ExchangePort:
    """Return the port of one account; await its `open()` before use, in the loop that uses it.

    `paper_url` counts in paper only. Weight is counted by host and orders by venue key, together
    with all processes that were given the same `redis` (short time limits: it is asked before
    each call). Raises ValueError for an address that the environment does not admit.
    """
    return _open(
        venue,
        endpoints_for(environment, paper_url),
        credentials,
        clock=clock,
        in_transaction=in_transaction,
        redis=redis,
    )


def open_public_port(
    *,
    venue: Venue,
    environment: Environment,
    paper_url: str,
    clock: Clock,
    in_transaction: Callable[[], bool],
    redis: "Redis | None" = None,
) -> ExchangePort:
    """Return a port without a key: instruments, mark prices and time; the rest is Unavailable."""
    return _open(
        venue,
        endpoints_for(environment, paper_url),
        None,
        clock=clock,
        in_transaction=in_transaction,
        redis=redis,
    )


def _open(
    venue: Venue,
    endpoints: Endpoints,
    credentials: Credentials | None,
    *,
    clock: Clock,
    in_transaction: Callable[[], bool],
    redis: "Redis | None",
) -> ExchangePort:
    def shared(name: str) -> RedisCounts | None:
        if redis is None:
            return None
        return RedisCounts(redis, name, who=_WHO, monotonic_s=clock.monotonic_s)

    adapter = _ADAPTERS[venue]
    host = endpoints.rest
    weight = _weights.setdefault(
        host, WeightBudget(clock, VenueLimits(), shared=shared(f"weight:{host}"))
    )
    account = f"orders:{host}:{_fingerprint(credentials)}"
    return adapter(
        credentials,
        endpoints,
        clock=clock,
        guard=in_transaction,
        jitter=_jitter.random,
        weight=weight,
        orders=OrderBudget(clock, weight.limits, shared=shared(account)),
    )


def _fingerprint(credentials: Credentials | None) -> str:
    """Names a venue key without telling it: rows here that share a key share its counts."""
    key = credentials.api_key if credentials else ""
    return hashlib.sha256(key.encode()).hexdigest()[:16]
