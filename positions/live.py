"""What the live websocket sends: group names, payloads, and the order of events of one account.

Publishers call from worker threads after their commit; a lost message is harmless, since a consumer
compares what it sent with the journal's head and starts again from a snapshot (F42, F53).
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from channels.layers import get_channel_layer

from tradeops.journal import codec
from tradeops.journal.event_store import Stored
from tradeops.kit.portal import portal

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 2.0
MAX_PENDING_SENDS = 1_000
MAX_HELD_EVENTS = 1_000

_pending = 0  # counted on the portal's loop only


def group_name(account_id: int) -> str:
    """The layer group of one account's live messages; 0 is the desk as a whole."""
    return f"account.{account_id}"


def publish_events(account_id: int, events: Sequence[Stored]) -> None:
    """Send journalled events to everybody who watches the account.

    Call after the commit. Returns at once and never raises; one layer message carries the batch.
    """
    if events:
        frames = [[stored.seq, event_frame(stored)] for stored in events]
        _send(account_id, {"type": "live.events", "account": account_id, "frames": frames})


def publish_marks(account_id: int, marks: Mapping[str, Mapping[str, str]]) -> None:
    """Send `{symbol: {"mark", "upnl"}}` (quote per base, quote) to who watches the account.

    Returns at once and never raises. Consumers merge what comes faster than they may send.
    """
    if marks:
        data = {symbol: dict(values) for symbol, values in marks.items()}
        _send(account_id, {"type": "live.marks", "account": account_id, "data": data})


def event_frame(stored: Stored) -> str:
    """The websocket frame of one event, encoded once for all watchers (contract.md "WebSocket")."""
    return json.dumps(
        {
            "type": "event",
            "account": stored.account_id,
            "seq": stored.seq,
            "event": type(stored.event).__name__,
            "data": codec.encode(stored.event),
            "at": stored.recorded_at.isoformat(),
        },
        separators=(",", ":"),
    )


def _send(account_id: int, message: dict[str, Any]) -> None:
    try:
        portal().start(_group_send(group_name(account_id), message))
    except RuntimeError as error:  # the interpreter is going down
        logger.warning("live message not sent: %s", error)


async def _group_send(group: str, message: dict[str, Any]) -> None:
    global _pending  # noqa: PLW0603 – only this loop counts
    if _pending >= MAX_PENDING_SENDS:
        return  # Redis hangs; watchers find the gap and start again
    _pending += 1
    try:
        await asyncio.wait_for(get_channel_layer().group_send(group, message), SEND_TIMEOUT_S)
    except Exception as error:  # noqa: BLE001 – a watcher's problem must not become a worker's
        logger.warning("live message to %s not sent: %s", group, type(error).__name__)
    finally:
        _pending -= 1


class Feed:
    """Puts one account's events into order for one client.

    Two workers publish after their commits, so 8 may arrive before 7. Until `start` gives the
    snapshot's number everything is held; afterwards `take` returns frames with numbers rising by one.
    """

    def __init__(self) -> None:
        self.seq: int | None = None
        self._held: dict[int, str] = {}

    def push(self, seq: int, frame: str) -> None:
        """Take an event in; those that the client has already are dropped."""
        if self.seq is None or seq > self.seq:
            self._held[seq] = frame

    def start(self, seq: int) -> None:
        """Continue after a snapshot that contains everything up to `seq`."""
        self.seq = seq
        self._held = {number: frame for number, frame in self._held.items() if number > seq}

    def reset(self) -> None:
        """Forget everything: a new snapshot is on its way."""
        self.seq = None
        self._held.clear()

    def take(self) -> list[str]:
        """Frames that may be sent now, in order."""
        ready: list[str] = []
        while self.seq is not None and (frame := self._held.pop(self.seq + 1, None)) is not None:
            ready.append(frame)
            self.seq += 1
        return ready

    @property
    def has_gap(self) -> bool:
        """Whether events wait for one that has not come."""
        return self.seq is not None and bool(self._held)

    @property
    def is_overflowing(self) -> bool:
        """Whether the client is too slow to be served event by event."""
        return len(self._held) > MAX_HELD_EVENTS
