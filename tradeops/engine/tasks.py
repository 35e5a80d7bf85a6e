"""Celery's way in; each task calls one function."""

import os
import socket
import uuid
from typing import Any

from celery import current_app, shared_task, signals
from celery.worker import WorkController

from accounts.services.exchange_open import blocking_port
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import Source
from tradeops.engine.control import BACKGROUND_QUEUE
from tradeops.engine.execute import execute
from tradeops.engine.ledger import account_ledger
from tradeops.engine.leverage import leverage_cache_counts
from tradeops.engine.rebuild import rebuild
from tradeops.engine.sweep import accounts_to_sweep, sweep_account, tidy
from tradeops.engine.work import finish
from tradeops.journal.event_store import Origin
from tradeops.journal.models import Command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.heartbeat import start_heartbeat
from tradeops.kit.portal import drive
from tradeops.market.cache import cache_counts

SWEEP_ACCOUNT_TASK = "tradeops.engine.tasks.sweep_account"
SWEEP_EXPIRES_S = 2
_under_way: set[int] = set()
WORKER = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@shared_task(name="tradeops.engine.tasks.execute_command")
def execute_command(*, command_id: str, **_kwargs: object) -> None:
    """Carry out one command (R1.2)."""
    drive(execute(uuid.UUID(command_id), port_of=blocking_port, clock=SYSTEM_CLOCK, worker=WORKER))


@shared_task(name="tradeops.engine.tasks.sweep")
def sweep_once(**_kwargs: object) -> None:
    """Look for what was forgotten, each second; the venue is asked in a task per account.

    So an account whose venue hangs keeps one worker thread, and no other account waiting.
    """
    tidy(SYSTEM_CLOCK)
    for account_id in accounts_to_sweep(SYSTEM_CLOCK.now()):
        current_app.send_task(
            SWEEP_ACCOUNT_TASK,
            kwargs={"account_id": account_id},
            queue=BACKGROUND_QUEUE,
            expires=SWEEP_EXPIRES_S,
        )


@shared_task(name=SWEEP_ACCOUNT_TASK)
def sweep_one_account(*, account_id: int, **_kwargs: object) -> None:
    """Ask the venue what is due for one account, unless this process is at it already."""
    if account_id in _under_way:
        return
    _under_way.add(account_id)
    try:
        drive(sweep_account(account_id, port_of=blocking_port, clock=SYSTEM_CLOCK))
    finally:
        _under_way.discard(account_id)


@shared_task(name="tradeops.engine.tasks.rebuild_on_command")
def rebuild_on_command(*, command_id: str, **_kwargs: object) -> None:
    """Rebuild the projections for a RebuildProjection command."""
    command = Command.objects.get(pk=command_id)
    if command.is_terminal:
        return
    report = rebuild(apply=bool(command.payload.get("apply")))
    now = SYSTEM_CLOCK.now()
    origin = Origin(command.principal, Source(command.source), now, command.pk, command.pk)
    result: dict[str, Any] = {
        "events": report.events,
        "rows": report.rows,
        "differences": len(report.differences),
        "applied": report.applied,
    }
    with account_ledger(command.account_id, origin) as ledger:
        finish(ledger, command, CommandStatus.ACK, now=now, result=result)


@signals.worker_ready.connect
def announce_worker(sender: WorkController, **_kwargs: object) -> None:
    """Say which queues this process serves; `/healthz` and `doctor` listen."""
    for queue in sender.app.amqp.queues.consume_from:
        if queue != "streams":
            start_heartbeat(queue, _details)


def _details() -> dict[str, Any]:
    return {"worker": WORKER, "caches": {**cache_counts(), "leverage": leverage_cache_counts()}}
