"""Budgets of several processes in one Redis, and what is left of them without it."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from tests.support.redis import RedisServer, start_redis
from tradeops.domain.clock import FrozenClock
from tradeops.exchange.shared_counts import RedisCounts
from tradeops.exchange.throttle import (
    OrderBudget,
    Priority,
    VenueLimits,
    WeightBudget,
    Withheld,
)

pytestmark = pytest.mark.once

START = datetime(2026, 11, 20, 8, 0, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


@pytest.fixture
def client(redis_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as opened:
        yield opened


@pytest.fixture
def name() -> str:
    return uuid4().hex


def budget(client: "redis.Redis", name: str, who: str, clock: FrozenClock) -> WeightBudget:
    shared = RedisCounts(client, name, who=who, monotonic_s=clock.monotonic_s)
    return WeightBudget(clock, VenueLimits(), shared=shared)


def test_weight_of_all_processes_counts_together(
    client: "redis.Redis", name: str, clock: FrozenClock
) -> None:
    one, two = (budget(client, name, who, clock) for who in ("one", "two"))

    one.admit(Priority.READ, 1900)
    two.admit(Priority.ENTRY, 20)

    assert (one.used_1m, two.used_1m) == (1900, 1920)
    with pytest.raises(Withheld):
        one.admit(Priority.ENTRY, 1)
    one.admit(Priority.PROTECT, 1)
    clock.advance(55)
    assert one.admit(Priority.ENTRY, 1) == 0.0
    assert one.used_1m == 1


def test_header_of_one_process_corrects_all(
    client: "redis.Redis", name: str, clock: FrozenClock
) -> None:
    one, two = (budget(client, name, who, clock) for who in ("one", "two"))
    one.admit(Priority.READ, 1)

    one.observe(2299, one.window())
    one.observe(7, one.window())

    two.admit(Priority.READ, 1)
    assert two.used_1m == 2300
    with pytest.raises(Withheld):
        two.admit(Priority.READ, 1)


def test_many_at_once_never_claim_past_the_ceiling(
    client: "redis.Redis", name: str, clock: FrozenClock
) -> None:
    budgets = [budget(client, name, str(number), clock) for number in range(4)]

    def spend(mine: WeightBudget) -> int:
        admitted = 0
        for _ in range(100):
            try:
                mine.admit(Priority.ENTRY, 10)
            except Withheld:
                continue
            admitted += 10
        return admitted

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(spend, budgets)) == 1920


def test_block_of_one_process_stops_all(
    client: "redis.Redis", name: str, clock: FrozenClock
) -> None:
    one, two = (budget(client, name, who, clock) for who in ("one", "two"))

    one.block(30)
    one.block(3)

    for priority in Priority:
        with pytest.raises(Withheld) as refusal:
            two.admit(priority)
        assert 25 < refusal.value.retry_after_s <= 30
    assert two.level == "BLOCKED"
    assert two.used_1m == 0


def test_order_counts_of_one_account_count_together(
    client: "redis.Redis", name: str, clock: FrozenClock
) -> None:
    one, two = (
        OrderBudget(
            clock,
            VenueLimits(),
            shared=RedisCounts(client, name, who=who, monotonic_s=clock.monotonic_s),
        )
        for who in ("one", "two")
    )
    for _ in range(120):
        one.admit(Priority.ENTRY)
        two.admit(Priority.ENTRY)

    with pytest.raises(Withheld):
        one.admit(Priority.ENTRY)
    for _ in range(60):
        two.admit(Priority.PROTECT)
    with pytest.raises(Withheld):
        one.admit(Priority.PROTECT)
    assert (two.count(10), two.count(60)) == (300, 300)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    started = start_redis(tmp_path / "redis")
    yield started
    started.stop()


def test_without_redis_each_keeps_to_its_share_and_exits_pass(
    server: RedisServer, name: str, clock: FrozenClock
) -> None:
    with redis.Redis.from_url(
        server.url, socket_timeout=0.05, socket_connect_timeout=0.05, decode_responses=True
    ) as client:
        one, two = (budget(client, name, who, clock) for who in ("one", "two"))
        two.admit(Priority.READ, 0)
        one.admit(Priority.READ, 100)
        server.stop()

        one.admit(Priority.ENTRY, 860)  # two processes: half of 1920 each
        with pytest.raises(Withheld):
            one.admit(Priority.ENTRY, 1)
        one.observe(2399, one.window())
        one.admit(Priority.PROTECT, 1)
        with pytest.raises(Withheld):
            one.admit(Priority.PROTECT, 1)


def test_redis_that_does_not_answer_costs_one_short_wait(
    server: RedisServer, name: str, clock: FrozenClock
) -> None:
    with redis.Redis.from_url(
        server.url, socket_timeout=0.05, socket_connect_timeout=0.05, decode_responses=True
    ) as client:
        mine = budget(client, name, "one", clock)
        mine.admit(Priority.ENTRY, 0)
        server.process.send_signal(19)  # SIGSTOP
        try:
            started = time.monotonic()
            for _ in range(1000):
                mine.admit(Priority.ENTRY, 0)
            waited_s = time.monotonic() - started
        finally:
            server.process.send_signal(18)  # SIGCONT
        # A thousand waits would be 50 s.
        assert waited_s < 10

        clock.advance(2)
        other = budget(client, name, "two", clock)
        mine.admit(Priority.ENTRY, 5)
        other.admit(Priority.ENTRY, 0)
        assert other.used_1m == 5


def test_redis_that_comes_back_between_two_looks_breaks_no_call(name: str) -> None:
    """One thread asks whether Redis is away while another learns that it is not."""

    def monotonic_s() -> float:
        counts._away_until_s = None
        return 0.0

    gone = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    counts = RedisCounts(gone, name, who="one", monotonic_s=monotonic_s)
    counts._away_until_s = 1.0

    assert counts.take([]) is None
