"""Which refusals of the venue make a streak, and how long openings wait then."""

import pytest

from risk.domain.refusals import Ended, Streak, cool_down, is_passing, streak

REFUSED = Ended("PlaceOrder", succeeded=False, exchange_code=-2019)
OTHER = Ended("PlaceOrder", succeeded=False, exchange_code=-4164)
DONE = Ended("PlaceOrder", succeeded=True, exchange_code=0)
OURS = Ended("PlaceOrder", succeeded=False, exchange_code=0)
LEVERAGE = Ended("SetLeverage", succeeded=True, exchange_code=0)
LATE = Ended("PlaceOrder", succeeded=False, exchange_code=-1021)


@pytest.mark.parametrize(
    ("newest_first", "length"),
    [
        ([], 0),
        ([DONE, REFUSED, REFUSED], 0),
        ([REFUSED], 1),
        ([REFUSED, REFUSED, REFUSED], 3),
        ([REFUSED, DONE, REFUSED, REFUSED], 1),
        ([REFUSED, OTHER, REFUSED, REFUSED], 1),
        ([REFUSED, OURS, REFUSED, LATE, REFUSED], 3),
        ([REFUSED, LEVERAGE, REFUSED, REFUSED], 3),
        ([OURS, LATE, REFUSED, REFUSED], 2),
    ],
)
def test_streak_counts_refusals_alike(newest_first: list[Ended], length: int) -> None:
    found = streak(newest_first)

    assert found == (Streak("PlaceOrder", -2019, length) if length else None)


def test_pause_doubles_from_a_minute_to_a_quarter_of_an_hour() -> None:
    assert [cool_down(length).total_seconds() for length in range(2, 10)] == [
        60, 60, 120, 240, 480, 900, 900, 900,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "passing"),
    [(-1021, True), (-1003, True), (-2011, True), (-5021, True), (-5022, True), (-2019, False)],
)
def test_refusals_of_the_moment_pass(code: int, passing: bool) -> None:
    assert is_passing(code) is passing
