"""Write down what a run found: drifts, the run itself, and events; nothing when nothing changed."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tradeops.domain.enums import Source
from tradeops.domain.events import ReconciliationPerformed
from tradeops.engine.ingest import ingest, record
from tradeops.journal.event_store import lock_head
from tradeops.kit.db import write_transaction
from tradeops.reconcile import selectors
from tradeops.reconcile.domain.hysteresis import DriftStatus
from tradeops.reconcile.domain.sides import DriftKind, Mismatch, symbol_of
from tradeops.reconcile.models import ReconcileRun
from tradeops.reconcile.services.drift_book import ACTOR, DriftBook

_ERROR_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """One comparison. `healed` counts journalled events, `drifts` what stays open in its scope.

    `unread` are symbols with fills that the next comparison must book.
    """

    run_id: uuid.UUID
    account_id: int
    scope: str
    trigger: str
    started_at: datetime
    finished_at: datetime
    healed: int = 0
    drifts: int = 0
    new_drifts: int = 0
    error: str = ""
    unread: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Findings:
    """What a complete run says.

    Drifts of `kinds` that it neither found nor left open are over; where it looked at some symbols
    only, `symbols` names them, and drifts of others are none of its business.
    """

    kinds: Collection[DriftKind]
    mismatches: Sequence[Mismatch]
    undecided: Collection[tuple[DriftKind, str]]
    symbols: Collection[str] | None = None

    def covers(self, kind: DriftKind, subject: str) -> bool:
        """Whether the run has looked at this."""
        if (kind, subject) in self.undecided:
            return False
        symbol = symbol_of(kind, subject)
        is_narrow = self.symbols is not None and kind is not DriftKind.POSITION
        return not is_narrow or symbol in (self.symbols or ())


def write_down(result: ReconcileResult, findings: Findings, *, asked_for: bool) -> ReconcileResult:
    """Update drifts and journal the run in one transaction; returns the result with its counts.

    A run that healed nothing and found nothing new leaves neither row nor event (I18), unless a
    person asked for it.
    """
    recovered = _newest_run_failed(result)
    account_id = result.account_id
    worth_a_look = result.healed or findings.mismatches or asked_for or recovered
    if not worth_a_look and not selectors.unresolved(account_id, findings.kinds):
        return result
    now = result.finished_at
    book = DriftBook(account_id, now)
    with write_transaction():
        lock_head(account_id)  # two runs at once must not both find a drift new
        rows = selectors.unresolved(account_id, findings.kinds)
        seen = {(item.kind, item.subject): item for item in findings.mismatches}
        for key, mismatch in seen.items():
            # A row that has moved since it was read is no sighting (F43).
            if selectors.changed_at(account_id, mismatch) == mismatch.local_at:
                book.differs(rows.get(key), mismatch)
        for key, row in rows.items():
            if key not in seen and findings.covers(*key):
                book.agrees(row)
        counted = replace(result, drifts=_open_count(account_id, findings), new_drifts=book.opened)
        events = book.events
        if counted.healed or events or book.ended or asked_for or recovered:
            _save_run(counted)
        if counted.healed or book.opened or asked_for:
            run = ReconciliationPerformed(
                counted.run_id, counted.scope, counted.healed, counted.drifts
            )
            events = [*events, run]
        if events:
            record(account_id, events, source=Source.REST, actor=ACTOR, now=now)
        if book.remedies:
            ingest(account_id, book.remedies, source=Source.REST, actor=ACTOR, now=now)
        book.sync_holds()
    return counted


def _open_count(account_id: int, findings: Findings) -> int:
    rows = selectors.unresolved(account_id, findings.kinds).values()
    return sum(row.status == DriftStatus.OPEN for row in rows)


def _newest_run(result: ReconcileResult) -> ReconcileRun | None:
    runs = ReconcileRun.objects.filter(account_id=result.account_id, scope=result.scope)
    return runs.order_by("-started_at").first()


def _newest_run_failed(result: ReconcileResult) -> bool:
    newest = _newest_run(result)
    return newest is not None and bool(newest.error)


def write_failure(result: ReconcileResult) -> None:
    """Keep the failed run; while the same failure lasts its one row moves on. Makes no event."""
    with write_transaction():
        newest = _newest_run(result)
        error = result.error[:_ERROR_LENGTH]
        if newest is not None and newest.error == error:
            newest.finished_at = result.finished_at
            newest.save(update_fields=["finished_at"])
        else:
            _save_run(result)


def _save_run(result: ReconcileResult) -> None:
    ReconcileRun(
        id=result.run_id,
        account_id=result.account_id,
        scope=result.scope,
        trigger=result.trigger,
        started_at=result.started_at,
        finished_at=result.finished_at,
        healed=result.healed,
        drifts=result.drifts,
        error=result.error[:_ERROR_LENGTH],
    ).save(force_insert=True)
