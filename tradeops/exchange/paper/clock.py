"""The venue's clock: the machine's, shifted as a test asks. The only room that reads the time."""

import time

_NS_PER_MS = 1_000_000


class VenueClock:
    """Milliseconds since 1970, shifted by an offset that can change while the venue runs."""

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms

    def now_ms(self) -> int:
        """The venue's time."""
        return _machine_ms() + self.offset_ms

    def set_to(self, moment_ms: int) -> None:
        """Make the venue's time `moment_ms` now; it runs on from there."""
        self.offset_ms = moment_ms - _machine_ms()


def _machine_ms() -> int:
    # The exchange package may not import the Django toolkit that holds the project's clock.
    return time.time_ns() // _NS_PER_MS  # noqa: TID251
