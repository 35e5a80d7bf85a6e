"""Faults an operator or a test switches on while the venue runs.

Seeded; the time is an argument.
"""

import random
from dataclasses import asdict, dataclass
from typing import Any

HTTP_5XX_BEFORE = "http_5xx_before"
HTTP_5XX_AFTER = "http_5xx_after"
TIMEOUT_BEFORE = "timeout_before"
TIMEOUT_AFTER = "timeout_after"
LATENCY = "latency"
THROTTLE_429 = "throttle_429"
BAN_418 = "ban_418"
WS_MUTE = "ws_mute"
WS_DROP = "ws_drop"
WS_DUPLICATE = "ws_duplicate"
WS_DISCONNECT = "ws_disconnect"
LISTEN_KEY_EXPIRE = "listen_key_expire"

KINDS = (
    HTTP_5XX_BEFORE, HTTP_5XX_AFTER, TIMEOUT_BEFORE, TIMEOUT_AFTER, LATENCY, THROTTLE_429, BAN_418,
    WS_MUTE, WS_DROP, WS_DUPLICATE, WS_DISCONNECT, LISTEN_KEY_EXPIRE,
)  # fmt: skip
# For these `ms` is how long the fault lasts; for the others it is how long a request is held.
_LASTING = (BAN_418, WS_MUTE, WS_DROP, WS_DUPLICATE, WS_DISCONNECT)
_FIELDS = {"kind", "match", "count", "rate", "ms", "until"}


class FaultError(ValueError):
    """A fault description is not understood; the text says why."""


@dataclass(slots=True)
class Fault:
    """One fault. `match` is a part of "METHOD /path account" or "account EVENT"; empty matches all.

    `count` = how often it strikes (None: until removed), `rate` = how likely, `until_ms` = when it
    ends by the venue's clock (0: never), `hits` = how often it has struck.
    """

    fault_id: int
    kind: str
    match: str = ""
    count: int | None = None
    rate: float = 1.0
    ms: int = 0
    until_ms: int = 0
    hits: int = 0

    def as_json(self) -> dict[str, Any]:
        """The fault as the control routes show it."""
        return asdict(self)


class FaultBook:
    """The faults that are on."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - chance for tests, not a secret
        self._faults: list[Fault] = []
        self._next_id = 1

    def add(self, body: dict[str, Any], now_ms: int) -> Fault:
        """Switch a fault on. Raises: FaultError."""
        unknown = set(body) - _FIELDS
        kind = body.get("kind")
        if kind not in KINDS or unknown:
            raise FaultError(
                f"kind must be one of {', '.join(KINDS)}; unknown fields: {sorted(unknown)}"
            )
        try:
            fault = Fault(
                fault_id=self._next_id,
                kind=kind,
                match=str(body.get("match") or ""),
                count=None if body.get("count") is None else int(body["count"]),
                rate=float(body.get("rate", 1.0)),
                ms=int(body.get("ms") or 0),
                until_ms=int(body.get("until") or 0),
            )
        except (TypeError, ValueError) as wrong:
            raise FaultError(f"count, rate, ms and until must be numbers: {wrong}") from wrong
        if fault.ms and not fault.until_ms and kind in _LASTING:
            fault.until_ms = now_ms + fault.ms
        self._next_id += 1
        self._faults.append(fault)
        return fault

    def pick(self, kinds: tuple[str, ...], text: str, now_ms: int) -> Fault | None:
        """The first fault of these kinds that strikes here and now; counts the strike."""
        if not self._faults:
            return None
        for fault in list(self._faults):
            if fault.until_ms and now_ms >= fault.until_ms:
                self._faults.remove(fault)
            elif fault.kind in kinds and fault.match in text and self._strikes(fault):
                return fault
        return None

    def remove(self, fault_id: int | None = None) -> None:
        """Switch one fault off, or all."""
        self._faults = (
            [] if fault_id is None else [f for f in self._faults if f.fault_id != fault_id]
        )

    def listing(self) -> list[dict[str, Any]]:
        """The faults that are on, oldest first."""
        return [fault.as_json() for fault in self._faults]

    def _strikes(self, fault: Fault) -> bool:
        if fault.rate < 1 and self._random.random() >= fault.rate:
            return False
        fault.hits += 1
        if fault.count is not None and fault.hits >= fault.count:
            self._faults.remove(fault)
        return True
