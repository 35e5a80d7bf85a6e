"""Frames on their way from the venue to its listeners, through the faults that are on. Pure.

Each account and each market stream is a lane of its own: a delayed frame holds up all behind it.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from tradeops.exchange.paper.fault_kinds import WS_TRUNCATE
from tradeops.exchange.paper.faults import FaultBook, FrameFate
from tradeops.exchange.paper.wire.streams import Frame

# What arrives in place of a frame: broken, foreign and hostile texts.
GARBAGE = (
    "",
    "null",
    "[]",
    "{",
    "\x00\x01\ufffd",
    "NaN",
    '{"e":42}',
    '{"e":"SOMETHING_OF_NEXT_YEAR","E":1,"x":{"y":[1,2,3]}}',
    '{"e":"ORDER_TRADE_UPDATE","E":1,"T":1,"o":null}',
    '{"e":"ORDER_TRADE_UPDATE","E":1,"T":1,"o":{"s":"BTCUSDT","X":"HALF_FILLED","i":"x"}}',
    '{"e":"ACCOUNT_UPDATE","E":1,"T":1,"a":{"m":"ORDER","B":[{"a":"USDT","wb":"1e400"}]}}',
    "[" * 2_000,
)


@dataclass(frozen=True, slots=True)
class Passed:
    """A frame that reaches its listeners now, as its fate has it."""

    frame: Frame
    fate: FrameFate

    def text(self, message: str) -> str:
        """What a listener reads where it should read `message`."""
        if not self.fate.mangle:
            return message
        if self.fate.mangle == WS_TRUNCATE:
            return message[: int(len(message) * self.fate.cut)]
        return GARBAGE[int(len(GARBAGE) * self.fate.cut)]


@dataclass(slots=True)
class _Lane:
    """`queue`: frames in their order with the moment each may pass. `aside`: to be overtaken."""

    queue: deque[tuple[int, Passed]] = field(default_factory=deque)
    aside: list[tuple[int, Passed]] = field(default_factory=list)


class Transit:
    """All frames that are under way."""

    def __init__(self, faults: FaultBook) -> None:
        self._faults = faults
        self._lanes: dict[str, _Lane] = {}

    def send(self, frames: Iterable[Frame], now_ms: int) -> list[Passed]:
        """Put frames on their way; returns what arrives at once, in the order of arrival."""
        arrived: list[Passed] = []
        for frame in frames:
            label = f"{frame.account} {frame.event}" if frame.account else f"market {frame.stream}"
            fate = self._faults.on_frame(label, now_ms)
            if not fate.copies:
                continue
            lane = self._lanes.setdefault(frame.account or label, _Lane())
            passed = Passed(frame, fate)
            if fate.swap_ms:
                lane.aside.append((now_ms + fate.swap_ms, passed))
            elif fate.delay_ms or lane.queue:
                last = lane.queue[-1][0] if lane.queue else 0
                lane.queue.append((max(last, now_ms + fate.delay_ms), passed))
            else:
                arrived += [passed, *_overtaken(lane)]
        return arrived

    def due(self, now_ms: int) -> list[Passed]:
        """What was held up and arrives now, in the order of arrival."""
        arrived: list[Passed] = []
        for name, lane in list(self._lanes.items()):
            while lane.queue and lane.queue[0][0] <= now_ms:
                arrived += [lane.queue.popleft()[1], *_overtaken(lane)]
            over = [passed for end, passed in lane.aside if end <= now_ms]
            lane.aside = [held for held in lane.aside if held[0] > now_ms]
            arrived += over
            if not lane.queue and not lane.aside:
                del self._lanes[name]
        return arrived

    def next_due_ms(self) -> int | None:
        """When something held up arrives next, None when nothing is."""
        moments = [held[0] for lane in self._lanes.values() for held in (*lane.queue, *lane.aside)]
        return min(moments, default=None)


def _overtaken(lane: _Lane) -> list[Passed]:
    passed = [held for _, held in lane.aside]
    lane.aside = []
    return passed
