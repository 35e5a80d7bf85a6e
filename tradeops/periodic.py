"""The class of every Celery task: what beat sends runs once a period, however many beats there are.

Beat names the period in a header of the message; a task that somebody else sends has none and runs.
"""

import logging

from django_celery_beat.models import IntervalSchedule

from tradeops.kit import safe_mode
from tradeops.kit.task import SafeTask
from tradeops.streams.services.period_lease import take_period

logger = logging.getLogger(__name__)

# Of a time of day, which comes twice only by two beats.
OTHER_SCHEDULES_S = 30.0
_SECONDS = {
    IntervalSchedule.DAYS: 86_400.0,
    IntervalSchedule.HOURS: 3_600.0,
    IntervalSchedule.MINUTES: 60.0,
    IntervalSchedule.SECONDS: 1.0,
    IntervalSchedule.MICROSECONDS: 0.000_001,
}


class OncePerPeriod(SafeTask):
    """A task of which each period has one run (F50)."""

    def __call__(self, *args: object, **kwargs: object) -> object:
        """Run the task, unless another beat has started this period's run."""
        name = (self.request.headers or {}).get("periodic_task_name")
        # A process that is SAFE drops the message: the period is left to one that works.
        works = safe_mode.stopped_by() is None
        if name is not None and works and not take_period(name, period_s(name)):
            logger.info("%s: this period has run", name)
            return None
        return super().__call__(*args, **kwargs)


def period_s(name: str) -> float:
    """The period as the operators set it; OTHER_SCHEDULES_S where it is no interval."""
    interval = IntervalSchedule.objects.filter(periodictask__name=name).first()
    if interval is None:
        return OTHER_SCHEDULES_S
    return float(interval.every) * _SECONDS[interval.period]
