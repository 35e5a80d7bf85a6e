"""When a difference counts, and when it is over: the table, and what holds for any run of looks."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradeops.reconcile.domain.hysteresis import (
    HEALS_BEFORE_A_PERSON,
    MISMATCHES_TO_OPEN,
    OPENS_AFTER,
    DriftStatus,
    Standing,
    Step,
    agrees,
    differs,
)

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
HERE, THERE, OTHER = {"quantity": "2"}, {"quantity": "1"}, {"quantity": "3"}


def standing(status: DriftStatus, *, seen: int = 1, needs_human: bool = False) -> Standing:
    return Standing(status, START, seen, HERE, THERE, needs_human)


@pytest.mark.parametrize(
    ("status", "seen", "age_s", "step"),
    [
        (None, 0, 0, Step.SUSPECT),
        (DriftStatus.SUSPECTED, 1, 60, Step.SEE_AGAIN),
        (DriftStatus.SUSPECTED, 2, 14.9, Step.SEE_AGAIN),
        (DriftStatus.SUSPECTED, 2, 15, Step.OPEN),
        (DriftStatus.SUSPECTED, 20, 14.9, Step.SEE_AGAIN),
        (DriftStatus.SUSPECTED, 20, 15, Step.OPEN),
        (DriftStatus.OPEN, 3, 20, Step.SEE_AGAIN),
        (DriftStatus.IGNORED, 3, 20, Step.NOTHING),
        (DriftStatus.RESOLVED, 3, 20, Step.SUSPECT),
    ],
)
def test_difference(status: DriftStatus | None, seen: int, age_s: float, step: Step) -> None:
    known = None if status is None else standing(status, seen=seen)

    assert differs(known, HERE, THERE, now=START + timedelta(seconds=age_s)) is step


@pytest.mark.parametrize("sides", [(OTHER, THERE), (HERE, OTHER), (THERE, HERE)])
def test_ignored_difference_comes_back_when_either_side_changes(
    sides: tuple[dict[str, str], dict[str, str]],
) -> None:
    assert differs(standing(DriftStatus.IGNORED), *sides, now=START) is Step.SUSPECT_ANEW


@pytest.mark.parametrize(
    ("status", "needs_human", "healed", "step"),
    [
        (DriftStatus.SUSPECTED, False, 9, Step.FORGET),
        (DriftStatus.OPEN, False, 0, Step.HEAL),
        (DriftStatus.OPEN, False, HEALS_BEFORE_A_PERSON - 1, Step.HEAL),
        (DriftStatus.OPEN, False, HEALS_BEFORE_A_PERSON, Step.CALL_A_PERSON),
        (DriftStatus.OPEN, True, 0, Step.NOTHING),
        (DriftStatus.IGNORED, False, 0, Step.CLOSE),
        (DriftStatus.RESOLVED, False, 0, Step.NOTHING),
    ],
)
def test_agreement(status: DriftStatus, needs_human: bool, healed: int, step: Step) -> None:
    assert agrees(standing(status, needs_human=needs_human), healed_lately=healed) is step


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=40))
def test_drift_opens_after_three_looks_in_a_row_over_fifteen_seconds_and_not_before(
    looks: list[tuple[bool, int]],
) -> None:
    """A model that only knows the row of looks says the same as the machine."""
    known: Standing | None = None
    now, row = START, list[datetime]()
    for differ, later_s in looks:
        now += timedelta(seconds=later_s)
        if not differ:
            row, known = [], None
            continue
        step = differs(known, HERE, THERE, now=now)
        row.append(now)
        counts = len(row) >= MISMATCHES_TO_OPEN and now - row[0] >= OPENS_AFTER
        is_open = known is not None and known.status is DriftStatus.OPEN
        assert (step is Step.OPEN or is_open) == counts
        status = DriftStatus.OPEN if counts else DriftStatus.SUSPECTED
        known = Standing(status, row[0], len(row), HERE, THERE)
