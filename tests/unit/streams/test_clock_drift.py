"""Openings stop above 500 ms, and come back after two measurements below 250 ms."""

import pytest

from tradeops.streams.domain.clock_drift import DriftMemory, measured


@pytest.mark.parametrize(
    ("offsets", "held"),
    [
        ([500], False),
        ([501], True),
        ([-501], True),
        ([600, 249], True),
        ([600, 249, -249], False),
        ([600, 249, 250, 249], True),
        ([600, 100, 501, 100], True),
        ([600, 100, 100, 400], False),
    ],
)
def test_clock_drift(offsets: list[int], *, held: bool) -> None:
    memory = DriftMemory()
    for offset_ms in offsets:
        memory = measured(memory, offset_ms)

    assert memory.is_held is held
