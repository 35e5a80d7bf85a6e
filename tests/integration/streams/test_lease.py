"""Leases: one owner, and no write of an owner who lost it (I11)."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import close_old_connections, connection

from accounts.models import ExchangeAccount
from tradeops.domain.enums import Source, StreamState
from tradeops.domain.events import WebSocketConnected
from tradeops.engine.ingest import StaleFence, record
from tradeops.journal.models import Event
from tradeops.kit.db import write_transaction
from tradeops.kit.lease_clock import DATABASE_CLOCK, LeaseTime
from tradeops.streams import lease as leases
from tradeops.streams.models import StreamLease
from tradeops.streams.services.owner_identity import is_gone, own_identity

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Watch:
    """A lease clock that a test moves."""

    ms: int = 1_000_000
    clock: str = "boot-1"

    def read(self) -> LeaseTime:
        return LeaseTime(self.clock, self.ms)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def account_id(committed_db: None) -> int:
    return ExchangeAccount.objects.create(name="main").pk


def test_acquire_gives_one_owner_until_the_time_is_over(account_id: int, watch: Watch) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW, clock=watch)
    watch.ms += 14_999

    assert first is not None
    assert leases.acquire(account_id, owner="b", now=NOW, clock=watch) is None

    watch.ms += 1
    second = leases.acquire(account_id, owner="b", now=NOW, clock=watch)

    assert second is not None
    assert second.token == first.token + 1


def test_clock_that_was_set_back_keeps_no_dead_owners_lease(account_id: int, watch: Watch) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW, clock=watch)
    assert first is not None

    watch.ms -= 15_000  # so little may be two reads of one clock
    assert leases.acquire(account_id, owner="b", now=NOW, clock=watch) is None
    assert leases.silence_ms(StreamLease.objects.get(), watch.read()) == 0

    watch.ms -= 1
    assert leases.silence_ms(StreamLease.objects.get(), watch.read()) is None
    assert leases.acquire(account_id, owner="b", now=NOW, clock=watch) is not None


def test_renew_prolongs_for_the_owner_only(account_id: int, watch: Watch) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW, clock=watch)
    assert first is not None

    watch.ms += 10_000
    assert leases.renew(first, now=NOW, clock=watch)
    watch.ms += 14_999
    assert leases.acquire(account_id, owner="b", now=NOW, clock=watch) is None

    watch.ms += 1
    second = leases.acquire(account_id, owner="b", now=NOW, clock=watch)
    assert second is not None
    watch.ms += 1000
    assert not leases.renew(first, now=NOW, clock=watch)
    assert not leases.set_state(first, StreamState.CONNECTED, "", now=NOW)
    row = StreamLease.objects.get(pk=account_id)
    assert leases.silence_ms(row, watch.read()) == 1000
    watch.ms += 14_000
    assert leases.silence_ms(row, watch.read()) is None


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)])
def test_wall_clock_that_is_set_changes_nothing(account_id: int, step: timedelta) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW)
    assert first is not None

    assert leases.acquire(account_id, owner="b", now=NOW + step) is None
    assert leases.renew(first, now=NOW + step)
    assert leases.acquire(account_id, owner="b", now=NOW) is None
    leases.release(first, now=NOW + step)
    assert leases.acquire(account_id, owner="b", now=NOW) is not None


def test_lease_from_before_the_machine_restarted_is_free(account_id: int, watch: Watch) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW, clock=watch)
    watch.clock, watch.ms = "boot-2", 7

    second = leases.acquire(account_id, owner="b", now=NOW, clock=watch)

    assert first is not None
    assert second is not None
    assert second.token == first.token + 1


def test_database_clock_goes_forward_in_one_clock(account_id: int) -> None:
    first, second = DATABASE_CLOCK.read(), DATABASE_CLOCK.read()

    assert first.clock == second.clock
    assert first.ms <= second.ms


def test_release_frees_at_once_and_harms_no_successor(account_id: int) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW)
    assert first is not None
    leases.release(first, now=NOW)
    second = leases.acquire(account_id, owner="b", now=NOW)
    assert second is not None

    leases.release(first, now=NOW)

    assert leases.acquire(account_id, owner="c", now=NOW) is None


def test_acquire_by_many_at_once_has_one_winner(account_id: int) -> None:
    start = threading.Barrier(8)

    def race(number: int) -> leases.Lease | None:
        start.wait()
        try:
            return leases.acquire(account_id, owner=f"worker-{number}", now=NOW)
        finally:
            close_old_connections()
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        winners = [held for held in pool.map(race, range(8)) if held is not None]

    assert len(winners) == 1
    assert StreamLease.objects.get(pk=account_id).owner == winners[0].owner


def test_fence_aborts_the_whole_write_of_an_older_owner(account_id: int, watch: Watch) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW, clock=watch)
    watch.ms += 15_000
    second = leases.acquire(account_id, owner="b", now=NOW, clock=watch)
    assert first is not None
    assert second is not None
    event = WebSocketConnected("user", NOW)

    def write(held: leases.Lease) -> None:
        record(
            account_id,
            [event],
            source=Source.STREAM,
            actor="test",
            now=NOW,
            fence=lambda: leases.fence(held),
        )

    with pytest.raises(StaleFence):
        write(first)
    assert Event.objects.count() == 0

    write(second)
    assert Event.objects.count() == 1


def test_takeover_waits_for_a_write_under_the_fence(account_id: int, watch: Watch) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW, clock=watch)
    assert first is not None
    inside, order = threading.Event(), []

    def take_over() -> None:
        inside.wait(10)
        watch.ms += 15_000
        held = leases.acquire(account_id, owner="b", now=NOW, clock=watch)
        order.append("taken over")
        assert held is not None
        connection.close()

    thread = threading.Thread(target=take_over)
    thread.start()
    with write_transaction():
        leases.fence(first)
        inside.set()
        thread.join(0.5)  # time to do wrong; a correct take-over is still waiting
        order.append("written")
    thread.join(10)

    assert order == ["written", "taken over"]


def test_lease_of_a_process_that_is_gone_is_free_at_once(account_id: int) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    machine, _, random = own_identity().split(":")
    first = leases.acquire(account_id, owner=f"{machine}:{ended.pid}:{random}", now=NOW)
    assert first is not None

    assert leases.acquire(account_id, owner="b", now=NOW) is None
    second = leases.acquire(account_id, owner="b", now=NOW, is_gone=is_gone)

    assert second is not None
    assert second.token == first.token + 1


@pytest.mark.parametrize("owner", ["", "b", "elsewhere:1:x", "elsewhere:999999999:x"])
def test_lease_of_an_owner_nobody_knows_to_be_gone_is_waited_for(
    account_id: int, owner: str
) -> None:
    leases.acquire(account_id, owner=owner, now=NOW)

    assert leases.acquire(account_id, owner="c", now=NOW, is_gone=is_gone) is None


def test_own_identity_is_not_gone() -> None:
    assert not is_gone(own_identity())
