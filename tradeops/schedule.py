"""What runs periodically at first. Operators change periods in the admin; a start leaves those."""

from dataclasses import dataclass

from django_celery_beat.models import IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Period:
    """A task and how often it runs; a run that waited longer than a period is dropped."""

    task: str
    queue: str
    seconds: int


PERIODS = (Period("tradeops.market.tasks.sync_instruments", "market", 300),)


def install_periods() -> None:
    """Add the periods that the database does not know; known ones keep the operator's values."""
    for period in PERIODS:
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=period.seconds, period=IntervalSchedule.SECONDS
        )
        PeriodicTask.objects.get_or_create(
            name=period.task,
            defaults={
                "task": period.task,
                "interval": interval,
                "queue": period.queue,
                "expire_seconds": max(period.seconds, 2),
            },
        )
