"""Commands and events as the API gives them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ninja import Schema

from tradeops.journal.models import Command, Event


class CommandOut(Schema):
    """What was asked, and what became of it."""

    id: UUID
    account_id: int
    kind: str
    symbol: str
    payload: dict[str, Any]
    status: str
    outcome_unknown: bool
    principal: str
    source: str
    request_id: str
    created_at: datetime
    expires_at: datetime | None
    sent_at: datetime | None
    completed_at: datetime | None
    code: str
    detail: str
    exchange_code: int
    gates: list[dict[str, Any]]
    result: dict[str, Any]

    @classmethod
    def of(cls, command: Command) -> "CommandOut":
        """The row for the outside."""
        return cls(
            id=command.pk,
            account_id=command.account_id,
            kind=command.kind,
            symbol=command.symbol,
            payload=command.payload,
            status=command.status,
            outcome_unknown=command.outcome_unknown,
            principal=command.principal,
            source=command.source,
            request_id=command.request_id,
            created_at=command.created_at,
            expires_at=command.expires_at,
            sent_at=command.sent_at,
            completed_at=command.completed_at,
            code=command.code,
            detail=command.detail,
            exchange_code=command.exchange_code,
            gates=command.verdicts,
            result=command.result,
        )


class CommandAnswer(Schema):
    """Taken, or taken but not finished yet: `code` OUTCOME_UNKNOWN while the venue owes a word."""

    command: CommandOut
    code: str = ""


class EventOut(Schema):
    """One fact of an account's journal."""

    account_id: int
    seq: int
    type: str
    data: dict[str, Any]
    actor: str
    source: str
    correlation_id: UUID | None
    causation_id: UUID | None
    occurred_at: datetime
    recorded_at: datetime
    hash: str

    @classmethod
    def of(cls, event: Event) -> "EventOut":
        """The row for the outside."""
        return cls(
            account_id=event.account_id,
            seq=event.seq,
            type=event.type,
            data=event.payload,
            actor=event.actor,
            source=event.source,
            correlation_id=event.correlation_id,
            causation_id=event.causation_id,
            occurred_at=event.occurred_at,
            recorded_at=event.recorded_at,
            hash=event.hash,
        )


class EventPage(Schema):
    """In the order of `seq`; `next` goes into `after`, null when nothing follows."""

    items: list[EventOut]
    next: int | None
