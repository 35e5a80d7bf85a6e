"""Carry out what a person decided about a drift: adopt, ignore, flatten, rebuild (R-beyond 2).

The decision, what it books, and the command's end are one transaction. Nothing is sent from here:
flatten asks for an ordinary ClosePosition, which the engine judges and sends like any other.
"""

import uuid
from collections.abc import Callable

from tradeops.domain.commands import ClosePosition, CommandStatus, ResolveDrift
from tradeops.domain.enums import DriftDecision, Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import DriftResolved
from tradeops.domain.money import ONE
from tradeops.engine.ledger import AccountLedger, account_ledger
from tradeops.engine.rebuild import rebuild
from tradeops.engine.work import finish
from tradeops.journal import codec
from tradeops.journal.command_store import Asker, enqueue
from tradeops.journal.event_store import Draft, Origin
from tradeops.journal.models import Command
from tradeops.kit.db import write_transaction
from tradeops.reconcile.domain.hysteresis import DriftStatus
from tradeops.reconcile.domain.sides import DriftKind, symbol_of
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.account_reconcile import Scope, compare
from tradeops.reconcile.services.adopt import adoption, leg_of
from tradeops.reconcile.services.comparison import Comparison
from tradeops.reconcile.services.drift_book import end_row, sync_holds

Result = dict[str, str]
_SCOPES: dict[DriftKind, Scope] = {
    DriftKind.ORDER: "strangers",
    DriftKind.ORDER_MISSING: "strangers",
    DriftKind.POSITION: "positions",
    DriftKind.POSITION_MODE: "settings",
    DriftKind.BALANCE: "balances",
    DriftKind.WALLET: "balances",
}


async def resolve_drift(command: Command, run: Comparison) -> None:
    """Do what the command decides, and complete it. Not inside a transaction.

    Raises:
        TradeOpsError: NOT_FOUND, VALIDATION_ERROR (no reason, nothing to flatten), or
            PRECONDITION_FAILED where the drift is over or not what the person saw any more.
        ExchangeError: the venue did not answer; nothing was decided.
    """
    wanted = codec.decode_command(command.kind, command.payload)
    if not isinstance(wanted, ResolveDrift):
        raise TypeError(command.kind)
    drift = _decidable(command.account_id, wanted)
    if wanted.decision is DriftDecision.IGNORE:
        _write(command, wanted, run, lambda _ledger: None)
    elif wanted.decision is DriftDecision.REBUILD:
        await _rebuild(command, wanted, run, drift)
    else:
        if wanted.decision is DriftDecision.FLATTEN and drift.kind != DriftKind.POSITION:
            detail = "Only the drift of a position can be flattened."
            raise TradeOpsError(ErrorCode.VALIDATION_ERROR, detail)
        _write(command, wanted, run, await adoption(run, drift))


def _decidable(account_id: int, wanted: ResolveDrift) -> Drift:
    if not wanted.reason.strip():
        raise TradeOpsError(ErrorCode.VALIDATION_ERROR, "A decision needs a reason.")
    drift = Drift.objects.filter(pk=wanted.drift_id, account_id=account_id).first()
    if drift is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such drift in this account.")
    if drift.status not in (DriftStatus.OPEN, DriftStatus.IGNORED):
        detail = f"The drift is {drift.status}: there is nothing to decide."
        raise TradeOpsError(ErrorCode.PRECONDITION_FAILED, detail)
    return drift


def _write(
    command: Command,
    wanted: ResolveDrift,
    run: Comparison,
    book: Callable[[AccountLedger], None],
    result: Result | None = None,
) -> None:
    """Book, note who decided, lift the quarantine, and end the command, in one transaction."""
    now = run.clock.now()
    account_id = command.account_id
    with write_transaction():
        origin = Origin(command.principal, Source(command.source), now, command.pk, command.pk)
        with account_ledger(account_id, origin) as ledger:
            drift = _decidable(account_id, wanted)  # once more, under the lock
            book(ledger)
            _note(drift, command, wanted, run)
            word = wanted.decision.value
            decided = DriftResolved(drift.pk, drift.kind, drift.subject, word, wanted.reason)
            ledger.emit(Draft(decided, now))
            answer = {"drift_id": str(drift.pk), "decision": word, **(result or {})}
            close = _close_of(wanted, drift)
            if close is not None:
                answer["close_command_id"] = str(_close_id(command))
            finish(ledger, command, CommandStatus.ACK, now=now, result=answer)
        if close is not None:
            asker = Asker(command.principal, Source(command.source), command.request_id)
            enqueue(
                close, account_id=account_id, command_id=_close_id(command), asker=asker, now=now
            )
        sync_holds(account_id, {symbol_of(DriftKind(drift.kind), drift.subject)}, now=now)


def _note(drift: Drift, command: Command, wanted: ResolveDrift, run: Comparison) -> None:
    now = run.clock.now()
    if wanted.decision is not DriftDecision.IGNORE:
        end_row(drift, wanted.decision.value, wanted.reason, now=now, by=command.principal)
        return
    drift.status, drift.decision = DriftStatus.IGNORED.value, wanted.decision.value
    drift.decided_by, drift.decided_at = command.principal, now
    drift.reason, drift.needs_human = wanted.reason[:200], False
    drift.save()


def _close_id(command: Command) -> uuid.UUID:
    return uuid.uuid5(command.pk, "flatten")


def _close_of(wanted: ResolveDrift, drift: Drift) -> ClosePosition | None:
    """What closes the adopted position; None where nothing is asked for, or nothing is open."""
    if wanted.decision is not DriftDecision.FLATTEN or drift.venue.get("quantity") == "0":
        return None
    symbol, side = leg_of(drift)
    return ClosePosition(symbol, ONE, f"drift {drift.pk}: {wanted.reason}"[:200], side)


async def _rebuild(command: Command, wanted: ResolveDrift, run: Comparison, drift: Drift) -> None:
    """Derive the account's rows from its journal anew, then look again."""
    report = rebuild(apply=True, account_id=command.account_id)
    kind = DriftKind(drift.kind)
    await compare(run, _SCOPES[kind], None)
    key = (kind, drift.subject)
    found = {(item.kind, item.subject) for item in run.mismatches} | run.undecided
    result = {"differences": str(len(report.differences)), "resolved": str(key not in found)}
    if key not in found:
        _write(command, wanted, run, lambda _ledger: None, result)
        return
    now = run.clock.now()
    origin = Origin(command.principal, Source(command.source), now, command.pk, command.pk)
    with account_ledger(command.account_id, origin) as ledger:
        finish(ledger, command, CommandStatus.ACK, now=now, result=result)
