"""Write down what a run found: drifts, the run itself, and events; nothing when nothing changed."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tradeops.domain.enums import Source
from tradeops.domain.events import DomainEvent, DriftDetected, ReconciliationPerformed
from tradeops.engine.ingest import record
from tradeops.journal.event_store import lock_head
from tradeops.kit.db import write_transaction
from tradeops.reconcile.domain.sides import DriftKind, Mismatch, drift_id
from tradeops.reconcile.models import Drift, ReconcileRun

ACTOR = "reconcile"
_ERROR_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ReconcileResult:
    """One comparison. `healed` counts journalled events, `drifts` what stays open in its scope."""

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


@dataclass(frozen=True, slots=True)
class Findings:
    """What a complete run says. Drifts of `kinds` that it neither found nor left open are over."""

    kinds: Collection[DriftKind]
    mismatches: Sequence[Mismatch]
    undecided: Collection[tuple[DriftKind, str]]


def write_down(result: ReconcileResult, findings: Findings, *, asked_for: bool) -> ReconcileResult:
    """Update drifts and journal the run in one transaction; returns the result with its counts.

    A run that healed nothing and found nothing new leaves neither row nor event (I18), unless a
    person asked for it.
    """
    recovered = _newest_run_failed(result)
    worth_a_look = result.healed or findings.mismatches or asked_for or recovered
    if not worth_a_look and not _open_drifts(result, findings):
        return result
    now = result.finished_at
    with write_transaction():
        lock_head(result.account_id)  # two runs at once must not both find a drift new
        open_rows = _open_drifts(result, findings)
        seen = {(item.kind, item.subject): item for item in findings.mismatches}
        events: list[DomainEvent] = []
        for key, mismatch in seen.items():
            if key in open_rows:
                _see_again(open_rows[key], mismatch, now)
            else:
                events.append(_new_drift(result.account_id, mismatch, now))
        over = open_rows.keys() - seen.keys() - set(findings.undecided)
        for key in over:
            open_rows[key].resolved_at = now
            open_rows[key].save(update_fields=["resolved_at"])
        counted = replace(
            result, drifts=len(open_rows) - len(over) + len(events), new_drifts=len(events)
        )
        if counted.healed or events or over or asked_for or recovered:
            _save_run(counted)
        if counted.healed or events or asked_for:
            events.append(
                ReconciliationPerformed(
                    counted.run_id, counted.scope, counted.healed, counted.drifts
                )
            )
            record(result.account_id, events, source=Source.REST, actor=ACTOR, now=now)
    return counted


def _open_drifts(result: ReconcileResult, findings: Findings) -> dict[tuple[DriftKind, str], Drift]:
    rows = Drift.objects.filter(
        account_id=result.account_id, resolved_at=None, kind__in=list(findings.kinds)
    )
    return {(DriftKind(row.kind), row.subject): row for row in rows}


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


def _see_again(row: Drift, mismatch: Mismatch, now: datetime) -> None:
    row.local, row.venue = dict(mismatch.local), dict(mismatch.venue)
    row.last_seen_at = now
    row.seen += 1
    row.save(update_fields=["local", "venue", "last_seen_at", "seen"])


def _new_drift(account_id: int, mismatch: Mismatch, now: datetime) -> DriftDetected:
    row = Drift(
        id=drift_id(account_id, mismatch, now),
        account_id=account_id,
        kind=mismatch.kind,
        subject=mismatch.subject,
        local=dict(mismatch.local),
        venue=dict(mismatch.venue),
        first_seen_at=now,
        last_seen_at=now,
    )
    row.save(force_insert=True)
    return DriftDetected(row.pk, row.kind, row.subject, row.local, row.venue)


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
