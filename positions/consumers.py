"""`/ws/v1/live`: snapshots, events in order, marks (contract.md "WebSocket").

One task per client sends everything; handlers only put things where the task finds them, so frames
never overtake each other. `_due` says what has to be done when.
"""

import asyncio
import json
import logging
import re
from typing import Any

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer

from positions.auth import Watcher, identify, may_watch
from positions.live import MAX_MISSED, Feed, LiveReads, group_name, in_thread
from tradeops.journal.models import SYSTEM_ACCOUNT_ID, JournalHead

logger = logging.getLogger(__name__)

PING_S = 10.0
AUTH_S = 60.0
REGROUP_S = 3600.0  # a layer may forget members after a day (F54)
MARKS_S = 0.25
STATE_S = 0.25
STATE_IDLE_S = 5.0
TICK_S = 1.0  # a page that shows "stale" after two seconds must hear something in between
MAX_FRAME = 4096
_ACCOUNT_ID = re.compile(r"[0-9]{1,18}")
UNSUPPORTED, TOO_BIG, INTERNAL, UNAUTHENTICATED = 1003, 1009, 1011, 4401


class LiveConsumer(AsyncWebsocketConsumer):
    """One client. `reads` is shared by the process and given by `tradeops.routing`."""

    def __init__(self, *, reads: LiveReads) -> None:
        super().__init__()
        self._reads = reads
        self._watcher: Watcher | None = None
        self._feeds: dict[int, Feed] = {}
        self._wanted: set[int] = set()  # accounts whose snapshot is to be sent
        self._marks: dict[int, dict[str, dict[str, str]]] = {}
        self._outbox: list[dict[str, Any]] = []
        self._sends_state = False
        self._due: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._woken = asyncio.Event()
        self._sender: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept who is known: a session of this origin, or a fresh ticket (F81)."""
        self._watcher = await identify(self.scope)
        if self._watcher is None:
            await self.close(UNAUTHENTICATED)
            return
        await self.accept()
        for name, delay_s in (("ping", PING_S), ("auth", AUTH_S), ("regroup", REGROUP_S)):
            self._plan(name, delay_s)
        self._sender = asyncio.create_task(self._send_forever())

    async def disconnect(self, _code: int) -> None:
        """End the sender and leave the groups."""
        if self._sender is not None:
            self._sender.cancel()
        for account_id in {*self._feeds, *([SYSTEM_ACCOUNT_ID] if self._feeds else [])}:
            await self.channel_layer.group_discard(group_name(account_id), self.channel_name)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler.

        Channels would first visit a thread to close old connections: for 200 clients that took
        longer than the rest of an event's way. Here `in_thread` alone touches the database.
        """
        handler = getattr(self, get_handler_name(message), None)
        if handler is None:
            raise ValueError(f"no handler for {message['type']}")
        await handler(message)

    # --- From the client --------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take `{"subscribe": ["account:1"], "state"?: true}` and `{"resync": 1}`.

        With `state` the client gets a frame of type "state", shaped like a snapshot, whenever the
        account changed (at most four a second) and every five seconds, and a ping every second.
        """
        if text_data is None or len(text_data) > MAX_FRAME:
            await self.close(UNSUPPORTED if bytes_data else TOO_BIG)
            return
        try:
            asked = json.loads(text_data)
        except (ValueError, RecursionError):
            asked = None
        if isinstance(asked, dict) and isinstance(asked.get("subscribe"), list):
            if asked.get("state") is True:
                self._sends_state = True
                self._plan("tick", TICK_S)
            for name in asked["subscribe"]:
                await self._subscribe(name)
        elif isinstance(asked, dict) and "resync" in asked:
            self._resync(_account_id(asked["resync"]))
        else:
            self._refuse("VALIDATION_ERROR", "Send subscribe or resync in a JSON object.")

    async def _subscribe(self, name: object) -> None:
        account_id = _account_id(name)
        if account_id is None or not await self._may_watch(account_id):
            self._refuse("FORBIDDEN", f"There is no account {str(name)[:40]!r} for you.")
            return
        if account_id not in self._feeds:
            self._feeds[account_id] = Feed()
            await self._join()  # before the snapshot is read: no event falls between the two
        self._resync(account_id)

    async def _may_watch(self, *account_ids: int) -> bool:
        return self._watcher is not None and await in_thread(may_watch, self._watcher, *account_ids)

    async def _join(self) -> None:
        for account_id in (SYSTEM_ACCOUNT_ID, *self._feeds):
            await self.channel_layer.group_add(group_name(account_id), self.channel_name)

    def _resync(self, account_id: int | None) -> None:
        if account_id not in self._feeds:
            self._refuse("NOT_FOUND", "You did not subscribe to this account.")
            return
        self._wanted.add(account_id)
        self._plan("snapshot")

    def _refuse(self, code: str, detail: str) -> None:
        self._outbox.append({"type": "error", "code": code, "detail": detail})
        self._woken.set()

    # --- From the channel layer -------------------------------------------------------------------

    async def live_events(self, message: dict[str, Any]) -> None:
        """Take a batch of events in."""
        if message["account"] == SYSTEM_ACCOUNT_ID:
            # A desk-wide change (halt, limit) has its own numbering: show its effect instead.
            self._wanted.update(self._feeds)
            self._plan("snapshot")
            return
        feed = self._feeds.get(message["account"])
        if feed is not None:
            for seq, frame in message["frames"]:
                feed.push(seq, frame)
            if self._sends_state:
                self._plan("state")
            self._woken.set()

    async def live_marks(self, message: dict[str, Any]) -> None:
        """Merge marks until they may be sent."""
        if message["account"] in self._feeds:
            self._marks.setdefault(message["account"], {}).update(message["data"])
            self._plan("marks")

    # --- The sender -------------------------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _plan(self, name: str, delay_s: float = 0.0) -> None:
        """Do `name` after the delay, not earlier than its own pace allows, once."""
        at = max(self._now() + delay_s, self._not_before.get(name, 0.0))
        self._due[name] = min(at, self._due.get(name, at))
        self._woken.set()

    async def _send_forever(self) -> None:
        try:
            while True:
                try:
                    async with asyncio.timeout_at(min(self._due.values())):
                        await self._woken.wait()
                except TimeoutError:
                    pass
                self._woken.clear()
                await self._send_what_waits()
        except Exception:  # the client must not look at numbers that stand still
            logger.exception("live client closed")
            await self.close(INTERNAL)

    async def _send_what_waits(self) -> None:
        while self._outbox:
            await self._send(self._outbox.pop(0))
        for account_id, feed in list(self._feeds.items()):
            if feed.has_overflowed:
                await self._drop(account_id)
            await self._send_events(feed)
            if feed.is_missing_one:
                await self._fill(account_id, feed)
        now = self._now()
        for name in [name for name, at in self._due.items() if at <= now]:
            del self._due[name]
            await getattr(self, f"_do_{name}")()

    async def _send(self, content: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(content, separators=(",", ":")))

    async def _send_events(self, feed: Feed) -> None:
        for frame in feed.take():
            await self.send(text_data=frame)

    async def _fill(self, account_id: int, feed: Feed) -> None:
        """Read what no message brought; whatever has a number is committed already."""
        if feed.seq is None:
            return
        missed = await self._reads.events(account_id, feed.seq)
        if len(missed) == MAX_MISSED:
            await self._drop(account_id)
            return
        for seq, frame in missed:
            feed.push(seq, frame)
        await self._send_events(feed)

    async def _drop(self, account_id: int) -> None:
        """Give up single events: the client starts again from a snapshot."""
        self._feeds[account_id].reset()
        await self._send({"type": "resync", "account": account_id})
        self._resync(account_id)

    async def _do_snapshot(self) -> None:
        self._not_before["snapshot"] = self._now() + STATE_S  # however often a client asks
        for account_id in list(self._wanted):
            self._wanted.discard(account_id)
            snapshot = await self._reads.snapshot(account_id)
            await self.send(text_data=snapshot.frame("snapshot"))
            self._feeds[account_id].start(snapshot.seq)
        if self._sends_state:
            self._plan("state", STATE_IDLE_S)
        self._woken.set()  # events that came meanwhile

    async def _do_state(self) -> None:
        self._not_before["state"] = self._now() + STATE_S
        for account_id in list(self._feeds):
            snapshot = await self._reads.snapshot(account_id)
            await self.send(text_data=snapshot.frame("state"))
        self._plan("state", STATE_IDLE_S)

    async def _do_marks(self) -> None:
        self._not_before["marks"] = self._now() + MARKS_S
        marks, self._marks = self._marks, {}
        for account_id, data in marks.items():
            await self._send({"type": "marks", "account": account_id, "data": data})

    async def _do_tick(self) -> None:
        await self._send({"type": "ping"})
        self._plan("tick", TICK_S)

    async def _do_ping(self) -> None:
        await self._send({"type": "ping"})
        self._plan("ping", PING_S)
        # A worker that died between commit and message leaves an event that nobody sends (F42).
        for account_id, head in (await in_thread(_heads, list(self._feeds))).items():
            feed = self._feeds[account_id]
            if feed.seq is not None and feed.seq < head:
                await self._fill(account_id, feed)

    async def _do_regroup(self) -> None:
        await self._join()
        self._plan("regroup", REGROUP_S)

    async def _do_auth(self) -> None:
        """Ask again whether the client is still allowed to see this (F81)."""
        if not await self._may_watch(*self._feeds):
            await self.close(UNAUTHENTICATED)
        self._plan("auth", AUTH_S)


def _heads(account_ids: list[int]) -> dict[int, int]:
    rows = JournalHead.objects.filter(pk__in=account_ids)
    return dict(rows.values_list("account_id", "seq"))


def _account_id(name: object) -> int | None:
    """The number in `account:7`, "7" or 7; None for anything else and for the desk itself."""
    text = str(name).removeprefix("account:")
    return int(text) or None if _ACCOUNT_ID.fullmatch(text) else None
