"""The journal is append-only, gapless and chained; dedup keys make a second copy a no-op."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from tradeops.domain.enums import Source
from tradeops.domain.events import EnginePaused, EngineResumed
from tradeops.journal.event_store import (
    NO_HASH,
    Draft,
    Origin,
    Stored,
    append,
    first_broken_link,
    read,
    subscribe,
)
from tradeops.journal.models import Event, JournalHead
from tradeops.kit import append_only
from tradeops.kit.db import write_transaction

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORIGIN = Origin("user:1", Source.API, NOW, uuid4(), uuid4())


def write(*reasons: str, account_id: int = 1) -> list[Stored]:
    drafts = [Draft(EnginePaused("account:1", reason), NOW) for reason in reasons]
    with write_transaction():
        return append(account_id, drafts, ORIGIN)


def test_sequence_has_no_gap_and_is_per_account() -> None:
    write("a", "b")
    write("c", account_id=2)
    write("d")

    assert list(Event.objects.filter(account_id=1).values_list("seq", flat=True)) == [1, 2, 3]
    assert Event.objects.get(account_id=2).seq == 1


def test_events_return_as_they_were_written() -> None:
    write("a", "b")

    stored = list(read(1))

    assert [item.event for item in stored] == [
        EnginePaused("account:1", "a"),
        EnginePaused("account:1", "b"),
    ]
    assert [item.actor for item in stored] == ["user:1", "user:1"]
    assert list(read(1, after_seq=1)) == stored[1:]


def test_chain_starts_at_zero_and_ends_at_the_head() -> None:
    write("a", "b")

    first, second = Event.objects.order_by("seq")
    assert first.previous_hash == NO_HASH
    assert second.previous_hash == first.hash
    assert JournalHead.objects.get(pk=1).hash == second.hash
    assert first_broken_link(1) is None


@pytest.mark.parametrize(
    "statement", ["UPDATE journal_event SET actor = 'x'", "DELETE FROM journal_event"]
)
def test_database_refuses_change_and_deletion(statement: str) -> None:
    write("a")

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert Event.objects.get().actor == "user:1"


def test_tampering_past_the_trigger_shows() -> None:
    write("a", "b", "c")
    append_only.remove(connection, "journal_event")
    Event.objects.filter(seq=2).update(payload={"scope": "account:1", "reason": "other"})
    append_only.install(connection, "journal_event")

    assert first_broken_link(1) == 2


def test_missing_event_shows() -> None:
    write("a", "b", "c")
    append_only.remove(connection, "journal_event")
    Event.objects.filter(seq=2).delete()
    append_only.install(connection, "journal_event")

    assert first_broken_link(1) == 3


def test_known_dedup_key_is_a_no_op() -> None:
    draft = Draft(EnginePaused("account:1", "a"), NOW, "key-1")
    with write_transaction():
        first = append(1, [draft, draft], ORIGIN)
        again = append(1, [draft], ORIGIN)

    assert len(first) == 1
    assert again == []
    assert Event.objects.count() == 1


def test_rolled_back_events_leave_no_trace() -> None:
    with pytest.raises(ZeroDivisionError):
        _write_and_fail()

    write("b")

    assert Event.objects.get().seq == 1


def _write_and_fail() -> None:
    with write_transaction():
        append(1, [Draft(EnginePaused("account:1", "a"), NOW)], ORIGIN)
        raise ZeroDivisionError


def test_listeners_hear_after_the_commit(
    django_capture_on_commit_callbacks: pytest.FixtureRequest,
) -> None:
    heard: list[tuple[int, list[str]]] = []

    def listener(account_id: int, events: object) -> None:
        heard.append((account_id, [type(item.event).__name__ for item in events]))  # type: ignore[attr-defined]

    subscribe(listener)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        with write_transaction():
            drafts = [
                Draft(EnginePaused("account:7", "a"), NOW),
                Draft(EngineResumed("account:7", "b"), NOW),
            ]
            append(7, drafts, ORIGIN)
        assert heard == []

    assert heard == [(7, ["EnginePaused", "EngineResumed"])]
