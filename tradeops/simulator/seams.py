"""Puts the simulated world where the product meets the real one, for the time of a run.

Clock, ids, sleep, broker, Redis and the venue's transport are replaced; everything between them is
the code that runs in production.
"""

import random
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any
from unittest.mock import patch

import redis
from celery import current_app
from django.conf import settings
from django.test.utils import override_settings
from django.utils.module_loading import module_has_submodule

from accounts.models import Credential, ExchangeAccount
from accounts.services import exchange_open
from tradeops.engine import brackets, leverage
from tradeops.engine import tasks as engine_tasks
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.urls import Endpoints
from tradeops.exchange.port import Credentials, ExchangePort
from tradeops.exchange.throttle import VenueLimits, WeightBudget
from tradeops.journal import event_store
from tradeops.kit import redis_client, safe_mode
from tradeops.kit.clock import SystemClock
from tradeops.kit.db import in_transaction
from tradeops.kit.lease_clock import DatabaseClock, LeaseTime
from tradeops.kit.portal import drive
from tradeops.market import cache
from tradeops.simulator.broker import Broker
from tradeops.simulator.memory import MemoryRedis
from tradeops.simulator.schedule import Process, Schedule, SimClock
from tradeops.simulator.venue import SECRET, SYMBOLS, SimSession, SimVenue, api_key
from tradeops.streams import tasks as stream_tasks

_ENDPOINTS = Endpoints(rest="http://sim", stream="ws://sim")
# What a process remembers, and its successor does not: (object, attribute, what it begins with).
_MEMORIES: tuple[tuple[Any, str, Callable[[], Any]], ...] = (
    (cache._instruments, "_entries", dict),
    (cache._prices, "_entries", dict),
    (leverage._known, "_entries", dict),
    (brackets, "_known", dict),
    (exchange_open, "_slots", dict),
    (engine_tasks, "_under_way", set),
    (stream_tasks._watch, "_seen", dict),
    (stream_tasks._watch, "_silent", set),
    (safe_mode, "_active", dict),
)


def open_port(venue: SimVenue, schedule: Schedule, clock: SimClock, account: str) -> ExchangePort:
    """The real adapter of one account, over the simulated network."""

    async def pause(seconds: float) -> None:
        schedule.pause(seconds)

    def aside(work: Coroutine[Any, Any, None]) -> None:
        drive(work)

    return BinanceUsdmAdapter(
        Credentials(api_key(account), SECRET),
        _ENDPOINTS,
        clock=clock,
        guard=in_transaction,
        jitter=schedule.rng.random,
        weight=WeightBudget(clock, VenueLimits()),
        open_session=lambda: SimSession(venue),
        pause=pause,
        aside=aside,
    )


def load_tasks() -> None:
    """Make every task known by its name, as a worker does when it starts."""
    for app in settings.INSTALLED_APPS:
        if module_has_submodule(import_module(app), "tasks"):
            import_module(f"{app}.tasks")


@contextmanager
def replaced_world(
    *,
    schedule: Schedule,
    clock: SimClock,
    broker: Broker,
    memory: MemoryRedis,
    venue: SimVenue,
    listener: Callable[..., None],
) -> Iterator[None]:
    """Run the body in the simulated world."""

    def port_of(account: ExchangeAccount, _credential: Credential) -> ExchangePort:
        return open_port(venue, schedule, clock, account.name)

    def run_blocking(_port: Any, coroutine: Coroutine[Any, Any, Any]) -> Any:
        if in_transaction():
            coroutine.close()
            raise RuntimeError("a venue call inside a database transaction")
        return drive(coroutine)

    def seeded_uuid() -> uuid.UUID:
        return uuid.UUID(int=schedule.rng.getrandbits(128), version=4)

    with ExitStack() as stack:
        put = stack.enter_context
        put(patch.object(SystemClock, "now", lambda _self: clock.now()))
        put(patch.object(SystemClock, "monotonic_s", lambda _self: clock.monotonic_s()))
        put(patch.object(DatabaseClock, "read", lambda _self: _lease_time(schedule)))
        put(patch.object(uuid, "uuid4", seeded_uuid))
        put(patch.object(time, "sleep", schedule.pause))
        put(patch.object(random, "random", schedule.rng.random))
        put(patch.object(current_app._get_current_object(), "send_task", broker.send_task))
        put(patch.object(exchange_open, "_port", port_of))
        put(patch.object(exchange_open.BlockingPort, "_run", run_blocking))
        slot = exchange_open._Slot
        put(patch.object(exchange_open, "_Slot", lambda: slot(lock=_Lock(schedule))))  # type: ignore[arg-type]  # a lock in all but name
        put(patch.object(event_store, "_listeners", [listener]))
        put(override_settings(ALLOWED_SYMBOLS=list(SYMBOLS), DEAD_MAN_COUNTDOWN_S=20))
        put(_redis(memory))
        put(_own_memories(schedule))
        yield


class _Lock:
    """A lock between the threads of a simulated process, which really are one thread."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self._is_held = False

    def __enter__(self) -> None:
        while self._is_held:
            self._schedule.pause(0.02)
        self._is_held = True

    def __exit__(self, *_error: object) -> None:
        self._is_held = False


def _lease_time(schedule: Schedule) -> LeaseTime:
    return LeaseTime("sim", schedule.at_us // 1000)


@contextmanager
def _redis(memory: MemoryRedis) -> Iterator[None]:
    redis_client.redis_client.cache_clear()
    with patch.object(redis.Redis, "from_url", lambda *_args, **_options: memory):
        redis_client.redis_client()
        yield
    redis_client.redis_client.cache_clear()


@contextmanager
def _own_memories(schedule: Schedule) -> Iterator[None]:
    """Give each process its own caches and connections, as if it had its own address space."""
    before = [getattr(holder, name) for holder, name, _ in _MEMORIES]

    def swap_in(process: Process) -> None:
        for number, (holder, name, begin) in enumerate(_MEMORIES):
            if number not in process.memory:
                process.memory[number] = begin()
            setattr(holder, name, process.memory[number])

    schedule.on_switch(swap_in)
    try:
        yield
    finally:
        for (holder, name, _), value in zip(_MEMORIES, before, strict=True):
            setattr(holder, name, value)
