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

        subscribe(publish_events)
        subscribe(_wake_waiters)


def _wake_waiters(_account_id: int, events: "Sequence[Stored]") -> None:
    from tradeops.kit.wakeups import hub

    keys = {
        str(key)
        for stored in events
        for key in (
            getattr(stored.event, "order_id", None),
            getattr(stored.event, "command_id", None),
        )
        if key is not None
    }
    hub().notify(*keys)
