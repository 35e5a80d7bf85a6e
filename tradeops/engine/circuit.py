"""Holds that the venue's refusals place: the circuit of a symbol (F10) and the account's access.

Refusals are counted in the commands themselves, so that a restart forgets none. Three identical
ones (kind, venue code) in a symbol without a success between open the circuit: openings are refused
here until it cools down, or until somebody resumes the scope; exits pass. One more refusal after
that opens it again, for twice as long.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from risk.domain.holds import HoldKind, hold_scope
from risk.domain.refusals import ACCESS_CODES, Ended, cool_down, is_passing, streak
from risk.models import EngineStatus
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import EngineState
from tradeops.domain.events import QuarantineStarted
from tradeops.engine.holds import held_since, lift_hold, place_hold
from tradeops.engine.ledger import AccountLedger
from tradeops.journal.event_store import Draft
from tradeops.journal.models import Command

ACTOR = "circuit"
COUNTED_WITHIN = timedelta(hours=1)
COUNTED = 48
TRIES = 3


def judge_refusal(ledger: AccountLedger, command: Command, exchange_code: int, detail: str) -> None:
    """Hold openings back where this refusal, just written to `command`, asks for it."""
    now = ledger.origin.now
    if exchange_code in ACCESS_CODES:
        scope = hold_scope(HoldKind.ACCESS, command.account_id)
        _hold(ledger, scope, f"the venue refuses the key: {exchange_code} {detail}")
        return
    if not command.symbol or is_passing(exchange_code):
        return
    row = streak(_ended(command.account_id, command.symbol, until=now))
    if row is None or row.length < TRIES:
        return
    pause_s = int(cool_down(row.length).total_seconds())
    reason = f"{row.kind} was refused {row.length} times: {row.exchange_code} {detail}"
    scope = hold_scope(HoldKind.CIRCUIT, command.account_id, command.symbol)
    _hold(ledger, scope, f"{reason[:160]} (again in {pause_s} s)")


def _hold(ledger: AccountLedger, scope: str, reason: str) -> None:
    row = ledger.rows.get(EngineStatus, scope)
    if row is None or row.state == EngineState.RUNNING:
        ledger.emit(Draft(QuarantineStarted(scope, reason), ledger.origin.now))


def _ended(account_id: int, symbol: str, *, until: datetime) -> Sequence[Ended]:
    """What ended in a symbol within the hour, newest first."""
    rows = Command.objects.filter(
        account_id=account_id,
        symbol=symbol,
        status__in=[CommandStatus.ACK, CommandStatus.FAILED],
        created_at__gt=until - COUNTED_WITHIN,
        completed_at__lte=until,
    ).order_by("-created_at")[:COUNTED]
    newest_first = sorted(rows, key=lambda row: row.completed_at or until, reverse=True)
    return [
        Ended(row.kind, row.status == CommandStatus.ACK, row.exchange_code) for row in newest_first
    ]


def lift_cooled(now: datetime) -> None:
    """Admit openings again where a circuit has been open for long enough."""
    prefix = f"{HoldKind.CIRCUIT}:"
    held = EngineStatus.objects.filter(scope__startswith=prefix).exclude(state=EngineState.RUNNING)
    for row in held:
        _, account, symbol = row.scope.split(":", 2)
        found = streak(_ended(int(account), symbol, until=row.changed_at))
        pause = cool_down(found.length if found is not None else TRIES)
        if row.changed_at + pause <= now:
            lift_hold(int(account), row.scope, "cooled down", actor=ACTOR, now=now)


def note_access_refused(account_id: int, message: str, *, now: datetime) -> bool:
    """The venue refused the account's key, signature or address outside a command."""
    scope = hold_scope(HoldKind.ACCESS, account_id)
    reason = f"the venue refuses the key: {message}"
    return place_hold(account_id, scope, reason, actor=ACTOR, now=now)


def note_access_ok(account_id: int, *, now: datetime) -> bool:
    """A signed call succeeded: openings are admitted again if access held them back."""
    scope = hold_scope(HoldKind.ACCESS, account_id)
    if held_since(scope) is None:
        return False
    return lift_hold(account_id, scope, "a signed call succeeded", actor=ACTOR, now=now)
