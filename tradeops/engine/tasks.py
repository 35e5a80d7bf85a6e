"""Celery's way in; each task calls one function."""

import os
import socket
import uuid
from typing import Any

from celery import shared_task, signals
from celery.worker import WorkController

from accounts.services.exchange_open import blocking_port
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import Source
from tradeops.engine.execute import execute
from tradeops.engine.ledger import account_ledger
from tradeops.engine.leverage import leverage_cache_counts
from tradeops.engine.rebuild import rebuild
from tradeops.engine.sweep import sweep
from tradeops.engine.work import finish
from tradeops.journal.event_store import Origin
from tradeops.journal.models import Command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.heartbeat import start_heartbeat
from tradeops.kit.portal import drive
from tradeops.market.cache import cache_counts

WORKER = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@shared_task(name="tradeops.engine.tasks.execute_command")
def execute_command(*, command_id: str, **_kwargs: object) -> None:
    """Carry out one command (R1.2)."""
    drive(execute(uuid.UUID(command_id), port_of=blocking_port, clock=SYSTEM_CLOCK, worker=WORKER))


@shared_task(name="tradeops.engine.tasks.sweep")
def sweep_once(**_kwargs: object) -> None:
    """Find forgotten commands; each second."""
    drive(sweep(port_of=blocking_port, clock=SYSTEM_CLOCK))


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
