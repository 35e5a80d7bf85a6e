"""The life of a command: enqueue, claim, complete, wait (D1, D2).

Every transition is a compare-and-swap that must hit exactly one row; a Celery message only carries
an id, and losing or repeating it changes nothing.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import IntegrityError, connection
from kombu.exceptions import OperationalError

from tradeops.domain.commands import CommandStatus, DomainCommand
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import CommandCompleted, CommandSubmitted
from tradeops.journal import codec
from tradeops.journal.domain.lanes import lane_of, opens
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.journal.locks import await_turn, next_waiting, swap
from tradeops.journal.models import Command
from tradeops.kit import safe_mode, sql
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import after_commit, write_transaction
from tradeops.kit.wakeups import hub

logger = logging.getLogger(__name__)

EXECUTE_TASK = "tradeops.engine.tasks.execute_command"
ORDERS_QUEUE = "orders"
CLAIM_TTL = timedelta(seconds=15)
FIRST_QUERY_AFTER = timedelta(seconds=5)
LANE_LOOKS = 4
POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks and through which door; `principal` scopes idempotency keys."""

    principal: str
    source: Source
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Idempotency:
    """`request_hash` is the SHA-256 of the canonical request body."""

    key: str
    route: str = ""
    request_hash: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a command until `until`; `token` fences out whoever had it before."""

    command: Command
    worker: str
    token: int
    until: datetime


def enqueue(
    command: DomainCommand,
    *,
    account_id: int,
    command_id: UUID,
    asker: Asker,
    now: datetime,
    idempotency: Idempotency | None = None,
    expires_at: datetime | None = None,
) -> tuple[Command, bool]:
    """Write Command(NEW) and CommandSubmitted in one transaction; hint the worker on commit.

    Returns the row and whether it is new. A known key with the same request returns the first row.

    Raises:
        TradeOpsError: IDEMPOTENCY_CONFLICT when the key was used for another request.

    Source: reliability.md §4 "Send protocol" TX1.
    """
    idempotency = idempotency or Idempotency(key=str(command_id))
    payload = codec.encode(command)
    kind, symbol = type(command).__name__, payload.get("symbol") or ""
    row = Command(
        id=command_id,
        account_id=account_id,
        kind=kind,
        symbol=symbol,
        payload=payload,
        lane=lane_of(account_id, kind, symbol),
        opens=opens(kind, payload),
        principal=asker.principal,
        source=asker.source,
        request_id=asker.request_id,
        created_at=now,
        expires_at=expires_at,
        idempotency_route=idempotency.route,
        idempotency_key=idempotency.key,
        request_hash=idempotency.request_hash,
    )
    try:
        with write_transaction():
            sql.insert([row])
            submitted = CommandSubmitted(command_id, row.kind, row.payload)
            append(
                account_id,
                [Draft(submitted, now)],
                Origin(asker.principal, asker.source, now, command_id, command_id),
            )
            after_commit(partial(publish_hint, command_id))
    except IntegrityError:
        return _known(row), False
    return row, True


def _known(row: Command) -> Command:
    known = Command.objects.get(
        principal=row.principal,
        idempotency_route=row.idempotency_route,
        idempotency_key=row.idempotency_key,
    )
    if known.request_hash != row.request_hash:
        raise TradeOpsError(
            ErrorCode.IDEMPOTENCY_CONFLICT,
            "This idempotency key was used for another request.",
            details={"command_id": str(known.pk)},
        )
    return known


def _row(command_id: UUID) -> Command:
    command = sql.by_pk(Command, command_id)
    if command is None:
        raise Command.DoesNotExist(command_id)
    return command


def publish_hint(command_id: UUID) -> None:
    """Tell a worker that a command waits. A broker that is down is left to the sweeper (D1)."""
    try:
        current_app.send_task(
            EXECUTE_TASK, kwargs={"command_id": str(command_id)}, queue=ORDERS_QUEUE
        )
    except (OperationalError, OSError) as error:
        logger.warning("hint for %s not published: %s", command_id, type(error).__name__)


def claim(command_id: UUID, *, worker: str, now: datetime) -> Claim | None:
    """Swap the command to `worker`.

    None when it is not NEW, somebody else holds it, or its turn in its lane has not come: then
    whoever leaves the lane hints it again. None as well while this process is SAFE by something
    that keeps it from recording what it does, or by another build's database.
    """
    if safe_mode.stopped_by() is not None:
        return None
    noted = False
    for _ in range(LANE_LOOKS):
        try:
            with write_transaction():
                if swap(command_id, worker=worker, now=now, until=now + CLAIM_TTL):
                    command = _row(command_id)
                    return Claim(command, worker, command.claim_token, now + CLAIM_TTL)
                if noted or not await_turn(command_id, now=now):
                    return None
                noted = True  # who held the lane may have left it before this was to be read
        except IntegrityError:
            continue  # another one of its lane was quicker
    return None


def hint_next(lane: str, now: datetime) -> None:
    """Tell a worker of the one in this lane that waits and may start now, if there is one."""
    waiting = next_waiting(lane, now)
    if waiting is not None:
        publish_hint(waiting)


def fence(held: Claim) -> None:
    """Make sure, in the caller's transaction, that this claim is the last one (I11).

    Raises:
        LostClaim: another worker has taken the command over, or it has ended.
    """
    current = Command.objects.filter(
        pk=held.command.pk,
        claim_token=held.token,
        status__in=[CommandStatus.NEW, CommandStatus.SENT],
    )
    if not current.exists():
        raise LostClaim(str(held.command.pk))


def mark_sent(held: Claim, *, now: datetime, verdicts: list[dict[str, Any]]) -> None:
    """NEW → SENT under the fence, in the caller's transaction (TX2).

    Raises:
        LostClaim: another worker took the command meanwhile; the caller must not send.
    """
    won = Command.objects.filter(
        pk=held.command.pk,
        status=CommandStatus.NEW,
        claim_token=held.token,
        claimed_by=held.worker,
    ).update(status=CommandStatus.SENT, sent_at=now, verdicts=verdicts)
    if won != 1:
        raise LostClaim(str(held.command.pk))
    held.command.sent_at = now


def mark_unknown(command: Command, *, now: datetime, next_query_at: datetime) -> bool:
    """Flag a SENT command whose outcome nobody knows, and let the next of its lane start.

    False when it is terminal by now, or somebody else has claimed it since `command` was read.
    """
    if command.sent_at is not None:  # the first query is due 5 s after sending, not after giving up
        next_query_at = max(now, min(next_query_at, command.sent_at + FIRST_QUERY_AFTER))
    won = Command.objects.filter(
        pk=command.pk, status=CommandStatus.SENT, claim_token=command.claim_token
    ).update(outcome_unknown=True, next_query_at=next_query_at, holds_lane=False)
    if won == 1:
        _leave_lane(command, now)
    return won == 1


def reserve_query(command: Command, *, now: datetime, next_query_at: datetime) -> bool:
    """Count a query about a SENT command, by compare-and-swap between sweepers; True to the winner.

    What is asked about is unknown, whoever sent it and did not live to say so.
    """
    with write_transaction():
        won = Command.objects.filter(
            pk=command.pk, status=CommandStatus.SENT, queries=command.queries
        ).update(
            queries=command.queries + 1,
            next_query_at=next_query_at,
            outcome_unknown=True,
            holds_lane=False,
        )
        if won == 1 and not command.outcome_unknown:
            _leave_lane(command, now)
    return won == 1


def _leave_lane(command: Command, now: datetime) -> None:
    if command.lane is not None:
        after_commit(partial(hint_next, command.lane, now))


class LostClaim(Exception):
    """The fencing token is old."""


def completed(
    command: Command,
    status: CommandStatus,
    *,
    now: datetime,
    code: str = "",
    detail: str = "",
    exchange_code: int = 0,
    result: dict[str, Any] | None = None,
    verdicts: list[dict[str, Any]] | None = None,
    next_query_at: datetime | None = None,
) -> Draft | None:
    """Make the command terminal in the caller's transaction, and let the next of its lane start.

    `next_query_at` keeps what was LOST on the watch list.

    Returns the event to append, or None when it was terminal already (terminal never changes, I12)
    or somebody else has claimed it since `command` was read (I11).
    """
    changes: dict[str, Any] = {
        "status": status,
        "completed_at": now,
        "code": code,
        "detail": detail,
        "exchange_code": exchange_code,
        "outcome_unknown": False,
        "holds_lane": False,
        "next_query_at": next_query_at,
    }
    if result is not None:
        changes["result"] = result
    if verdicts is not None:
        changes["verdicts"] = verdicts
    won = Command.objects.filter(
        pk=command.pk,
        status__in=[CommandStatus.NEW, CommandStatus.SENT],
        claim_token=command.claim_token,
    ).update(**changes)
    if won != 1:
        return None
    _leave_lane(command, now)
    return Draft(CommandCompleted(command.pk, command.kind, status, code, detail), now)


def _has_ended(command_id: UUID) -> bool:
    status = sql.column(Command, "status", command_id)
    return status in (CommandStatus.ACK, CommandStatus.FAILED)


def _return_connection() -> None:
    """Who waits must not keep one of PostgreSQL's pooled connections."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.close()


def wait(
    command_id: UUID,
    *,
    timeout_s: float,
    done: Callable[[Command], bool] = lambda command: command.is_terminal,
) -> Command:
    """The command once it has ended and `done` says so, or as it is when the time is over."""
    monitor = hub()
    key = str(command_id)
    woken = monitor.register(key)
    deadline = SYSTEM_CLOCK.monotonic_s() + timeout_s
    try:
        while True:
            woken.clear()
            remaining = deadline - SYSTEM_CLOCK.monotonic_s()
            if remaining <= 0 or _has_ended(command_id):
                command = _row(command_id)
                # Asked even when the time is over: it may have ended at that moment.
                if done(command) or remaining <= 0:
                    return command
            _return_connection()
            woken.wait(min(POLL_S, remaining))
    finally:
        monitor.unregister(key, woken)
