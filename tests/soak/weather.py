"""The paper venue's faults during a soak: a storm all the time, and streams that fall silent."""

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.stack import Stack
from tradeops.exchange.paper import fault_kinds as kinds

CALL_MS = 1_500
FRAME_MS = 100
CALLS = [name for name in kinds.STORM_WEIGHTS if not name.startswith("ws_")]
FRAMES = [name for name in kinds.STORM_WEIGHTS if name.startswith("ws_")]


@dataclass(frozen=True, slots=True)
class Silence:
    """When an account's stream was muted."""

    account: str
    began: datetime
    ended: datetime


@dataclass
class Weather:
    """Faults at a rate of all calls and frames until `clear`."""

    stack: Stack
    rate: float
    silences: list[Silence] = field(default_factory=list)
    error: Exception | None = None

    def begin(self) -> None:
        """Let it storm: calls up to 1.5 s late, stale or lost, frames up to 0.1 s."""
        self._post(kind=kinds.STORM, rate=self.rate, ms=CALL_MS, kinds=CALLS)
        self._post(kind=kinds.STORM, rate=self.rate, ms=FRAME_MS, kinds=FRAMES)

    def mute(self, accounts: tuple[str, ...], *, after_s: float, for_s: float) -> threading.Thread:
        """Silence every account's stream once, later."""

        def work() -> None:
            try:
                time.sleep(after_s)
                began = datetime.now(UTC)
                for account in accounts:
                    self._post(kind=kinds.WS_MUTE, match=f"{account} ", ms=int(for_s * 1_000))
                time.sleep(for_s)
                ended = datetime.now(UTC)
                self.silences += [Silence(account, began, ended) for account in accounts]
            except Exception as error:  # noqa: BLE001 – told at the end
                self.error = error

        thread = threading.Thread(target=work, name="mute", daemon=True)
        thread.start()
        return thread

    def clear(self) -> dict[str, int]:
        """End all faults; how often each kind has struck."""
        self.stack.paper("DELETE", "/paper/faults")
        if self.error is not None:
            raise self.error
        struck: dict[str, int] = self.stack.paper("GET", "/paper/health")["struck"]
        return struck

    def _post(self, **fault: Any) -> None:
        self.stack.paper("POST", "/paper/faults", fault)
