"""The Celery application: its queues and how its processes log."""

import os

from celery import Celery, signals
from kombu.entity import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeops.settings.dev")

QUEUES = ("orders", "streams", "reconcile", "market", "notify")

app = Celery("tradeops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = tuple(Queue(name) for name in QUEUES)  # type: ignore[no-untyped-call]
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_django_logging(**_kwargs: object) -> None:
    """Leave the logging of the settings as it is (a connected receiver is what stops Celery)."""
