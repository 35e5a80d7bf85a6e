"""One start a period, however many beats there are (F50)."""

from django.db.models import F, Q

from tradeops.kit.db import write_transaction
from tradeops.kit.lease_clock import DATABASE_CLOCK, LeaseClock
from tradeops.streams.models import PeriodLease

# A beat is never exactly on time: a start that comes a little early belongs to the next period.
SLACK = 0.8
# A start that lies so far ahead was of a database server whose clock has been set back since: no
# period may wait until it catches up. What another beat has just started lies less far ahead.
SET_BACK_MS = 30_000


def take_period(name: str, seconds: float, *, clock: LeaseClock = DATABASE_CLOCK) -> bool:
    """Whether the period's run may start: False when one started less than a period ago.

    Compare-and-set on the last start, by the database's clock: of several beats one wins.
    """
    with write_transaction():
        at = clock.read()
        due = ~Q(clock=at.clock) | Q(started_ms__lte=at.ms - seconds * 1000 * SLACK)
        due |= Q(started_ms__gt=at.ms + SET_BACK_MS)
        rows = PeriodLease.objects.filter(pk=name)
        turn = {"clock": at.clock, "started_ms": at.ms, "runs": F("runs") + 1}
        if rows.filter(due).update(**turn):
            return True
        if rows.exists():
            return False
        first = PeriodLease(name=name, clock=at.clock, started_ms=at.ms, runs=0)
        PeriodLease.objects.bulk_create([first], ignore_conflicts=True)
        # Two may have made the row at the same moment: the count tells who of them starts.
        return rows.filter(runs=0).update(runs=1) == 1
