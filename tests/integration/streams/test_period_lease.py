"""Two beats start each period once (F50)."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from django.db import connection

from tradeops.domain.reasons import Reason
from tradeops.kit import safe_mode
from tradeops.kit.lease_clock import LeaseTime
from tradeops.streams.models import PeriodLease
from tradeops.streams.services.period_lease import take_period
from tradeops.streams.tasks import watch_feeds


@dataclass
class Watch:
    """A lease clock that a test moves."""

    ms: int = 5_000
    clock: str = "boot-1"

    def read(self) -> LeaseTime:
        return LeaseTime(self.clock, self.ms)


def test_two_beats_start_each_period_once(committed_db: None) -> None:
    watch, starts = Watch(), []

    for tick in range(20):  # two beats, four seconds apart, with a period of ten
        for beat, offset in (("one", 0), ("two", 4_000)):
            watch.ms = 5_000 + tick * 10_000 + offset
            if take_period("compare", 10, clock=watch):
                starts.append((beat, tick))

    assert starts == [("one", tick) for tick in range(20)]
    assert PeriodLease.objects.get(pk="compare").runs == 20


@pytest.mark.parametrize(("late_ms", "starts"), [(7_999, False), (8_000, True)])
def test_start_a_little_early_belongs_to_the_next_period(
    committed_db: None, late_ms: int, *, starts: bool
) -> None:
    watch = Watch()
    assert take_period("compare", 10, clock=watch)

    watch.ms += late_ms

    assert take_period("compare", 10, clock=watch) is starts


def test_second_beat_takes_over_when_the_first_is_gone(committed_db: None) -> None:
    watch = Watch()
    assert take_period("compare", 10, clock=watch)

    watch.ms += 14_000

    assert take_period("compare", 10, clock=watch)


def test_restarted_machine_starts_at_once(committed_db: None) -> None:
    watch = Watch()
    assert take_period("compare", 10, clock=watch)

    watch.clock, watch.ms = "boot-2", 3

    assert take_period("compare", 10, clock=watch)


def test_clock_that_was_set_back_stops_no_period(committed_db: None) -> None:
    watch = Watch(ms=3_600_000)
    assert take_period("compare", 10, clock=watch)

    watch.ms -= 1_000
    assert not take_period("compare", 10, clock=watch)  # the other beat was a little ahead

    watch.ms -= 1_800_000
    assert take_period("compare", 10, clock=watch)
    assert not take_period("compare", 10, clock=watch)


def test_process_that_is_safe_takes_no_period(committed_db: None) -> None:
    watch_feeds.push_request(headers={"periodic_task_name": "compare"})
    safe_mode.enter(Reason.DATABASE_FULL, "test")
    try:
        watch_feeds()
        assert not PeriodLease.objects.exists()
    finally:
        safe_mode.leave(Reason.DATABASE_FULL)
        watch_feeds.pop_request()


def test_many_at_the_same_moment_have_one_winner(committed_db: None) -> None:
    watch = Watch()

    def start(_number: int) -> bool:
        try:
            return take_period("compare", 10, clock=watch)
        finally:
            connection.close()

    for _ in range(5):
        watch.ms += 10_000
        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(start, range(8))) == 1
