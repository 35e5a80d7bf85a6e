"""SAFE: this process has met something that makes sending orders unsafe.

The state belongs to the process and lives in memory only: what causes it (a full disk, another
build) mostly keeps it from being written anywhere. `tradeops.watch` looks each two seconds and lets
go of what is over. STOPS reasons claim nothing and refuse writes; CLOSES reasons refuse openings.
"""

import logging
import threading
from dataclasses import dataclass

from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.reasons import REASONS, Effect, Reason, stops

logger = logging.getLogger(__name__)

SCOPE = "process"
_lock = threading.Lock()
_active: dict[Reason, str] = {}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One reason that holds now, and what exactly was seen."""

    reason: Reason
    detail: str

    def __str__(self) -> str:
        return f"{self.reason}: {REASONS[self.reason].meaning} {self.detail}".strip()


def enter(reason: Reason, detail: str) -> None:
    """Be SAFE because of `reason`; logged once, when it is new.

    Raises:
        ValueError: for a reason that makes nothing SAFE.
    """
    if REASONS[reason].effect not in (Effect.STOPS, Effect.CLOSES):
        raise ValueError(f"{reason} makes nothing SAFE")
    with _lock:
        is_new = reason not in _active
        _active[reason] = detail
    if is_new:
        logger.critical("SAFE %s", Trouble(reason, detail))


def leave(reason: Reason) -> None:
    """`reason` is over."""
    with _lock:
        was_active = _active.pop(reason, None) is not None
    if was_active:
        logger.warning("no longer SAFE by %s", reason)


def troubles() -> tuple[Trouble, ...]:
    """Everything that holds now, by number."""
    with _lock:
        found = sorted(_active.items())
    return tuple(Trouble(reason, detail) for reason, detail in found)


def stopped_by() -> Trouble | None:
    """Why this process may neither claim a command nor accept one; None when it may."""
    if not _active:  # each claim and each request asks
        return None
    return next((item for item in troubles() if stops(item.reason)), None)


def states() -> tuple[tuple[str, str], ...]:
    """(scope, reason) of each trouble, for the gate that refuses openings."""
    if not _active:
        return ()
    return tuple((SCOPE, str(item)) for item in troubles())


class StoppedError(TradeOpsError):
    """This process is SAFE; `trouble` has the number."""

    def __init__(self, trouble: Trouble) -> None:
        entry = REASONS[trouble.reason]
        super().__init__(
            ErrorCode.SAFE,
            f"{trouble.reason}: {entry.meaning} {entry.remedy}",
            details={"reason": trouble.reason},
        )
        self.trouble = trouble
