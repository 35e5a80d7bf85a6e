from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from tradeops.journal.event_store import Stored


class EngineConfig(AppConfig):
    name = "tradeops.engine"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let committed events reach the live desk and whoever waits for them."""
        from positions.live import publish_events
        from tradeops.journal.event_store import subscribe

        subscribe(_wake_waiters)
        subscribe(publish_events)


def _wake_waiters(_account_id: int, events: "Sequence[Stored]") -> None:
    """Wake who waits for a command or its order; beginnings are not waited for."""
    from tradeops.domain.events import CommandCompleted, CommandSubmitted, OrderPlaced
    from tradeops.kit.wakeups import hub

    keys = set()
    for stored in events:
        event = stored.event
        if isinstance(event, CommandCompleted):
            keys.add(str(event.command_id))
        elif not isinstance(event, CommandSubmitted | OrderPlaced):
            keys.add(str(getattr(event, "order_id", "")))
    hub().notify(*(keys - {""}))
