"""How often a difference must be seen before it counts, and when it is over. Pure.

    –  ──differs──▶ SUSPECTED ──differs, 3rd time, >= 15 s after the 1st──▶ OPEN
    SUSPECTED ──agrees──▶ forgotten        OPEN ──agrees──▶ RESOLVED (healed)
    OPEN, healed three times within the hour ──agrees──▶ stays OPEN and needs a person
    IGNORED ──differs as before──▶ IGNORED   ──differs otherwise──▶ RESOLVED, and SUSPECTED anew

Only a read that came to its end and was believed is a sighting; see `Findings`. Openings of the
symbol are held back from the first sighting on (F14, R1.6).

Source: reliability.md §4 "Reconcile".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MISMATCHES_TO_OPEN = 3
OPENS_AFTER = timedelta(seconds=15)
HEALS_BEFORE_A_PERSON = 3
HEALS_WITHIN = timedelta(hours=1)


class DriftStatus(StrEnum):
    """Where a difference stands."""

    SUSPECTED = "SUSPECTED"
    OPEN = "OPEN"
    IGNORED = "IGNORED"
    RESOLVED = "RESOLVED"


class Step(StrEnum):
    """What one more look does to a difference."""

    NOTHING = "nothing"
    SUSPECT = "suspect"
    SEE_AGAIN = "see again"
    OPEN = "open"
    SUSPECT_ANEW = "suspect anew"
    FORGET = "forget"
    HEAL = "heal"
    CLOSE = "close"
    CALL_A_PERSON = "call a person"


@dataclass(frozen=True, slots=True)
class Standing:
    """A difference as it was left by the looks before."""

    status: DriftStatus
    first_seen_at: datetime
    seen: int
    local: Mapping[str, str]
    venue: Mapping[str, str]
    needs_human: bool = False


def differs(
    standing: Standing | None, local: Mapping[str, str], venue: Mapping[str, str], *, now: datetime
) -> Step:
    """One more sighting of a difference. `standing` is None for one that nobody knows of."""
    if standing is None or standing.status is DriftStatus.RESOLVED:
        return Step.SUSPECT
    if standing.status is DriftStatus.IGNORED:
        same = (dict(local), dict(venue)) == (dict(standing.local), dict(standing.venue))
        return Step.NOTHING if same else Step.SUSPECT_ANEW
    if standing.status is DriftStatus.OPEN:
        return Step.SEE_AGAIN
    often = standing.seen + 1 >= MISMATCHES_TO_OPEN
    long = now - standing.first_seen_at >= OPENS_AFTER
    return Step.OPEN if often and long else Step.SEE_AGAIN


def agrees(standing: Standing, *, healed_lately: int) -> Step:
    """Both sides are the same. `healed_lately` counts heals of the subject within `HEALS_WITHIN`.

    What goes away by itself again and again has a cause that only a person can find.
    """
    if standing.status is DriftStatus.SUSPECTED:
        return Step.FORGET
    if standing.status is DriftStatus.IGNORED:
        return Step.CLOSE
    if standing.status is DriftStatus.RESOLVED or standing.needs_human:
        return Step.NOTHING
    return Step.CALL_A_PERSON if healed_lately >= HEALS_BEFORE_A_PERSON else Step.HEAL
