"""What the live websocket sends: group names, payloads, and the order of events of one account.

Publishers call from worker threads after their commit. A message is a hint: a consumer that finds a
number missing reads the event from the journal, so a lost one costs time only (D1, F42, F53).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, ParamSpec, TypeVar

from channels.layers import get_channel_layer
from django.db import close_old_connections

from tradeops.journal import codec
from tradeops.journal.event_store import Stored
from tradeops.journal.models import Event
from tradeops.kit.portal import portal

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")

SEND_TIMEOUT_S = 2.0
MAX_PENDING_SENDS = 1_000
MAX_HELD_EVENTS = 5_000
MAX_MISSED = 500

_threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="live")
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
    return _frame(
        stored.account_id,
        stored.seq,
        type(stored.event).__name__,
        codec.encode(stored.event),
        stored.recorded_at,
    )


def _frame(
    account_id: int, seq: int, name: str, data: dict[str, Any], recorded_at: datetime
) -> str:
    return json.dumps(
        {
            "type": "event",
            "account": account_id,
            "seq": seq,
            "event": name,
            "data": data,
            "at": recorded_at.isoformat(),
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An account up to event `seq`; `rest` is its JSON object without the opening brace."""

    seq: int
    rest: str

    def frame(self, kind: str) -> str:
        """The websocket frame of type "snapshot" or "state"."""
        return f'{{"type":"{kind}",{self.rest}'


class LiveReads:
    """What the clients of one process read from the database, shared between them."""

    def __init__(self, snapshot: Callable[[int], dict[str, Any]]) -> None:
        self._read = snapshot
        self._snapshots = SharedReads(self._encoded)
        self._events = SharedReads(_frames_after)

    async def snapshot(self, account_id: int) -> Snapshot:
        """The account as the database has it now; raises what the read raises."""
        return await self._snapshots.get(account_id)

    async def events(self, account_id: int, after_seq: int) -> list[tuple[int, str]]:
        """Numbers and frames of the events behind `after_seq`, at most MAX_MISSED of them."""
        return await self._events.get((account_id, after_seq))

    def _encoded(self, account_id: int) -> Snapshot:
        data = self._read(account_id)
        return Snapshot(data["seq"], json.dumps(data, separators=(",", ":"))[1:])


class SharedReads(Generic[K, T]):
    """Runs a read once for everybody who waits for the same thing.

    A caller gets a read that began after it asked: whoever comes while one runs shares the next.
    """

    def __init__(self, read: Callable[[K], T]) -> None:
        self._read = read
        self._running: dict[K, asyncio.Task[T]] = {}
        self._next: dict[K, asyncio.Task[T]] = {}

    async def get(self, key: K) -> T:
        """The value as it is now; raises what the read raises."""
        task = self._next.get(key)
        if task is None:
            task = asyncio.create_task(self._run(key, self._running.get(key)))
            self._next[key] = task
        return await asyncio.shield(task)

    async def _run(self, key: K, before: "asyncio.Task[T] | None") -> T:
        if before is not None:
            await asyncio.wait([before])
        task = self._running[key] = self._next.pop(key)
        try:
            return await in_thread(self._read, key)
        finally:
            if self._running.get(key) is task:
                del self._running[key]


def _frames_after(place: tuple[int, int]) -> list[tuple[int, str]]:
    account_id, after_seq = place
    rows = Event.objects.filter(account_id=account_id, seq__gt=after_seq).order_by("seq")
    fields = rows.values_list("seq", "type", "payload", "recorded_at")[:MAX_MISSED]
    return [
        (seq, _frame(account_id, seq, name, payload, recorded_at))
        for seq, name, payload, recorded_at in fields
    ]


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run database work on the websocket's own two threads, whose connections persist.

    Connections that Django's settings do not keep are returned afterwards (F61).
    """

    def run() -> T:
        close_old_connections()
        try:
            return function(*args, **kwargs)
        finally:
            close_old_connections()

    return await asyncio.get_running_loop().run_in_executor(_threads, run)


class Feed:
    """Puts one account's events into order for one client.

    Workers publish after their commits, so 8 may arrive before 7, and 7 not at all. Until `start`
    gives the snapshot's number everything is held; then `take` returns frames with numbers rising
    by one.
    """

    def __init__(self) -> None:
        self.seq: int | None = None
        self.has_overflowed = False
        self._held: dict[int, str] = {}

    def push(self, seq: int, frame: str) -> None:
        """Take an event in; one that the client has already is dropped."""
        if self.seq is not None and seq <= self.seq:
            return
        self._held[seq] = frame
        if len(self._held) > MAX_HELD_EVENTS:
            self.reset()
            self.has_overflowed = True

    def start(self, seq: int) -> None:
        """Continue after a snapshot that contains everything up to `seq`."""
        self.seq = seq
        self._held = {number: frame for number, frame in self._held.items() if number > seq}

    def reset(self) -> None:
        """Forget everything: a new snapshot is on its way."""
        self.seq = None
        self.has_overflowed = False
        self._held.clear()

    def take(self) -> list[str]:
        """Frames that may be sent now, in order."""
        ready: list[str] = []
        while self.seq is not None and (frame := self._held.pop(self.seq + 1, None)) is not None:
            ready.append(frame)
            self.seq += 1
        return ready

    @property
    def is_missing_one(self) -> bool:
        """Whether an event has not come while a later one has."""
        return self.seq is not None and bool(self._held)
