"""Which scopes keep openings back, and the system's own hand on them.

`place_hold` and `lift_hold` write only what changes, so that they may be called with each look.
"""

from datetime import datetime

from accounts.models import ExchangeAccount
from risk.domain.context import ScopeState
from risk.domain.holds import hold_scopes
from risk.models import EngineStatus
from tradeops.domain.enums import EngineState, Source
from tradeops.domain.events import (
    DomainEvent,
    EngineModeChanged,
    QuarantineCompleted,
    QuarantineStarted,
)
from tradeops.engine.ledger import account_ledger
from tradeops.journal.event_store import Draft, Origin
from tradeops.kit import safe_mode, sql


def scope_states(account: ExchangeAccount, symbol: str) -> tuple[ScopeState, ...]:
    """States of the scopes that cover a symbol, widest first; a scope never touched is RUNNING."""
    names = ["all", f"account:{account.pk}", f"symbol:{account.pk}:{symbol}"]
    names += hold_scopes(account.pk, symbol)
    found = sql.fetch(EngineStatus, f"scope IN ({', '.join(['%s'] * len(names))})", names)
    rows = {row.scope: row for row in found}
    states = [
        ScopeState(name, EngineState(rows[name].state), rows[name].reason)
        for name in names
        if name in rows
    ]
    if not account.is_active:
        states.append(ScopeState(names[1], EngineState.PAUSED, "the account is not active"))
    states += [ScopeState(name, EngineState.SAFE, reason) for name, reason in safe_mode.states()]
    return tuple(states)


def place_hold(
    account_id: int,
    scope: str,
    reason: str,
    *,
    actor: str,
    now: datetime,
    state: EngineState = EngineState.PAUSED,
) -> bool:
    """Keep openings of `scope` (`risk.domain.holds.hold_scope`) back; False when they were already.

    `state` is PAUSED, or SAFE where only exits are left for good.
    """
    if _state(scope) is state:
        return False
    event: DomainEvent = (
        QuarantineStarted(scope, reason)
        if state is EngineState.PAUSED
        else EngineModeChanged(scope, state, reason)
    )
    return _write(account_id, scope, event, state, actor=actor, now=now)


def lift_hold(account_id: int, scope: str, reason: str, *, actor: str, now: datetime) -> bool:
    """Admit openings of `scope` again; False when nothing was held."""
    if _state(scope) is EngineState.RUNNING:
        return False
    event = QuarantineCompleted(scope, reason)
    return _write(account_id, scope, event, EngineState.RUNNING, actor=actor, now=now)


def held_since(scope: str) -> datetime | None:
    """When the hold was placed, None when there is none."""
    row = sql.by_pk(EngineStatus, scope)
    return row.changed_at if row is not None and row.state != EngineState.RUNNING else None


def _write(
    account_id: int,
    scope: str,
    event: DomainEvent,
    state: EngineState,
    *,
    actor: str,
    now: datetime,
) -> bool:
    with account_ledger(account_id, Origin(actor, Source.ENGINE, now)) as ledger:
        if _state(scope) is state:  # somebody else was first
            return False
        ledger.emit(Draft(event, now))
    return True


def _state(scope: str) -> EngineState:
    row = sql.by_pk(EngineStatus, scope)
    return EngineState(row.state) if row is not None else EngineState.RUNNING
