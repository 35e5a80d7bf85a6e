"""Commands about the desk: pause, resume, halt, configuration, leverage, reconcile, rebuild."""

import logging

from celery import current_app
from django.conf import settings

from orders.models import OPEN_STATUSES, Order
from positions.domain.margin import bracket_of, max_leverage
from positions.models import Position
from risk.domain.gates import MIN_LEVERAGE
from risk.domain.holds import HoldKind, hold_scope
from risk.models import EngineStatus
from risk.services.limit_change import change_limit
from tradeops.domain.commands import (
    CommandStatus,
    PauseEngine,
    ResumeEngine,
    SetEngineMode,
    SetLeverage,
    UpdateConfig,
)
from tradeops.domain.enums import EngineState, Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import DomainEvent, EngineModeChanged, EnginePaused, EngineResumed
from tradeops.domain.money import ZERO
from tradeops.engine import facts
from tradeops.engine.brackets import brackets_of
from tradeops.engine.cancel import cancel_each
from tradeops.engine.context import MAX_LEVERAGE
from tradeops.engine.ledger import account_ledger
from tradeops.engine.leverage import sync_leverage
from tradeops.engine.place import current_mark
from tradeops.engine.work import Work, acknowledge, code_of, conclude, fail, finish
from tradeops.exchange.errors import Ambiguous, ExchangeError
from tradeops.journal import codec
from tradeops.journal.command_store import mark_sent
from tradeops.journal.event_store import Draft, lock_head
from tradeops.journal.models import SYSTEM_ACCOUNT_ID, JournalHead
from tradeops.kit import sql
from tradeops.kit.db import write_transaction

logger = logging.getLogger(__name__)

RECONCILE_TASK = "tradeops.reconcile.tasks.reconcile_on_command"
REBUILD_TASK = "tradeops.engine.tasks.rebuild_on_command"
BACKGROUND_QUEUE = "reconcile"
LIMIT_SUBJECT = "risk_limit"
SCOPE_ALL = "all"


def scope_name(scope: str, account_id: int, symbol: str) -> str:
    """`all`, `account:1` or `symbol:1:BTCUSDT`; raises TradeOpsError for anything else."""
    if scope == SCOPE_ALL and account_id == SYSTEM_ACCOUNT_ID:
        return SCOPE_ALL
    if scope == "account" and account_id:
        return f"account:{account_id}"
    if scope == "symbol" and account_id and symbol:
        return f"symbol:{account_id}:{symbol}"
    raise TradeOpsError(
        ErrorCode.VALIDATION_ERROR,
        "scope is all (without account), account, or symbol (with account and symbol).",
    )


def _resumed_scope(scope: str, account_id: int, symbol: str) -> str:
    """As `scope_name`; and `circuit`, which the venue's refusals open and people may close."""
    if scope == HoldKind.CIRCUIT and account_id and symbol:
        return hold_scope(HoldKind.CIRCUIT, account_id, symbol)
    return scope_name(scope, account_id, symbol)


async def pause_or_resume(work: Work) -> None:
    """PauseEngine and ResumeEngine: openings are refused, or admitted again."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, PauseEngine | ResumeEngine):
        raise TypeError(work.command.kind)
    named = scope_name if isinstance(wanted, PauseEngine) else _resumed_scope
    scope = named(wanted.scope, work.account_id, wanted.symbol)
    event: DomainEvent = (
        EnginePaused(scope, wanted.reason)
        if isinstance(wanted, PauseEngine)
        else EngineResumed(scope, wanted.reason)
    )
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        ledger.emit(Draft(event, now))
        conclude(ledger, work, CommandStatus.ACK, result={"scope": scope})


async def set_mode(work: Work) -> None:
    """SetEngineMode: HALTED refuses openings first and then cancels those that rest (F77)."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, SetEngineMode):
        raise TypeError(work.command.kind)
    scope = scope_name(wanted.scope, work.account_id, wanted.symbol)
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        ledger.emit(Draft(EngineModeChanged(scope, wanted.mode, wanted.reason), now))
        mark_sent(work.held, now=now, verdicts=[])
    await complete_mode(work)


async def complete_mode(work: Work) -> None:
    """The part of SetEngineMode that may be done again: cancel what rests, then end the command."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, SetEngineMode):
        raise TypeError(work.command.kind)
    scope = scope_name(wanted.scope, work.account_id, wanted.symbol)
    missed = 0
    if wanted.mode is EngineState.HALTED and _is_halted(scope):
        if scope == SCOPE_ALL:
            _await_commits()
        missed = await _cancel_openings(work, wanted.symbol)
    _finish_mode(work, scope, missed)


def _is_halted(scope: str) -> bool:
    """False once people have resumed: what they opened since is not to be cancelled."""
    status = sql.by_pk(EngineStatus, scope)
    return status is not None and status.state == EngineState.HALTED


def _await_commits() -> None:
    """Return when every order that was judged before now is committed, and so is found (I7).

    The desk's state is written under its own lock: an account's transaction may have read the old.
    """
    accounts = JournalHead.objects.exclude(pk=SYSTEM_ACCOUNT_ID).order_by("pk")
    for account_id in list(accounts.values_list("pk", flat=True)):
        with write_transaction():
            lock_head(account_id)


async def _cancel_openings(work: Work, symbol: str) -> int:
    rows = Order.objects.filter(status__in=OPEN_STATUSES, reduce_only=False, close_position=False)
    if work.account_id:
        rows = rows.filter(account_id=work.account_id)
    if symbol:
        rows = rows.filter(symbol=symbol)
    missed = 0
    for account_id in sorted(set(rows.values_list("account_id", flat=True))):
        resting = list(rows.filter(account_id=account_id))
        try:
            reports, unreached = await cancel_each(work.port_of(account_id), resting)
        except (ExchangeError, TradeOpsError) as error:
            logger.warning("account %s not reached: %s", account_id, error)
            missed += len(resting)
            continue
        missed += unreached
        now = work.clock.now()
        with account_ledger(account_id, work.origin(now)) as ledger:
            for report in reports:
                facts.record(ledger, report)
    return missed


def _finish_mode(work: Work, scope: str, missed: int) -> None:
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        if missed:
            finish(
                ledger,
                work.command,
                CommandStatus.FAILED,
                now=now,
                code=ErrorCode.VENUE_UNAVAILABLE,
                detail=f"Openings are refused, but {missed} resting orders were not cancelled.",
                result={"scope": scope, "not_cancelled": str(missed)},
            )
            return
        finish(ledger, work.command, CommandStatus.ACK, now=now, result={"scope": scope})


async def set_leverage(work: Work) -> None:
    """SetLeverage: repeating it is harmless, so an ambiguous end is a failure to ask again."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, SetLeverage):
        raise TypeError(work.command.kind)
    if wanted.symbol not in settings.ALLOWED_SYMBOLS:
        fail(work, ErrorCode.SYMBOL_NOT_ALLOWED, f"{wanted.symbol} is not allowed here")
        return
    most = await _most_leverage(work, wanted.symbol)
    if not MIN_LEVERAGE <= wanted.leverage <= most:
        detail = f"leverage must be {MIN_LEVERAGE} to {most}"
        fail(work, ErrorCode.LEVERAGE_OUT_OF_RANGE, detail)
        return
    work.fence()
    try:
        await sync_leverage(work, wanted.symbol, wanted.leverage)
    except ExchangeError as error:
        code = ErrorCode.VENUE_UNAVAILABLE if isinstance(error, Ambiguous) else code_of(error)
        fail(work, code, error.message, exchange_code=error.code)
        return
    acknowledge(work, {"symbol": wanted.symbol, "leverage": str(wanted.leverage)})


async def _most_leverage(work: Work, symbol: str) -> int:
    """What the desk and the venue's bracket of the position that stands admit."""
    brackets = await brackets_of(work, symbol)
    legs = Position.objects.filter(account_id=work.account_id, symbol=symbol)
    held = sum((abs(leg.quantity) for leg in legs), ZERO)
    mark = await current_mark(work, symbol) if held and brackets else None
    if mark is None:
        return min(MAX_LEVERAGE, max_leverage(brackets) or MAX_LEVERAGE)
    bracket = bracket_of(brackets, held * mark)
    return min(MAX_LEVERAGE, bracket.max_leverage) if bracket else MIN_LEVERAGE


async def update_config(work: Work) -> None:
    """UpdateConfig: limits only, for now; the service journals ConfigChanged."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, UpdateConfig):
        raise TypeError(work.command.kind)
    if wanted.subject != LIMIT_SUBJECT:
        fail(work, ErrorCode.VALIDATION_ERROR, f"{wanted.subject} is not configurable.")
        return
    changes = dict(wanted.changes)
    expected = changes.pop("expected_version", None)
    with write_transaction():
        limit = change_limit(
            limit_id=int(wanted.subject_id) if wanted.subject_id else None,
            changes=changes,
            actor=work.command.principal,
            source=Source(work.command.source),
            reason=wanted.reason,
            now=work.clock.now(),
            expected_version=int(expected) if expected is not None else None,
        )
        acknowledge(work, {"limit_id": str(limit.pk), "version": str(limit.version)})


async def reconcile_in_background(work: Work) -> None:
    """RunReconcile and ResolveDrift: SENT here, finished by the reconcile worker."""
    _hand_over(work, RECONCILE_TASK)


async def rebuild_in_background(work: Work) -> None:
    """RebuildProjection: SENT here, finished by the background worker."""
    _hand_over(work, REBUILD_TASK)


def _hand_over(work: Work, task: str) -> None:
    with write_transaction():
        mark_sent(work.held, now=work.clock.now(), verdicts=[])
    current_app.send_task(task, kwargs={"command_id": str(work.command.pk)}, queue=BACKGROUND_QUEUE)
