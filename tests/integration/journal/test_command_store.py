"""Claims and keys under real concurrency, on a real database."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TypeVar

import pytest
from django.db import connection, connections

from tradeops.domain.commands import CommandStatus, PauseEngine
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.journal.command_store import (
    CLAIM_TTL,
    Asker,
    Claim,
    Idempotency,
    LostClaim,
    claim,
    completed,
    enqueue,
    mark_sent,
    publish_hint,
    wait,
)
from tradeops.journal.models import Command, Event
from tradeops.kit import append_only
from tradeops.kit.db import write_transaction
from tradeops.kit.redis_client import redis_client

T = TypeVar("T")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASKER = Asker("user:1", Source.API)


@pytest.fixture
def real_commits(transactional_db: None) -> object:
    """Threads see each other's commits; the journal is emptied past its trigger afterwards."""
    yield
    append_only.remove(connection, "journal_event")
    Event.objects.all().delete()
    append_only.install(connection, "journal_event")


def ask(
    key: str | None = None, request_hash: str = "h", now: datetime = NOW
) -> tuple[Command, bool]:
    idempotency = Idempotency(key, "POST /orders", request_hash) if key else None
    return enqueue(
        PauseEngine("account", "x"),
        account_id=1,
        command_id=uuid.uuid4(),
        asker=ASKER,
        now=now,
        idempotency=idempotency,
    )


def at_once(count: int, job: Callable[[int], T]) -> list[T]:
    barrier = Barrier(count)

    def run(number: int) -> T:
        try:
            barrier.wait()
            return job(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.usefixtures("real_commits")
def test_twenty_requests_with_one_key_make_one_command() -> None:
    answers = at_once(20, lambda _number: ask("key-1"))

    assert sum(is_new for _, is_new in answers) == 1
    assert {command.pk for command, _ in answers} == {Command.objects.get().pk}
    assert Event.objects.count() == 1


@pytest.mark.usefixtures("real_commits")
def test_eight_workers_claim_one_command_once() -> None:
    command, _ = ask()

    claims = at_once(8, lambda number: claim(command.pk, worker=f"w{number}", now=NOW))

    winners = [held for held in claims if held is not None]
    assert len(winners) == 1
    command.refresh_from_db()
    assert (command.claimed_by, command.claim_token) == (winners[0].worker, 1)


@pytest.mark.usefixtures("real_commits")
def test_concurrent_writers_lose_nothing() -> None:
    def write_ten(_number: int) -> int:
        return len([ask() for _ in range(10)])

    assert sum(at_once(8, write_ten)) == 80
    assert sorted(Event.objects.values_list("seq", flat=True)) == list(range(1, 81))


@pytest.mark.django_db
def test_same_key_with_another_body_is_a_conflict() -> None:
    ask("key-1", "hash-1")

    with pytest.raises(TradeOpsError) as refused:
        ask("key-1", "hash-2")

    assert refused.value.code is ErrorCode.IDEMPOTENCY_CONFLICT


def held_by(command: Command, worker: str, now: datetime) -> Claim:
    held = claim(command.pk, worker=worker, now=now)
    assert held is not None
    return held


@pytest.mark.django_db
def test_worker_whose_claim_was_taken_over_cannot_send() -> None:
    command, _ = ask()
    old = held_by(command, "slow", NOW)
    new = held_by(command, "next", NOW + CLAIM_TTL)

    with pytest.raises(LostClaim), write_transaction():
        mark_sent(old, now=NOW, verdicts=[])
    with write_transaction():
        mark_sent(new, now=NOW, verdicts=[])

    command.refresh_from_db()
    assert (command.status, command.claim_token) == (CommandStatus.SENT, 2)


@pytest.mark.django_db
def test_claim_holds_until_its_last_moment() -> None:
    command, _ = ask()
    held_by(command, "first", NOW)

    before = NOW + CLAIM_TTL - timedelta(milliseconds=1)
    assert claim(command.pk, worker="second", now=before) is None


@pytest.mark.django_db
def test_terminal_command_never_changes() -> None:
    command, _ = ask()
    with write_transaction():
        assert completed(command, CommandStatus.FAILED, now=NOW, code="EXPIRED") is not None
        assert completed(command, CommandStatus.ACK, now=NOW) is None

    command.refresh_from_db()
    assert (command.status, command.code) == (CommandStatus.FAILED, "EXPIRED")
    assert claim(command.pk, worker="w", now=NOW) is None


@pytest.mark.django_db
def test_waiting_ends_with_the_time() -> None:
    command, _ = ask()

    assert wait(command.pk, timeout_s=0.01).status == CommandStatus.NEW


@pytest.mark.django_db
def test_what_waits_looks_once_more_when_the_time_is_over() -> None:
    """Else an order that was accepted at that moment would be answered without itself."""
    command, _ = ask()
    seen: list[str] = []

    def look(row: Command) -> bool:
        seen.append(row.status)
        return False

    wait(command.pk, timeout_s=0, done=look)

    assert seen == [CommandStatus.NEW]


def test_hint_that_the_broker_refuses_is_left_to_the_sweeper(
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = redis_client()
    client.config_set("maxmemory", 1)
    try:
        publish_hint(uuid.uuid4())
    finally:
        client.config_set("maxmemory", 0)

    assert "not published" in caplog.text
