"""Append to and read the journal. Only inside `write_transaction`, with the account's head locked."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tradeops.domain.enums import Source
from tradeops.domain.events import DomainEvent
from tradeops.journal import codec
from tradeops.journal.models import Event, JournalHead


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


def lock_head(account_id: int) -> JournalHead:
    """Lock the account until the transaction ends; creates its chain on first use."""
    head = JournalHead.objects.select_for_update().filter(pk=account_id).first()
    if head is None:
        JournalHead.objects.bulk_create([JournalHead(pk=account_id)], ignore_conflicts=True)
        head = JournalHead.objects.select_for_update().get(pk=account_id)
    return head


def append(head: JournalHead, drafts: Sequence[Draft], origin: Origin) -> list[Stored]:
    """Write the drafts that are new, in order, and move the head. Returns what was written."""
    fresh = _without_known(drafts)
    if not fresh:
        return []
    rows, stored = [], []
    for draft in fresh:
        head.seq += 1
        row = _row(head, draft, origin)
        head.hash = row.hash
        rows.append(row)
        stored.append(
            Stored(
                draft.event, head.pk, head.seq, draft.occurred_at, origin.now, origin.actor
            )
        )
    Event.objects.bulk_create(rows)
    head.save(update_fields=["seq", "hash"])
    return stored


def _without_known(drafts: Sequence[Draft]) -> list[Draft]:
    keys = [draft.dedup_key for draft in drafts if draft.dedup_key is not None]
    known = (
        set(Event.objects.filter(dedup_key__in=keys).values_list("dedup_key", flat=True))
        if keys
        else set()
    )
    fresh = []
    for draft in drafts:
        if draft.dedup_key is not None:
            if draft.dedup_key in known:
                continue
            known.add(draft.dedup_key)
        fresh.append(draft)
    return fresh


def _row(head: JournalHead, draft: Draft, origin: Origin) -> Event:
    name = type(draft.event).__name__
    row = Event(
        account_id=head.pk,
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
    previous, expected_seq = "0" * 64, 1
    rows: Any = Event.objects.filter(account_id=account_id).order_by("seq")
    for row in rows.iterator(chunk_size=2000):
        if (
            row.seq != expected_seq
            or row.previous_hash != previous
            or row.hash != chain_hash(row)
        ):
            return int(row.seq)
        previous, expected_seq = row.hash, expected_seq + 1
    return None
