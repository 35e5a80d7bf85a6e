"""The Celery application: its queues, the streams worker, and how its processes start and log."""

import os

import click
from celery import Celery, signals
from django.conf import settings
from kombu.entity import Queue

from tradeops.checks import refuse_wrong_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeops.settings.dev")

QUEUES = ("orders", "streams", "reconcile", "market", "notify")

_RECONCILE = "tradeops.reconcile.tasks.reconcile_accounts"

app = Celery("tradeops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = tuple(Queue(name) for name in QUEUES)  # type: ignore[no-untyped-call]
# Beat sends by name: the tasks, and with them the venues' clients, would double its memory.
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS if settings.TRADEOPS_LOADS_TASKS else [])
app.user_options["worker"].add(
    click.Option(["--streams"], is_flag=True, help="Run the exchange streams in this worker (D5).")
)
app.steps["worker"].add("tradeops.bootsteps:Streams")

# Names only, see above. Each run ends when the next is due, so that none piles up (F50).
app.conf.beat_schedule = {
    name: {
        "task": task,
        "schedule": float(period_s),
        "kwargs": kwargs,
        "options": {"queue": queue, "expires": max(2, period_s - 1)},
    }
    for name, task, period_s, queue, kwargs in (
        ("sweep", "tradeops.engine.tasks.sweep", 1, "reconcile", {}),
        ("reconcile orders", _RECONCILE, 10, "reconcile", {"scope": "orders"}),
        ("reconcile positions", _RECONCILE, 30, "reconcile", {"scope": "positions"}),
        ("reconcile balances", _RECONCILE, 60, "reconcile", {"scope": "balances"}),
        ("instruments", "tradeops.market.tasks.sync_instruments", 3600, "market", {}),
    )
}


@signals.setup_logging.connect
def keep_django_logging(**_kwargs: object) -> None:
    """Leave the logging of the settings as it is (a connected receiver is what stops Celery)."""


@signals.celeryd_init.connect
@signals.beat_init.connect
def refuse_wrong_start(**_kwargs: object) -> None:
    """End a worker or beat whose settings are wrong, before it takes any work."""
    refuse_wrong_settings()
