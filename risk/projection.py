"""Journal → EngineStatus rows."""

from risk.models import EngineStatus
from tradeops.domain.enums import EngineState
from tradeops.domain.events import (
    EngineModeChanged,
    EnginePaused,
    EngineResumed,
    QuarantineCompleted,
    QuarantineStarted,
)
from tradeops.journal.event_store import Stored
from tradeops.kit.rows import Rows

MODELS = (EngineStatus,)


def apply(stored: Stored, rows: Rows) -> None:
    """State, reason and actor of a scope."""
    event = stored.event
    if isinstance(event, EnginePaused):
        scope, state = event.scope, EngineState.PAUSED
    elif isinstance(event, EngineResumed):
        scope, state = event.scope, EngineState.RUNNING
    elif isinstance(event, EngineModeChanged):
        scope, state = event.scope, event.mode
    elif isinstance(event, QuarantineStarted):
        scope, state = event.subject, EngineState.PAUSED
    elif isinstance(event, QuarantineCompleted):
        scope, state = event.subject, EngineState.RUNNING
    else:
        return
    status = rows.get(EngineStatus, scope) or EngineStatus(scope=scope)
    status.account_id = stored.account_id
    status.state = state
    status.reason = event.reason[:200]
    status.actor = stored.actor
    status.changed_at = stored.occurred_at
    rows.put(status)
