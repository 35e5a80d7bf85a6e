"""The only place that reads the system's clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`tradeops.domain.clock.Clock` of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()
