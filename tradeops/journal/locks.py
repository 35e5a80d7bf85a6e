"""Who may do what to a command: the swap that claims it, its lane (F79), and its watch.

What may start is NEW, held by nobody, nobody else of its lane is at work, and no older one stands
before it. An opening waits for unknown outcomes in its lane until it expires, and keeps nobody else
waiting meanwhile; nor does one that has expired, for it will not be sent: an exit must not stand
behind a backlog of them. Of two that start at the same moment the unique index admits one.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from tradeops.domain.commands import CommandStatus
from tradeops.journal.domain.lanes import OPENING_TTL
from tradeops.journal.models import Command
from tradeops.kit import sql
from tradeops.kit.db import write_transaction

# No claim reaches further than a minute: one that seems to was made before the clock was set back.
_FARTHEST = timedelta(minutes=1)
_FREE = "status = 'NEW' AND (claimed_until IS NULL OR claimed_until <= %s OR claimed_until > %s)"
_UNKNOWN = (
    "EXISTS (SELECT 1 FROM journal_command AS u WHERE u.status = 'SENT' AND u.outcome_unknown "
    "AND u.lane = journal_command.lane)"
)
_STARTABLE = (
    f"{_FREE} AND (lane IS NULL OR ("  # noqa: S608 – constants of this module
    "NOT EXISTS (SELECT 1 FROM journal_command AS h WHERE h.holds_lane "
    "AND h.lane = journal_command.lane AND h.id <> journal_command.id) "
    "AND NOT EXISTS (SELECT 1 FROM journal_command AS o WHERE o.status = 'NEW' "
    "AND o.created_at < journal_command.created_at AND o.lane = journal_command.lane "
    f"AND NOT (o.opens AND (o.created_at < %s OR {_UNKNOWN}))) "
    f"AND NOT (opens AND created_at >= %s AND {_UNKNOWN})))"
)
# Oldest first, but what only remains to be refused comes last.
_ORDER = "ORDER BY CASE WHEN opens AND created_at < %s THEN 1 ELSE 0 END, created_at"
_SWAP_SQL = (
    "UPDATE journal_command SET claimed_by = %s, claimed_until = %s, "  # noqa: S608 – as above
    "claim_token = claim_token + 1, attempts = attempts + 1, "
    "holds_lane = (lane IS NOT NULL), awaits_lane = FALSE "
    f"WHERE id = %s AND {_STARTABLE}"
)
_AWAIT_SQL = (
    "UPDATE journal_command SET awaits_lane = TRUE "  # noqa: S608 – as above
    f"WHERE id = %s AND lane IS NOT NULL AND {_FREE}"
)


def swap(command_id: UUID, *, worker: str, now: datetime, until: datetime) -> bool:
    """Give the command to `worker` until `until`, in the caller's transaction; False when it may
    not start.

    Raises:
        IntegrityError: another one of its lane started at this moment.
    """
    values = [worker, _value("claimed_until", until), _value("id", command_id)]
    with connection.cursor() as cursor:
        cursor.execute(_SWAP_SQL, [*values, *_at(now)])
        return bool(cursor.rowcount == 1)


def await_turn(command_id: UUID, *, now: datetime) -> bool:
    """Note that the command waits for its turn in its lane; False when it waits for nothing."""
    values = [_value("id", command_id), *_free_at(now)]
    with connection.cursor() as cursor:
        cursor.execute(_AWAIT_SQL, values)
        return bool(cursor.rowcount == 1)


def startable(now: datetime, *, created_before: datetime, limit: int) -> list[Command]:
    """Commands that a worker could claim now, oldest first, expired openings last."""
    return sql.fetch(
        Command,
        f"created_at < %s AND {_STARTABLE} {_ORDER} LIMIT {limit:d}",
        [_value("created_at", created_before), *_at(now), _fresh(now)],
    )


def next_waiting(lane: str, now: datetime) -> UUID | None:
    """The oldest of the lane that was turned away and may start now."""
    found = sql.fetch(
        Command,
        f"lane = %s AND awaits_lane AND {_STARTABLE} {_ORDER} LIMIT 1",
        [lane, *_at(now), _fresh(now)],
    )
    return found[0].pk if found else None


def note_adopted(command_id: UUID, result: dict[str, Any], *, now: datetime) -> None:
    """Tell with a FAILED command that its order exists after all, and have it looked after now.

    Its status stays: terminal never changes (I12).
    """
    Command.objects.filter(pk=command_id, status=CommandStatus.FAILED).update(
        result=result, next_query_at=now
    )


def look_again(command: Command, *, next_query_at: datetime | None) -> bool:
    """Set when a watched FAILED command is looked after next, by compare-and-swap; None ends it."""
    with write_transaction():
        won = Command.objects.filter(
            pk=command.pk, status=CommandStatus.FAILED, next_query_at=command.next_query_at
        ).update(next_query_at=next_query_at)
    return won == 1


def _free_at(now: datetime) -> list[Any]:
    return [_value("claimed_until", now), _value("claimed_until", now + _FARTHEST)]


def _at(now: datetime) -> list[Any]:
    return [*_free_at(now), _fresh(now), _fresh(now)]


def _fresh(now: datetime) -> str | datetime | UUID:
    """What was asked for before this moment has expired, if it opens."""
    return _value("created_at", now - OPENING_TTL)


def _value(name: str, value: datetime | UUID | str) -> str | datetime | UUID:
    """As the database takes it."""
    field: Any = Command._meta.get_field(name)
    prepared: str | datetime | UUID = field.get_db_prep_value(value, connection)
    return prepared
