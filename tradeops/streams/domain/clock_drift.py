"""When our clock is too far from the venue's to open positions by it. Pure.

The adapter corrects what it signs; but journal times, expiries and windows are those of our clock.

Source: F64.
"""

from dataclasses import dataclass

HOLD_ABOVE_MS = 500
GOOD_BELOW_MS = 250
GOOD_MEASUREMENTS = 2


@dataclass(frozen=True, slots=True)
class DriftMemory:
    """Whether openings are held back, and how many good measurements there were since."""

    is_held: bool = False
    good: int = 0


def measured(memory: DriftMemory, offset_ms: int) -> DriftMemory:
    """Venue clock minus ours was measured."""
    if abs(offset_ms) > HOLD_ABOVE_MS:
        return DriftMemory(is_held=True)
    if not memory.is_held:
        return memory
    good = memory.good + 1 if abs(offset_ms) < GOOD_BELOW_MS else 0
    return DriftMemory(is_held=good < GOOD_MEASUREMENTS, good=good)
