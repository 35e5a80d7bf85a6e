"""Claim a command and carry it out."""

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from tradeops.domain.clock import Clock
from tradeops.domain.commands import CommandStatus
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.amend import amend_order
from tradeops.engine.backlog import overtaken_by
from tradeops.engine.cancel import cancel_all, cancel_one
from tradeops.engine.control import (
    pause_or_resume,
    rebuild_in_background,
    reconcile_in_background,
    set_leverage,
    set_mode,
    update_config,
)
from tradeops.engine.margin import change_isolated_margin, set_margin_mode
from tradeops.engine.place import close_position, place_order
from tradeops.engine.send import leave_unknown
from tradeops.engine.work import PortOf, Work, fail
from tradeops.exchange.errors import ExchangeError
from tradeops.journal.command_store import LostClaim, claim
from tradeops.journal.models import Command

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
HANDLERS: dict[str, Callable[[Work], Awaitable[None]]] = {
    "PlaceOrder": place_order,
    "ClosePosition": close_position,
    "CancelOrder": cancel_one,
    "CancelAll": cancel_all,
    "AmendOrder": amend_order,
    "SetLeverage": set_leverage,
    "SetMarginMode": set_margin_mode,
    "ChangeIsolatedMargin": change_isolated_margin,
    "PauseEngine": pause_or_resume,
    "ResumeEngine": pause_or_resume,
    "SetEngineMode": set_mode,
    "UpdateConfig": update_config,
    "RunReconcile": reconcile_in_background,
    "ResolveDrift": reconcile_in_background,
    "RebuildProjection": rebuild_in_background,
}
SENDS_ORDERS = frozenset({"PlaceOrder", "ClosePosition"})
ASKED_ABOUT = frozenset({"AmendOrder", "CancelOrder", "CancelAll", "SetEngineMode"})


async def execute(command_id: UUID, *, port_of: PortOf, clock: Clock, worker: str) -> None:
    """Carry out one command, or do nothing when somebody else has it or had it.

    Anything unforeseen before SENT leaves the command to be claimed again; after SENT its outcome
    counts as unknown and is looked up, never repeated (D4).
    """
    held = claim(command_id, worker=worker, now=clock.now())
    if held is None:
        return
    work = Work(held, clock, port_of)
    handler = HANDLERS.get(held.command.kind)
    if handler is None:
        fail(work, ErrorCode.VALIDATION_ERROR, f"{held.command.kind} is not served yet.")
        return
    if held.command.expires_at is not None and clock.now() > held.command.expires_at:
        fail(work, ErrorCode.EXPIRED, "The command waited too long.")
        return
    newer = overtaken_by(held.command)
    if newer is not None:
        fail(work, ErrorCode.SUPERSEDED, f"{newer.kind} {newer.pk} was asked for after it.")
        return
    try:
        await handler(work)
    except LostClaim:
        logger.warning("claim of %s lost", command_id)
    except TradeOpsError as error:
        _end_refused(work, error.code, error.detail)
    except ExchangeError as error:
        _end_refused(work, ErrorCode.VENUE_UNAVAILABLE, error.message)
    except Exception:
        logger.exception("command %s", command_id)
        _end_unforeseen(work)


def _end_refused(work: Work, code: ErrorCode, detail: str) -> None:
    """A refusal that reached the top: proven harmless only while nothing was sent."""
    status = Command.objects.values_list("status", flat=True).get(pk=work.command.pk)
    if status == CommandStatus.SENT and work.command.kind in SENDS_ORDERS:
        leave_unknown(work, detail)
    else:
        fail(work, code, detail)


def _end_unforeseen(work: Work) -> None:
    """What the sweeper asks about, or does again, is left to it."""
    status = Command.objects.values_list("status", flat=True).get(pk=work.command.pk)
    if status == CommandStatus.SENT:
        if work.command.kind in SENDS_ORDERS:
            leave_unknown(work, "internal error")
        elif work.command.kind not in ASKED_ABOUT:
            fail(work, ErrorCode.INTERNAL_ERROR, "The command failed; see the log.")
    elif work.command.attempts >= MAX_ATTEMPTS:
        fail(work, ErrorCode.INTERNAL_ERROR, f"Given up after {MAX_ATTEMPTS} attempts.")
