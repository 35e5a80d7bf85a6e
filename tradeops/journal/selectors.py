"""Reads of the journal for people and programs."""

from collections.abc import Sequence
from uuid import UUID

from tradeops.journal.models import Command, Event


def events_after(
    account_id: int,
    *,
    after: int,
    limit: int,
    kind: str | None = None,
    correlation_id: UUID | None = None,
) -> Sequence[Event]:
    """Up to `limit` events of one account with seq > `after`, in order."""
    rows = Event.objects.filter(account_id=account_id, seq__gt=after)
    if kind is not None:
        rows = rows.filter(type=kind)
    if correlation_id is not None:
        rows = rows.filter(correlation_id=correlation_id)
    return list(rows.order_by("seq")[:limit])


def events_of_command(command_id: UUID | None) -> Sequence[Event]:
    """Every event that a command led to, in order."""
    if command_id is None:
        return []
    return list(Event.objects.filter(correlation_id=command_id).order_by("account_id", "seq"))


def command_of(account_ids: frozenset[int] | None, command_id: UUID) -> Command | None:
    """One command, None when it is not there or for an account that is not theirs."""
    rows = Command.objects.filter(pk=command_id)
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    return rows.first()
