"""Faults of the paper venue: what happens to this call, what happens to this frame.

Pure decisions: the chance is given, the time is an argument, nothing is sent or awaited here, so a
simulator asks the same `FaultBook` as the server. `fault_kinds` lists the kinds.
"""

import random
from dataclasses import asdict, dataclass
from typing import Any

from tradeops.exchange.paper import fault_kinds as kinds

_FIELDS = {"kind", "match", "count", "rate", "ms", "until", "kinds"}
# How long a fault holds or lasts when its description does not say, milliseconds.
_DEFAULT_MS = {
    kinds.TIMEOUT_BEFORE: 30_000,
    kinds.TIMEOUT_AFTER: 30_000,
    kinds.STALE_READ: 3_000,
    kinds.READ_LAG: 3_000,
    kinds.WS_DELAY: 500,
    kinds.WS_REORDER: 500,
}
STORM_MS = 1_500
MOST_PIECES = 4


class FaultError(ValueError):
    """A fault description is not understood; the text says why."""


@dataclass(slots=True)
class Fault:
    """One fault. `match` is a part of "METHOD /path account" or "account EVENT"; empty matches all.

    `count` = how often it strikes (None: until removed), `rate` = how likely, `until_ms` = when it
    ends by the venue's clock (0: never), `hits` = how often it has struck, `kinds` = what a storm
    may bring (empty: everything that a storm knows).
    """

    fault_id: int
    kind: str
    match: str = ""
    count: int | None = None
    rate: float = 1.0
    ms: int = 0
    until_ms: int = 0
    hits: int = 0
    kinds: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fault as the control routes show it."""
        return asdict(self)


@dataclass(slots=True)
class CallFate:
    """What happens to one call, in this order.

    It waits `delay_ms`; with `before` the venue never sees it; else it is answered from books that
    are `stale_ms` old and with takers cut into `pieces`; an order that it placed stays invisible to
    reads for `hidden_ms`; with `after` the answer does not arrive as it was. `hold_ms` is how long
    the caller waits for a lost answer, `until_ms` the end of a ban.
    """

    delay_ms: int = 0
    before: str = ""
    after: str = ""
    hold_ms: int = 0
    until_ms: int = 0
    stale_ms: int = 0
    hidden_ms: int = 0
    pieces: int = 1


@dataclass(slots=True)
class FrameFate:
    """What happens to one frame on its way to its listeners.

    `copies` 0 = lost. `delay_ms` holds it and everything behind it, `swap_ms` holds it alone until
    the next frame has passed or that time is over. `mangle` is WS_TRUNCATE or WS_GARBAGE, `cut` the
    part of a truncated text that arrives (0 to 1). `closes`: the connection ends instead.
    """

    copies: int = 1
    delay_ms: int = 0
    swap_ms: int = 0
    mangle: str = ""
    cut: float = 1.0
    closes: bool = False


class FaultBook:
    """The faults that are on. `seed` is a seed or a source of chance of the caller's own."""

    def __init__(self, seed: int | random.Random) -> None:
        # Chance for tests, not for secrets.
        self._random = random.Random(seed) if isinstance(seed, int) else seed  # noqa: S311
        self._faults: list[Fault] = []
        self._next_id = 1
        # What struck, by kind, since the start: switching a fault off does not forget it.
        self.struck: dict[str, int] = {}

    def add(self, body: dict[str, Any], now_ms: int) -> Fault:
        """Switch a fault on. Raises: FaultError."""
        fault = self._read(body)
        if fault.ms and not fault.until_ms and fault.kind in kinds.LASTING:
            fault.until_ms = now_ms + fault.ms
        self._next_id += 1
        self._faults.append(fault)
        return fault

    def on_call(self, label: str, now_ms: int) -> CallFate:
        """Decide about one call, "METHOD /path account"; counts what strikes."""
        fate, wanted = CallFate(), set(kinds.CALL_KINDS)
        for fault in list(self._faults):
            kind = self._strike(fault, label, now_ms, wanted)
            if kind is None:
                continue
            self._mark_call(fate, kind, fault, now_ms)
            # What never arrives meets nothing else, and an answer is lost only once.
            wanted -= set(kinds.CALL_KINDS if fate.before else kinds.AFTER if fate.after else ())
        return fate

    def on_frame(self, label: str, now_ms: int) -> FrameFate:
        """Decide about one frame, "account EVENT" or "market stream"; counts what strikes."""
        fate, wanted = FrameFate(), set(kinds.FRAME_KINDS)
        for fault in list(self._faults):
            kind = self._strike(fault, label, now_ms, wanted)
            if kind is not None:
                self._mark_frame(fate, kind, fault)
            if not fate.copies or fate.closes:
                break
        return fate

    def refuses_socket(self, label: str, now_ms: int) -> bool:
        """True while new connections are turned away, "account private" or "market stream"."""
        wanted = {kinds.WS_DISCONNECT}
        return any(self._strike(f, label, now_ms, wanted) for f in list(self._faults))

    def remove(self, fault_id: int | None = None) -> None:
        """Switch one fault off, or all."""
        self._faults = (
            [] if fault_id is None else [f for f in self._faults if f.fault_id != fault_id]
        )

    def listing(self) -> list[dict[str, Any]]:
        """The faults that are on, oldest first."""
        return [fault.as_json() for fault in self._faults]

    @property
    def looks_back_ms(self) -> int:
        """How far back a read may have to look: the oldest stale read that can strike, 0 none."""
        return max((self._look_back(fault) for fault in self._faults), default=0)

    def _read(self, body: dict[str, Any]) -> Fault:
        unknown = set(body) - _FIELDS
        kind = body.get("kind")
        if kind not in kinds.KINDS or unknown:
            raise FaultError(
                f"kind must be one of {', '.join(kinds.KINDS)}; unknown fields: {sorted(unknown)}"
            )
        brings = tuple(str(name) for name in body.get("kinds") or ())
        if brings and (kind != kinds.STORM or not set(brings) <= set(kinds.STORM_WEIGHTS)):
            raise FaultError(f"kinds belong to a storm: {', '.join(kinds.STORM_WEIGHTS)}")
        try:
            return Fault(
                fault_id=self._next_id,
                kind=kind,
                match=str(body.get("match") or ""),
                count=None if body.get("count") is None else int(body["count"]),
                rate=float(body.get("rate", 1.0)),
                ms=int(body.get("ms") or 0),
                until_ms=int(body.get("until") or 0),
                kinds=brings,
            )
        except (TypeError, ValueError) as wrong:
            raise FaultError(f"count, rate, ms and until must be numbers: {wrong}") from wrong

    def _strike(self, fault: Fault, label: str, now_ms: int, wanted: set[str]) -> str | None:
        """The kind that this fault brings here and now, None when it does not; counted."""
        if fault.until_ms and now_ms >= fault.until_ms:
            self._faults.remove(fault)
            return None
        if fault.match not in label:
            return None
        may = [k for k in self._brought_by(fault) if k in wanted and kinds.applies(k, label)]
        if not may or (fault.rate < 1 and self._random.random() >= fault.rate):
            return None
        kind = may[0]
        if fault.kind == kinds.STORM:
            weights = [kinds.STORM_WEIGHTS[k] for k in may]
            kind = self._random.choices(may, weights)[0]
        fault.hits += 1
        self.struck[kind] = self.struck.get(kind, 0) + 1
        if fault.count is not None and fault.hits >= fault.count:
            self._faults.remove(fault)
        return kind

    def _brought_by(self, fault: Fault) -> tuple[str, ...]:
        if fault.kind != kinds.STORM:
            return (fault.kind,)
        return fault.kinds or tuple(kinds.STORM_WEIGHTS)

    def _mark_call(self, fate: CallFate, kind: str, fault: Fault, now_ms: int) -> None:
        ms = self._length_ms(kind, fault)
        if kind == kinds.LATENCY:
            fate.delay_ms += ms
        elif kind == kinds.STALE_READ:
            fate.stale_ms = max(fate.stale_ms, ms)
        elif kind == kinds.READ_LAG:
            fate.hidden_ms = max(fate.hidden_ms, ms)
        elif kind == kinds.PARTIAL_FILL:
            fate.pieces = self._random.randint(2, MOST_PIECES)
        elif kind in kinds.BEFORE:
            fate.before, fate.hold_ms, fate.until_ms = kind, ms, fault.until_ms
            if kind == kinds.BAN_418 and not fault.until_ms:
                fate.until_ms = now_ms + kinds.FIRST_BAN_MS
        else:
            fate.after, fate.hold_ms = kind, ms

    def _mark_frame(self, fate: FrameFate, kind: str, fault: Fault) -> None:
        ms = self._length_ms(kind, fault)
        if kind in (kinds.WS_MUTE, kinds.WS_DROP):
            fate.copies = 0
        elif kind == kinds.WS_DUPLICATE and fate.copies:
            fate.copies = 2
        elif kind == kinds.WS_DELAY:
            fate.delay_ms = max(fate.delay_ms, ms)
        elif kind == kinds.WS_REORDER:
            fate.swap_ms = max(fate.swap_ms, ms)
        elif kind in (kinds.WS_TRUNCATE, kinds.WS_GARBAGE):
            fate.mangle, fate.cut = kind, self._random.random()
        elif kind == kinds.WS_CLOSE:
            fate.closes = True

    def _length_ms(self, kind: str, fault: Fault) -> int:
        if fault.kind == kinds.STORM:
            return self._random.randint(1, fault.ms or STORM_MS)
        if kind in kinds.LASTING:
            return 0
        return fault.ms or _DEFAULT_MS.get(kind, 0)

    def _look_back(self, fault: Fault) -> int:
        if kinds.STALE_READ not in self._brought_by(fault):
            return 0
        default = STORM_MS if fault.kind == kinds.STORM else _DEFAULT_MS[kinds.STALE_READ]
        return fault.ms or default
