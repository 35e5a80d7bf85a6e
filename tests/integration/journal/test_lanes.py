"""One command of an account and symbol at a time, oldest first (F79)."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError

from tests.integration.journal.test_command_store import NOW, at_once, real_commits
from tradeops.domain.commands import (
    CancelAll,
    ClosePosition,
    CommandStatus,
    DomainCommand,
    PlaceOrder,
    SetLeverage,
)
from tradeops.domain.enums import Side, Source
from tradeops.journal.command_store import (
    CLAIM_TTL,
    Asker,
    Claim,
    LostClaim,
    claim,
    completed,
    enqueue,
    fence,
    mark_sent,
    mark_unknown,
    reserve_query,
)
from tradeops.journal.locks import next_waiting, startable
from tradeops.journal.models import Command
from tradeops.kit.db import write_transaction

__all__ = ["real_commits"]

D = Decimal
BUY = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50))
SELL_OTHER = PlaceOrder("ETHUSDT", Side.SELL, amount=D(50))
LEAVE = PlaceOrder("BTCUSDT", Side.SELL, quantity=D(1), reduce_only=True)
CLOSE = ClosePosition("BTCUSDT", D(1), "x")
SECOND = timedelta(seconds=1)


def ask(command: DomainCommand, *, now: datetime = NOW, account_id: int = 1) -> uuid.UUID:
    command_id = uuid.uuid4()
    enqueue(
        command,
        account_id=account_id,
        command_id=command_id,
        asker=Asker("user:1", Source.API),
        now=now,
    )
    return command_id


def take(command_id: uuid.UUID, *, now: datetime = NOW) -> Claim | None:
    return claim(command_id, worker="w", now=now)


def taken(command_id: uuid.UUID, *, now: datetime = NOW) -> Claim:
    held = take(command_id, now=now)
    assert held is not None
    return held


def send(held: Claim) -> None:
    with write_transaction():
        mark_sent(held, now=NOW, verdicts=[])


def end(held: Claim, *, now: datetime = NOW) -> None:
    with write_transaction():
        assert completed(held.command, CommandStatus.ACK, now=now) is not None


def lose_sight(held: Claim) -> None:
    send(held)
    with write_transaction():
        assert mark_unknown(held.command, now=NOW, next_query_at=NOW + SECOND)


@pytest.mark.usefixtures("real_commits")
def test_of_eight_workers_with_eight_commands_of_a_lane_one_starts() -> None:
    ids = [ask(BUY) for _ in range(8)]

    claims = at_once(8, lambda number: take(ids[number]))

    assert sum(held is not None for held in claims) == 1
    assert Command.objects.filter(holds_lane=True).count() == 1
    assert Command.objects.filter(awaits_lane=True).count() == 7


@pytest.mark.usefixtures("real_commits")
def test_lane_that_changes_hands_under_load_has_one_holder_and_ends_empty() -> None:
    ids = [ask(BUY) for _ in range(24)]
    holders: list[int] = []

    def work(number: int) -> int:
        done = 0
        for command_id in ids[number::8]:
            while (held := take(command_id)) is None:
                pass
            holders.append(Command.objects.filter(holds_lane=True).count())
            end(held)
            done += 1
        return done

    assert sum(at_once(8, work)) == 24
    assert set(holders) == {1}


@pytest.mark.django_db
def test_lanes_do_not_wait_for_each_other() -> None:
    taken(ask(BUY))

    taken(ask(SELL_OTHER))
    taken(ask(BUY, account_id=2))
    taken(ask(CancelAll("BTCUSDT")))


@pytest.mark.django_db
@pytest.mark.parametrize("second", [BUY, CLOSE, SetLeverage("BTCUSDT", 3)])
def test_next_of_a_lane_starts_when_the_first_has_ended(second: DomainCommand) -> None:
    first = taken(ask(BUY))
    waiting = ask(second, now=NOW + SECOND)
    assert take(waiting) is None
    send(first)
    assert take(waiting) is None
    assert next_waiting("1:BTCUSDT", NOW) is None

    end(first)

    assert next_waiting("1:BTCUSDT", NOW) == waiting
    taken(waiting)


@pytest.mark.django_db
def test_the_next_is_hinted_once_the_end_is_durable(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        "tradeops.journal.command_store.current_app.send_task",
        lambda _name, *, kwargs, queue: sent.append(f"{queue} {kwargs['command_id']}"),
    )
    first = taken(ask(BUY))
    waiting = ask(CLOSE, now=NOW + SECOND)
    assert take(waiting) is None
    sent.clear()

    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        end(first)

    assert sent == [f"orders {waiting}"]


@pytest.mark.django_db
def test_younger_does_not_overtake() -> None:
    older, younger = ask(BUY), ask(CLOSE, now=NOW + SECOND)

    assert take(younger) is None

    end(taken(older))
    taken(younger)


@pytest.mark.django_db
def test_claim_of_a_dead_worker_keeps_the_lane_until_it_lapses() -> None:
    dead, waiting = ask(BUY), ask(CLOSE, now=NOW + SECOND)
    old = taken(dead)
    late = NOW + CLAIM_TTL

    assert take(waiting, now=late) is None
    end(taken(dead, now=late))

    taken(waiting, now=late)
    with pytest.raises(LostClaim):
        send(old)


@pytest.mark.django_db
def test_unknown_outcome_keeps_openings_back_and_no_exit() -> None:
    unknown, opening = ask(BUY), ask(BUY, now=NOW + SECOND)
    exits = [ask(LEAVE, now=NOW + 2 * SECOND), ask(CLOSE, now=NOW + 3 * SECOND)]
    held = taken(unknown)
    lose_sight(held)

    assert take(opening) is None
    for command_id in exits:
        end(taken(command_id))

    end(held)
    taken(opening)


@pytest.mark.django_db
def test_opening_that_expired_behind_an_unknown_outcome_may_be_refused() -> None:
    unknown, opening = ask(BUY), ask(BUY)
    lose_sight(taken(unknown))

    assert take(opening, now=NOW + 10 * SECOND) is None
    taken(opening, now=NOW + 11 * SECOND)


@pytest.mark.django_db
def test_exit_does_not_stand_behind_openings_that_have_expired() -> None:
    """A desk that fell behind closes first what it holds, and refuses the stale ones after."""
    running = taken(ask(LEAVE, now=NOW))
    stale = [ask(BUY, now=NOW + n * SECOND) for n in range(1, 4)]
    closing = ask(CLOSE, now=NOW + 4 * SECOND)
    fresh = ask(BUY, now=NOW + 5 * SECOND)
    later = NOW + 14 * SECOND
    for command_id in (*stale, closing, fresh):
        assert take(command_id, now=NOW + 6 * SECOND) is None

    end(running, now=later)

    assert next_waiting("1:BTCUSDT", later) == closing
    names = [command.pk for command in startable(later, created_before=later, limit=9)]
    assert names == [closing, *stale]
    assert take(fresh, now=later) is None
    held = taken(closing, now=later)
    assert take(stale[0], now=later) is None
    end(held, now=later)
    assert next_waiting("1:BTCUSDT", later) == fresh


@pytest.mark.django_db
def test_sent_command_of_a_dead_worker_leaves_its_lane_with_the_first_query() -> None:
    held = taken(ask(BUY))
    send(held)
    waiting = ask(CLOSE)
    assert take(waiting) is None

    held.command.refresh_from_db()
    assert reserve_query(held.command, now=NOW, next_query_at=NOW + SECOND)
    assert not reserve_query(held.command, now=NOW, next_query_at=NOW + SECOND)

    taken(waiting)


@pytest.mark.django_db
def test_startable_names_what_a_worker_could_claim_now() -> None:
    first, second, other = ask(BUY), ask(CLOSE, now=NOW + SECOND), ask(SELL_OTHER)
    later = NOW + 5 * SECOND

    def found() -> set[uuid.UUID]:
        return {row.pk for row in startable(later, created_before=later, limit=10)}

    assert found() == {first, other}
    held = taken(first)
    assert found() == {other}
    end(held)
    assert found() == {second, other}


@pytest.mark.django_db
def test_fence_holds_until_another_claims_or_the_command_ends() -> None:
    old = taken(ask(BUY))
    fence(old)
    new = taken(old.command.pk, now=NOW + CLAIM_TTL)

    with pytest.raises(LostClaim):
        fence(old)
    fence(new)
    end(new)
    with pytest.raises(LostClaim):
        fence(new)


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["NEW", "SENT", "ACK"])
def test_database_refuses_to_revive_what_has_ended(status: str) -> None:
    held = taken(ask(BUY))
    with write_transaction():
        completed(held.command, CommandStatus.FAILED, now=NOW)

    with pytest.raises(DatabaseError, match="has ended"), transaction.atomic():
        Command.objects.filter(pk=held.command.pk).update(status=status)

    Command.objects.filter(pk=held.command.pk).update(status="FAILED", result={"seen": "again"})
    held.command.refresh_from_db()
    assert held.command.status == CommandStatus.FAILED


@pytest.mark.django_db
def test_claim_reads_few_commands() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by statistics, which an empty table does not have")
    ask(BUY)
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN QUERY PLAN SELECT 1 FROM journal_command AS h "
            "WHERE h.holds_lane AND h.lane = '1:BTCUSDT'"
        )
        holder = str(cursor.fetchall())
        cursor.execute(
            "EXPLAIN QUERY PLAN SELECT 1 FROM journal_command WHERE next_query_at <= '2026'"
        )
        due = str(cursor.fetchall())
    assert "command_lane_unique" in holder
    assert "command_next_query" in due


@pytest.mark.django_db
def test_claim_from_before_the_clock_was_set_back_holds_nobody_up() -> None:
    command_id = ask(CLOSE)
    dead = take(command_id, now=NOW + timedelta(hours=1))
    assert dead is not None

    held = take(command_id)

    assert held is not None
    assert held.token > dead.token
