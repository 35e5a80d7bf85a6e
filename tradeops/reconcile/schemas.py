"""Drifts as the API gives them, and decisions as it takes them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from ninja import Schema
from pydantic import Field

from orders.schemas import AccountReference
from tradeops.domain.enums import DriftDecision
from tradeops.kit.fields import Reason, RequestSchema
from tradeops.kit.paging import DEFAULT_LIMIT, MAX_LIMIT
from tradeops.reconcile.domain.hysteresis import DriftStatus
from tradeops.reconcile.models import Drift


class DriftOut(Schema):
    """A difference between this side and the venue, with what was read when."""

    id: UUID
    account: str
    kind: str
    subject: str
    status: str
    needs_human: bool
    local: dict[str, Any]
    venue: dict[str, Any]
    evidence: dict[str, Any]
    seen: int
    first_seen_at: datetime
    last_seen_at: datetime
    resolved_at: datetime | None
    decision: str
    decided_by: str
    decided_at: datetime | None
    reason: str

    @classmethod
    def of(cls, row: Drift) -> "DriftOut":
        """The row for the outside."""
        return cls(
            id=row.pk,
            account=row.account.name,
            kind=row.kind,
            subject=row.subject,
            status=row.status,
            needs_human=row.needs_human,
            local=row.local,
            venue=row.venue,
            evidence=row.evidence,
            seen=row.seen,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
            resolved_at=row.resolved_at,
            decision=row.decision,
            decided_by=row.decided_by,
            decided_at=row.decided_at,
            reason=row.reason,
        )


class DriftPage(Schema):
    """Drifts, the newest sighting first; `next` is the cursor of the next page."""

    items: list[DriftOut]
    next: str | None = None


class DriftState(StrEnum):
    """Which drifts a list shows: `lasting` are those that are not over, ignored ones included."""

    LASTING = "lasting"
    SUSPECTED = "suspected"
    OPEN = "open"
    IGNORED = "ignored"
    RESOLVED = "resolved"
    ALL = "all"

    @property
    def statuses(self) -> tuple[DriftStatus, ...]:
        """The statuses that it stands for."""
        if self is DriftState.ALL:
            return tuple(DriftStatus)
        if self is DriftState.LASTING:
            return tuple(item for item in DriftStatus if item is not DriftStatus.RESOLVED)
        return (DriftStatus(self.value.upper()),)


class DriftFilter(Schema):
    """Which drifts, how many, from where on."""

    account: AccountReference | None = None
    status: DriftState = DriftState.LASTING
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=200)] = None


class DecisionIn(RequestSchema):
    """What to do about a drift, and why.

    adopt books what the venue says; ignore leaves it and admits openings until a side changes;
    flatten adopts and closes the position; rebuild derives the rows from the journal anew.
    """

    decision: DriftDecision
    reason: Reason
