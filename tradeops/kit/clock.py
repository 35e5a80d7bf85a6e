"""The only place that reads the system's clocks."""

import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """`tradeops.domain.clock.Clock` of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


SYSTEM_CLOCK = SystemClock()


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Names the run of this machine's kernel; "" where the system does not tell."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def since_boot_ms() -> int:
    """Milliseconds since the machine started, sleep included; nobody can set it (F66)."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
