"""How workers and beat start: fit, or not at all. Loaded when Django's applications are ready."""

from typing import Any

from celery import signals

from tradeops.checks import refuse_wrong_start
from tradeops.watch import Watch


@signals.celeryd_init.connect
@signals.beat_init.connect
def refuse_start(**_kwargs: object) -> None:
    """End a worker or beat that cannot work, with the number, before it takes anything."""
    refuse_wrong_start()


@signals.worker_ready.connect
def watch_worker(sender: Any, **_kwargs: object) -> None:  # noqa: ANN401 - Celery is untyped
    """Look after this process from now on."""
    Watch(str(sender.hostname).partition("@")[0], ends=True).start()
