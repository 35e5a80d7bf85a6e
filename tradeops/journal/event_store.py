"""Append to and read the journal.

Everything here that writes must run inside `write_transaction` with the account's head locked.
Listeners hear of events after their commit; the live desk and the wake-ups hang there.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection

from tradeops.domain.enums import Source
from tradeops.domain.events import DomainEvent
from tradeops.journal import codec
from tradeops.journal.models import Event, JournalHead
from tradeops.kit import sql
from tradeops.kit.db import after_commit

NO_HASH = "0" * 64
_HEAD_SQL = "SELECT seq, hash FROM journal_journalhead WHERE account_id = %s"
_KNOWN_SQL = "SELECT dedup_key FROM journal_event WHERE dedup_key IN"
_MOVE_SQL = "UPDATE journal_journalhead SET seq = %s, hash = %s WHERE account_id = %s"


@dataclass(frozen=True, slots=True)
class Draft:
    """A fact that wants to be journalled. A `dedup_key` seen before makes it a no-op."""

    event: DomainEvent
    occurred_at: datetime
    dedup_key: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Who is behind a batch of events, and what it follows from."""

    actor: str
    source: Source
    now: datetime
    correlation_id: UUID | None = None
    causation_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A journalled event with its place in the account's chain."""

    event: DomainEvent
    account_id: int
    seq: int
    occurred_at: datetime
    recorded_at: datetime
    actor: str


Listener = Callable[[int, Sequence[Stored]], None]
_listeners: list[Listener] = []


def subscribe(listener: Listener) -> None:
    """Call `listener(account_id, events)` after each commit; once, at start-up."""
    if listener not in _listeners:
        _listeners.append(listener)


@dataclass(slots=True)
class Head:
    """End of one account's chain while its row is locked."""

    account_id: int
    seq: int
    hash: str


def lock_head(account_id: int) -> Head:
    """Lock the account until the transaction ends; creates its chain on first use.

    Plain SQL here and in `Appender.flush`: each order passes four times, and the ORM's query
    building costs more than the queries.
    """
    head = _read_locked(account_id)
    if head is None:
        JournalHead.objects.bulk_create([JournalHead(pk=account_id)], ignore_conflicts=True)
        head = _read_locked(account_id)
    if head is None:
        raise LookupError(f"account {account_id} has no journal head")
    return head


def _read_locked(account_id: int) -> Head | None:
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"{_HEAD_SQL}{lock}", [account_id])
        row = cursor.fetchone()
    return Head(account_id, *row) if row is not None else None


class Appender:
    """Collects the events of one transaction and writes them in one statement."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._rows: list[Event] = []
        self._stored: list[Stored] = []
        self._known: set[str] = set()
        self._asked: set[str] = set()

    def expect(self, dedup_keys: Sequence[str]) -> None:
        """Look up many dedup keys with one query before they are added one by one."""
        missing = [key for key in dedup_keys if key not in self._asked]
        if missing:
            marks = ", ".join(["%s"] * len(missing))
            with connection.cursor() as cursor:
                cursor.execute(f"{_KNOWN_SQL} ({marks})", missing)
                self._known.update(key for (key,) in cursor)
            self._asked.update(missing)

    def is_known(self, dedup_key: str) -> bool:
        """Whether an event with this key is journalled or waits to be."""
        self.expect([dedup_key])
        return dedup_key in self._known

    def add(self, draft: Draft, origin: Origin) -> Stored | None:
        """Give the event its place; None when its dedup key is known."""
        if draft.dedup_key is not None:
            if self.is_known(draft.dedup_key):
                return None
            self._known.add(draft.dedup_key)
        head = self._head
        head.seq += 1
        row = _row(head, draft, origin)
        head.hash = row.hash
        self._rows.append(row)
        stored = Stored(
            draft.event, head.account_id, head.seq, draft.occurred_at, origin.now, origin.actor
        )
        self._stored.append(stored)
        return stored

    def flush(self) -> list[Stored]:
        """Write everything; listeners are told on commit."""
        if not self._rows:
            return []
        sql.insert(self._rows)
        with connection.cursor() as cursor:
            cursor.execute(_MOVE_SQL, [self._head.seq, self._head.hash, self._head.account_id])
        stored, self._rows, self._stored = self._stored, [], []
        after_commit(partial(_announce, self._head.account_id, stored))
        return stored


def append(account_id: int, drafts: Sequence[Draft], origin: Origin) -> list[Stored]:
    """Lock the account and write the drafts that are new. Returns what was written."""
    appender = Appender(lock_head(account_id))
    for draft in drafts:
        appender.add(draft, origin)
    return appender.flush()


def _announce(account_id: int, stored: Sequence[Stored]) -> None:
    for listener in _listeners:
        listener(account_id, stored)


def _row(head: Head, draft: Draft, origin: Origin) -> Event:
    name = type(draft.event).__name__
    row = Event(
        account_id=head.account_id,
        seq=head.seq,
        type=name,
        version=codec.VERSIONS[name],
        payload=codec.encode(draft.event),
        dedup_key=draft.dedup_key,
        actor=origin.actor,
        source=origin.source,
        correlation_id=origin.correlation_id,
        causation_id=origin.causation_id,
        occurred_at=draft.occurred_at,
        recorded_at=origin.now,
        previous_hash=head.hash,
    )
    row.hash = chain_hash(row)
    return row


def chain_hash(row: Event) -> str:
    """SHA-256 over the previous hash and every field of the row, in canonical JSON."""
    body = json.dumps(
        [
            row.previous_hash,
            row.account_id,
            row.seq,
            row.type,
            row.version,
            row.payload,
            row.dedup_key,
            row.actor,
            str(row.source),
            str(row.correlation_id),
            str(row.causation_id),
            row.occurred_at.isoformat(),
            row.recorded_at.isoformat(),
        ],
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(body.encode()).hexdigest()


def read(account_id: int, *, after_seq: int = 0) -> Iterator[Stored]:
    """Events of one account in order, decoded; streams, so that millions fit."""
    rows = Event.objects.filter(account_id=account_id, seq__gt=after_seq).order_by("seq")
    for row in rows.values_list(
        "type", "version", "payload", "seq", "occurred_at", "recorded_at", "actor"
    ).iterator(chunk_size=2000):
        name, version, payload, seq, occurred_at, recorded_at, actor = row
        event = codec.decode_event(name, version, payload)
        yield Stored(event, account_id, seq, occurred_at, recorded_at, actor)


def first_broken_link(account_id: int) -> int | None:
    """Sequence number of the first event whose hash or place does not fit; None when all do."""
    previous, expected_seq = NO_HASH, 1
    rows: Any = Event.objects.filter(account_id=account_id).order_by("seq")
    for row in rows.iterator(chunk_size=2000):
        if row.seq != expected_seq or row.previous_hash != previous or row.hash != chain_hash(row):
            return int(row.seq)
        previous, expected_seq = row.hash, expected_seq + 1
    return None
