"""Which adapter serves which venue; the only importer of adapters."""

import random
from collections.abc import Callable

from tradeops.domain.clock import Clock
from tradeops.domain.enums import Environment, Venue
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.urls import Endpoints, endpoints_for
from tradeops.exchange.port import Credentials, ExchangePort
from tradeops.exchange.throttle import VenueLimits, WeightBudget

_ADAPTERS = {Venue.BINANCE_USDM: BinanceUsdmAdapter}
_weights: dict[str, WeightBudget] = {}
_jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing


def open_port(
    *,
    venue: Venue,
    environment: Environment,
    credentials: Credentials,
    paper_url: str,
    clock: Clock,
    in_transaction: Callable[[], bool],
) -> ExchangePort:
    """Return the port of one account; await its `open()` before use, in the loop that uses it.

    `paper_url` counts in paper only. The weight budget is one per process and host. Raises
    ValueError for an address that the environment does not admit.
    """
    return _open(
        venue,
        endpoints_for(environment, paper_url),
        credentials,
        clock=clock,
        in_transaction=in_transaction,
    )


def open_public_port(
    *,
    venue: Venue,
    environment: Environment,
    paper_url: str,
    clock: Clock,
    in_transaction: Callable[[], bool],
) -> ExchangePort:
    """Return a port without a key: instruments, mark prices and time; the rest is Unavailable."""
    return _open(
        venue,
        endpoints_for(environment, paper_url),
        None,
        clock=clock,
        in_transaction=in_transaction,
    )


def _open(
    venue: Venue,
    endpoints: Endpoints,
    credentials: Credentials | None,
    *,
    clock: Clock,
    in_transaction: Callable[[], bool],
) -> ExchangePort:
    adapter = _ADAPTERS[venue]
    weight = _weights.setdefault(endpoints.rest, WeightBudget(clock, VenueLimits()))
    return adapter(
        credentials,
        endpoints,
        clock=clock,
        guard=in_transaction,
        jitter=_jitter.random,
        weight=weight,
    )
