"""Drift rows, step by step: what each look at a difference writes (hysteresis, evidence, holds).

Everything here runs inside the transaction of a run, under the account lock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from risk.domain.holds import HoldKind, hold_scope
from tradeops.domain.events import DomainEvent, DriftDetected, DriftResolved
from tradeops.engine.holds import lift_hold, place_hold
from tradeops.exchange.reports import Report
from tradeops.reconcile import selectors
from tradeops.reconcile.domain import hysteresis
from tradeops.reconcile.domain.hysteresis import DriftStatus, Standing, Step
from tradeops.reconcile.domain.sides import DriftKind, Mismatch, drift_id, symbol_of
from tradeops.reconcile.models import HEALED, Drift

ACTOR = "reconcile"
READS_KEPT = 6


@dataclass(slots=True)
class DriftBook:
    """The differences of one account while a run is written down."""

    account_id: int
    now: datetime
    events: list[DomainEvent] = field(default_factory=list)
    remedies: list[Report] = field(default_factory=list)
    opened: int = 0
    ended: int = 0
    touched: set[str] = field(default_factory=set)

    def differs(self, row: Drift | None, mismatch: Mismatch) -> None:
        """One more sighting."""
        standing = None if row is None else standing_of(row)
        step = hysteresis.differs(standing, mismatch.local, mismatch.venue, now=self.now)
        if step is Step.NOTHING:
            return
        self.touched.add(symbol_of(mismatch.kind, mismatch.subject))
        if step is Step.SUSPECT_ANEW and row is not None:
            self._end(row, row.decision, "a side has changed")
        if row is None or step in (Step.SUSPECT, Step.SUSPECT_ANEW):
            row = self._suspect(mismatch)
        else:
            self._see_again(row, mismatch)
        if step is Step.OPEN:
            self._open(row, mismatch)

    def agrees(self, row: Drift) -> None:
        """Both sides are the same now."""
        healed_lately = selectors.healed_lately(row, now=self.now)
        step = hysteresis.agrees(standing_of(row), healed_lately=healed_lately)
        if step is Step.NOTHING:
            return
        self.touched.add(symbol_of(DriftKind(row.kind), row.subject))
        if step is Step.FORGET:
            row.delete()
            self.ended += 1
        elif step is Step.CALL_A_PERSON:
            row.needs_human = True
            row.save(update_fields=["needs_human"])
        else:
            self._end(row, row.decision or HEALED, "both sides agree")

    def sync_holds(self) -> None:
        """Hold openings of disputed symbols back, admit those of the others; both idempotent."""
        sync_holds(self.account_id, self.touched, now=self.now)

    def _suspect(self, mismatch: Mismatch) -> Drift:
        row = Drift(
            id=drift_id(self.account_id, mismatch, self.now),
            account_id=self.account_id,
            kind=mismatch.kind,
            subject=mismatch.subject,
            local=dict(mismatch.local),
            venue=dict(mismatch.venue),
            status=DriftStatus.SUSPECTED.value,
            first_seen_at=self.now,
            last_seen_at=self.now,
            evidence={"reads": [_read(mismatch, self.now)]},
        )
        row.save(force_insert=True)
        return row

    def _see_again(self, row: Drift, mismatch: Mismatch) -> None:
        row.local, row.venue = dict(mismatch.local), dict(mismatch.venue)
        row.last_seen_at = self.now
        row.seen += 1
        reads = [*row.evidence.get("reads", []), _read(mismatch, self.now)]
        # The first sighting and the newest ones: how it began, and how it is.
        row.evidence = {**row.evidence, "reads": reads[:1] + reads[1:][1 - READS_KEPT :]}
        row.save(update_fields=["local", "venue", "last_seen_at", "seen", "evidence"])

    def _open(self, row: Drift, mismatch: Mismatch) -> None:
        row.status = DriftStatus.OPEN.value
        symbol = symbol_of(mismatch.kind, mismatch.subject)
        row.evidence = {**row.evidence, **selectors.evidence_of(self.account_id, symbol)}
        row.save(update_fields=["status", "evidence"])
        self.opened += 1
        self.events.append(DriftDetected(row.pk, row.kind, row.subject, row.local, row.venue))
        if mismatch.remedy is not None:
            self.remedies.append(mismatch.remedy)
            self._end(row, HEALED, "the venue said so often enough")

    def _end(self, row: Drift, decision: str, reason: str) -> None:
        end_row(row, decision, reason, now=self.now)
        self.ended += 1
        self.events.append(DriftResolved(row.pk, row.kind, row.subject, decision, reason))


def end_row(row: Drift, decision: str, reason: str, *, now: datetime, by: str = ACTOR) -> None:
    """The difference is over; who has decided something before keeps the word."""
    row.status, row.resolved_at = DriftStatus.RESOLVED.value, now
    fields = ["status", "resolved_at"]
    if by != ACTOR or not row.decision:
        row.decision, row.reason, row.decided_by, row.decided_at = decision, reason[:200], by, now
        fields += ["decision", "reason", "decided_by", "decided_at"]
    row.save(update_fields=fields)


def sync_holds(account_id: int, symbols: Iterable[str], *, now: datetime) -> None:
    """Bring the quarantine of these symbols to what the account's drifts say (R1.6)."""
    wanted = selectors.disputed_symbols(account_id)
    for symbol in sorted(set(symbols) - {""}):
        scope = hold_scope(HoldKind.QUARANTINE, account_id, symbol)
        if symbol in wanted:
            reason = "this side and the venue differ"
            place_hold(account_id, scope, reason, actor=ACTOR, now=now)
        else:
            lift_hold(account_id, scope, "no difference is left undecided", actor=ACTOR, now=now)


def standing_of(row: Drift) -> Standing:
    """The row as the rules want it."""
    return Standing(
        DriftStatus(row.status),
        row.first_seen_at,
        row.seen,
        row.local,
        row.venue,
        row.needs_human,
    )


def _read(mismatch: Mismatch, now: datetime) -> dict[str, Any]:
    return {
        "at": now.isoformat(),
        "local": dict(mismatch.local),
        "local_at": mismatch.local_at.isoformat() if mismatch.local_at else None,
        "venue": dict(mismatch.venue),
    }
