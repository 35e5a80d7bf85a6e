"""The only shape in which time enters decisions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where services take the time from."""

    def now(self) -> datetime:
        """Aware UTC wall time."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never step back; only differences mean something."""
        ...


@dataclass(slots=True)
class FrozenClock:
    """A clock that moves only when told to."""

    at: datetime
    elapsed_s: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic_s(self) -> float:
        return self.elapsed_s

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.elapsed_s += seconds


def from_epoch_ms(milliseconds: int) -> datetime:
    """Aware UTC time of a venue's epoch milliseconds."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(
        milliseconds=milliseconds % 1000
    )


def to_epoch_ms(at: datetime) -> int:
    """Epoch milliseconds of an aware time."""
    delta = at - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000
