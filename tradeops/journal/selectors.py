"""Reads of the journal for people and programs."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from tradeops.domain.commands import CommandStatus
from tradeops.journal.models import Command, Event

OVERDUE_AFTER = timedelta(seconds=120)
UNQUERIED_AFTER = timedelta(seconds=6)
FORGOTTEN_AFTER = timedelta(seconds=60)


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


def overdue_commands(now: datetime) -> QuerySet[Command]:
    """Commands that are open for more than 120 s: each needs an alarm (I9)."""
    since = now - OVERDUE_AFTER
    sent = Q(status=CommandStatus.SENT, sent_at__lt=since)
    return Command.objects.filter(sent | Q(status=CommandStatus.NEW, created_at__lt=since))


def unqueried_commands(now: datetime) -> QuerySet[Command]:
    """Commands that are SENT for more than 6 s and were not asked about: there should be none (I9).

    Once asked about, one must be due again within a minute.
    """
    never = Q(queries=0, sent_at__lt=now - UNQUERIED_AFTER)
    forgotten = Q(next_query_at__lt=now - FORGOTTEN_AFTER)
    return Command.objects.filter(never | forgotten, status=CommandStatus.SENT)
