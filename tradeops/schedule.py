"""What runs periodically at first, written by `manage.py bootstrap`.

Rows and not Celery's `beat_schedule`: that one would set every period back with each start of
beat, and operators change periods in the admin.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from django_celery_beat.models import IntervalSchedule, PeriodicTask

SHORTEST_EXPIRY_S = 2  # a run must survive the time that it takes to reach a worker


@dataclass(frozen=True, slots=True)
class Period:
    """A task and how often it runs; a run that waited longer than a period is dropped."""

    name: str
    task: str
    queue: str
    seconds: int
    kwargs: Mapping[str, str] = field(default_factory=dict)


def _reconcile(scope: str, seconds: int) -> Period:
    task = "tradeops.reconcile.tasks.reconcile_accounts"
    return Period(f"reconcile {scope}", task, "reconcile", seconds, {"scope": scope})


PERIODS = (
    Period("sweep commands", "tradeops.engine.tasks.sweep", "reconcile", 1),
    Period("watch feeds", "tradeops.streams.tasks.watch_feeds", "reconcile", 1),
    _reconcile("orders", 10),
    _reconcile("positions", 10),
    _reconcile("strangers", 60),
    _reconcile("balances", 60),
    _reconcile("settings", 300),
    Period("sync instruments", "tradeops.market.tasks.sync_instruments", "market", 3600),
)


def install_periods() -> None:
    """Add the periods that the database does not know; known ones keep the operator's values."""
    for period in PERIODS:
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=period.seconds, period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.get_or_create(
            name=period.name,
            defaults={
                "task": period.task,
                "interval": interval,
                "queue": period.queue,
                "kwargs": json.dumps(dict(period.kwargs)),
                "expire_seconds": max(period.seconds, SHORTEST_EXPIRY_S),
            },
        )
