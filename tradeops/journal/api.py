"""`/events` and `/commands/{id}`. The guard is the API's own: the scope read."""

from typing import Annotated
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.journal.models import JournalHead
from tradeops.journal.schemas import CommandOut, EventOut, EventPage
from tradeops.journal.selectors import command_of, events_after
from tradeops.kit.http import json_response, reader_of
from tradeops.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

router = Router(tags=["journal"])


class EventFilter(Schema):
    """Which part of which journal; account 0 is the desk as a whole."""

    account: Annotated[int | None, Field(ge=0, description="Id; the oldest journal if absent")] = (
        None
    )
    after: Annotated[int, Field(ge=0)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    type: Annotated[str | None, Field(pattern=r"^[A-Za-z]{1,40}$")] = None
    correlation_id: UUID | None = None


@router.get("/events", response=EventPage)
def list_events(request: HttpRequest, asked: Query[EventFilter]) -> HttpResponse:
    """Facts of one account in the order in which they were written."""
    account_id = _journal_of(reader_of(request).account_ids, asked.account)
    rows = events_after(
        account_id,
        after=asked.after,
        limit=asked.limit + 1,
        kind=asked.type,
        correlation_id=asked.correlation_id,
    )
    shown = rows[: asked.limit]
    following = shown[-1].seq if len(rows) > len(shown) else None
    return json_response(EventPage(items=[EventOut.of(row) for row in shown], next=following))


def _journal_of(account_ids: frozenset[int] | None, asked: int | None) -> int:
    heads = JournalHead.objects.order_by("pk")
    if account_ids is not None:
        heads = heads.filter(pk__in=account_ids)
    heads = heads.filter(pk=asked) if asked is not None else heads.filter(pk__gt=0)
    head = heads.first()
    if head is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such journal for you.")
    return head.pk


@router.get("/commands/{uuid:command_id}", response=CommandOut)
def get_command(request: HttpRequest, command_id: UUID) -> HttpResponse:
    """What was asked, and what became of it."""
    command = command_of(reader_of(request).account_ids, command_id)
    if command is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such command for you.")
    return json_response(CommandOut.of(command))
