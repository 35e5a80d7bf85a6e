"""Leases: one owner, and no write of an owner who lost it (I11)."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import close_old_connections, connection

from accounts.models import ExchangeAccount
from tradeops.domain.enums import Source, StreamState
from tradeops.domain.events import WebSocketConnected
from tradeops.engine.ingest import StaleFence, record
from tradeops.journal.models import Event
from tradeops.kit.db import write_transaction
from tradeops.streams import lease as leases
from tradeops.streams.models import StreamLease
from tradeops.streams.services.owner_identity import is_gone, own_identity

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def account_id(committed_db: None) -> int:
    return ExchangeAccount.objects.create(name="main").pk


def test_acquire_gives_one_owner_until_the_time_is_over(account_id: int) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW)

    assert first is not None
    assert leases.acquire(account_id, owner="b", now=NOW + timedelta(seconds=14.9)) is None

    second = leases.acquire(account_id, owner="b", now=NOW + leases.TTL)

    assert second is not None
    assert second.token == first.token + 1


def test_renew_prolongs_for_the_owner_only(account_id: int) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW)
    assert first is not None

    assert leases.renew(first, now=NOW + timedelta(seconds=10))
    assert leases.acquire(account_id, owner="b", now=NOW + leases.TTL) is None

    second = leases.acquire(account_id, owner="b", now=NOW + timedelta(seconds=25))
    assert second is not None
    assert not leases.renew(first, now=NOW + timedelta(seconds=26))
    assert not leases.set_state(first, StreamState.CONNECTED, "", now=NOW)
    assert StreamLease.objects.get(pk=account_id).expires_at == NOW + timedelta(seconds=40)


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


def test_fence_aborts_the_whole_write_of_an_older_owner(account_id: int) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW)
    second = leases.acquire(account_id, owner="b", now=NOW + leases.TTL)
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


def test_takeover_waits_for_a_write_under_the_fence(account_id: int) -> None:
    first = leases.acquire(account_id, owner="a", now=NOW)
    assert first is not None
    inside, order = threading.Event(), []

    def take_over() -> None:
        inside.wait(10)
        held = leases.acquire(account_id, owner="b", now=NOW + leases.TTL)
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
