"""Carry out RunReconcile and ResolveDrift: the engine marked them SENT, here they end."""

import logging
from uuid import UUID

from django.db import Error as DatabaseError

from accounts.services.exchange_open import blocking_port
from tradeops.domain.commands import CommandStatus, ResolveDrift
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.ledger import account_ledger
from tradeops.engine.work import finish
from tradeops.exchange.errors import ExchangeError
from tradeops.journal.event_store import Origin
from tradeops.journal.models import SYSTEM_ACCOUNT_ID, Command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import drive
from tradeops.reconcile import selectors
from tradeops.reconcile.services.account_reconcile import PAGE
from tradeops.reconcile.services.comparison import Comparison
from tradeops.reconcile.services.drift_resolve import resolve_drift
from tradeops.reconcile.services.reconcile_now import blocking_pause, reconcile_now

logger = logging.getLogger(__name__)


def run_command(command_id: UUID) -> None:
    """Compare the command's account, or every active one for the desk; or decide about a drift.

    Repeating it is harmless: a command that ended is left alone.
    """
    command = Command.objects.filter(pk=command_id).first()
    if command is None or command.is_terminal:
        return
    try:
        if command.kind == ResolveDrift.__name__:
            _resolve(command)
        else:
            _compare(command)
    except DatabaseError:
        raise  # the sweeper sends it again
    except Exception:
        # What nobody foresaw would come again each minute, for ever.
        logger.exception("command %s", command_id)
        _refuse(command, ErrorCode.INTERNAL_ERROR, "An unforeseen fault: see the log.")


def _resolve(command: Command) -> None:
    """The decision, or why it was refused; a venue that is silent decides nothing."""
    try:
        port = blocking_port(command.account_id)
        run = Comparison(port, command.account_id, SYSTEM_CLOCK, blocking_pause, PAGE)
        drive(resolve_drift(command, run))
    except TradeOpsError as error:
        _refuse(command, error.code, error.detail)
    except ExchangeError as error:
        _refuse(command, ErrorCode.VENUE_UNAVAILABLE, error.message)


def _refuse(command: Command, code: ErrorCode, detail: str) -> None:
    now = SYSTEM_CLOCK.now()
    origin = Origin(command.principal, Source(command.source), now, command.pk, command.pk)
    with account_ledger(command.account_id, origin) as ledger:
        finish(ledger, command, CommandStatus.FAILED, now=now, code=code, detail=detail)


def _compare(command: Command) -> None:
    desk = command.account_id == SYSTEM_ACCOUNT_ID
    accounts = selectors.active_account_ids() if desk else [command.account_id]
    healed = drifts = 0
    failures = []
    for account_id in accounts:
        try:
            result = reconcile_now(account_id, scope="all", trigger=command.principal)
        except (ExchangeError, TradeOpsError) as error:
            logger.warning("account %s not compared: %s", account_id, error)
            failures.append(f"account {account_id}: {error}")
            continue
        healed += result.healed
        drifts += result.drifts
        if result.error:
            failures.append(f"account {account_id}: {result.error}")
    now = SYSTEM_CLOCK.now()
    origin = Origin(command.principal, Source(command.source), now, command.pk, command.pk)
    with account_ledger(command.account_id, origin) as ledger:
        finish(
            ledger,
            command,
            CommandStatus.FAILED if failures else CommandStatus.ACK,
            now=now,
            code=ErrorCode.VENUE_UNAVAILABLE if failures else "",
            detail="; ".join(failures),
            result={"healed": str(healed), "drifts": str(drifts)},
        )
