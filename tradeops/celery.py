"""The Celery application: its queues, the streams worker, and how its processes start and log."""

import os

import click
from celery import Celery, signals
from django.conf import settings
from django.db import close_old_connections
from kombu.entity import Exchange, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeops.settings.dev")

QUEUES = ("orders", "streams", "reconcile", "market", "notify")

app = Celery("tradeops", task_cls="tradeops.periodic:OncePerPeriod")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = tuple(
    Queue(name, Exchange(name), routing_key=name)  # type: ignore[no-untyped-call]
    for name in QUEUES
)
# Beat sends by name: the tasks, and with them the venues' clients, would double its memory.
app.autodiscover_tasks(lambda: settings.INSTALLED_APPS if settings.TRADEOPS_LOADS_TASKS else [])
app.user_options["worker"].add(
    click.Option(["--streams"], is_flag=True, help="Run the exchange streams in this worker (D5).")
)
app.user_options["worker"].add(
    click.Option(["--with-beat"], is_flag=True, help="Send what is due from this worker, too.")
)
# By name: only what a worker needs of it is loaded, after Django's applications.
app.steps["worker"].update({"tradeops.bootsteps:Streams", "tradeops.beat_step:BeatStep"})


@signals.setup_logging.connect
def keep_django_logging(**_kwargs: object) -> None:
    """Leave the logging of the settings as it is (a connected receiver is what stops Celery)."""


@signals.task_prerun.connect
@signals.task_postrun.connect
def renew_connections(**_kwargs: object) -> None:
    """Close what is broken or too old, as Django does around a request, and keep the rest."""
    close_old_connections()
