"""Journal → EngineStatus rows."""

from risk.models import EngineStatus
from tradeops.domain.enums import EngineState
from tradeops.domain.events import EngineModeChanged, EnginePaused, EngineResumed
from tradeops.journal.event_store import Stored
from tradeops.kit.rows import Rows

MODELS = (EngineStatus,)


def apply(stored: Stored, rows: Rows) -> None:
    """State, reason and actor of a scope."""
    event = stored.event
    if isinstance(event, EnginePaused):
        state = EngineState.PAUSED
    elif isinstance(event, EngineResumed):
        state = EngineState.RUNNING
    elif isinstance(event, EngineModeChanged):
        state = event.mode
    else:
        return
    status = rows.get(EngineStatus, event.scope) or EngineStatus(scope=event.scope)
    status.account_id = stored.account_id
    status.state = state
    status.reason = event.reason[:200]
    status.actor = stored.actor
    status.changed_at = stored.occurred_at
    rows.put(status)
