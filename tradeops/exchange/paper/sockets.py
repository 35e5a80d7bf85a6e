"""Websocket connections of the venue: who listens to what, and the faults on the way to them."""

import asyncio
import contextlib
import json
from collections.abc import Iterable, KeysView
from typing import Any

from aiohttp import WSMsgType, web

from tradeops.exchange.paper.faults import FaultBook
from tradeops.exchange.paper.transit import Passed, Transit
from tradeops.exchange.paper.wire.listen_keys import ListenKeys
from tradeops.exchange.paper.wire.streams import Frame

PUBLIC, MARKET, PRIVATE, ANY = "public", "market", "private", ""
_PUBLIC_PARTS = ("@depth", "@bookTicker", "!bookTicker", "@rpiDepth", "@trade")
# A client that reads nothing for this many frames is cut off, as the venue would.
QUEUE_LIMIT = 20_000
POLICY_VIOLATION = 1008


class Socket:
    """One connection. Frames wait in its queue, so that a slow client never holds the venue up."""

    def __init__(self, response: web.WebSocketResponse, route: str, *, is_combined: bool) -> None:
        self.response = response
        self.route = route
        self.is_combined = is_combined
        self.streams: set[str] = set()
        self.keys: dict[str, str] = {}
        self.events: frozenset[str] = frozenset()
        self._queue: asyncio.Queue[str | None] = asyncio.Queue(QUEUE_LIMIT)

    def send(self, message: str) -> None:
        """Queue a message; a full queue ends the connection."""
        try:
            self._queue.put_nowait(message)
        except asyncio.QueueFull:
            self._queue = asyncio.Queue()
            self.close()

    def close(self) -> None:
        """End the connection after what is queued."""
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait(None)

    async def write(self) -> None:
        """Send what is queued until the end."""
        with contextlib.suppress(ConnectionError):
            while (message := await self._queue.get()) is not None:
                await self.response.send_str(message)
        await self.response.close(code=POLICY_VIOLATION)


class Hub:
    """All connections, by stream and by account."""

    def __init__(self, listen_keys: ListenKeys, faults: FaultBook) -> None:
        self._listen_keys = listen_keys
        self._transit = Transit(faults)
        self._by_stream: dict[str, set[Socket]] = {}
        self._by_account: dict[str, set[Socket]] = {}
        self.sockets: set[Socket] = set()

    @property
    def wanted(self) -> KeysView[str]:
        """Market streams somebody listens to."""
        return self._by_stream.keys()

    def subscribe(self, socket: Socket, names: Iterable[str]) -> None:
        """Add streams or listen keys; what the route does not serve stays silent."""
        for name in names:
            account = self._listen_keys.account_of(name)
            if account is not None and socket.route in (PRIVATE, ANY):
                socket.keys[name] = account
                self._by_account.setdefault(account, set()).add(socket)
            elif account is None and _serves(socket.route, name):
                self._by_stream.setdefault(name, set()).add(socket)
            socket.streams.add(name)

    def unsubscribe(self, socket: Socket, names: Iterable[str]) -> None:
        """Remove streams or listen keys."""
        for name in names:
            socket.streams.discard(name)
            account = socket.keys.pop(name, None)
            if account is not None and account not in socket.keys.values():
                self._by_account.get(account, set()).discard(socket)
            listeners = self._by_stream.get(name)
            if listeners is not None:
                listeners.discard(socket)
                if not listeners:
                    del self._by_stream[name]

    def remove(self, socket: Socket) -> None:
        """Forget a connection."""
        self.unsubscribe(socket, list(socket.streams))
        self.sockets.discard(socket)

    def disconnect(self, match: str) -> None:
        """Cut connections whose "account private" or "market stream" contains `match`."""
        for socket in list(self.sockets):
            if any(match in label for label in socket_labels(socket)):
                socket.close()

    def dispatch(self, frames: Iterable[Frame], now_ms: int) -> None:
        """Send frames to their listeners, through the faults that are on."""
        heard = [frame for frame in frames if self._listeners(frame)]
        for passed in self._transit.send(heard, now_ms):
            self._deliver(passed)

    def dispatch_held(self, now_ms: int) -> int | None:
        """Send what faults held up until now; returns when something is due next, if anything."""
        for passed in self._transit.due(now_ms):
            self._deliver(passed)
        return self._transit.next_due_ms()

    def _listeners(self, frame: Frame) -> set[Socket]:
        if frame.account:
            return self._by_account.get(frame.account, set())
        return self._by_stream.get(frame.stream, set())

    def _deliver(self, passed: Passed) -> None:
        frame = passed.frame
        raw = json.dumps(frame.payload, separators=(",", ":"))
        for socket in list(self._listeners(frame)):
            if passed.fate.closes:
                socket.close()
                continue
            for name in self._names(socket, frame):
                message = f'{{"stream":"{name}","data":{raw}}}' if socket.is_combined else raw
                for _ in range(passed.fate.copies):
                    socket.send(passed.text(message))

    def _names(self, socket: Socket, frame: Frame) -> list[str]:
        """Under which names a socket gets a frame: its live keys of the account, or the stream."""
        if not frame.account:
            return [frame.stream]
        if socket.events and frame.event not in socket.events:
            return []
        if frame.event == "listenKeyExpired":
            return [key for key in socket.keys if key == frame.payload["listenKey"]]
        return [key for key in socket.keys if self._listen_keys.account_of(key) == frame.account]


def socket_labels(socket: Socket) -> list[str]:
    """What faults match a connection by: "account private" or "market stream"."""
    labels = [f"{account} private" for account in socket.keys.values()]
    labels += [f"market {name}" for name in socket.streams if name not in socket.keys]
    return labels or ["idle"]


async def serve(hub: Hub, socket: Socket) -> None:
    """Read a connection's requests until it ends; its frames are written beside."""
    hub.sockets.add(socket)
    writer = asyncio.ensure_future(socket.write())
    try:
        async for message in socket.response:
            if message.type is WSMsgType.TEXT:
                socket.send(json.dumps(_answer(hub, socket, message.data)))
    finally:
        hub.remove(socket)
        writer.cancel()


def _answer(hub: Hub, socket: Socket, text: str) -> dict[str, Any]:
    """Answer SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS."""
    try:
        request = json.loads(text)
        method, number = request["method"], request.get("id")
        names = [str(name) for name in request.get("params", [])]
    except (ValueError, TypeError, KeyError, AttributeError):
        return {"error": {"code": 2, "msg": "Invalid request: unable to parse"}, "id": None}
    if method == "SUBSCRIBE":
        hub.subscribe(socket, names)
    elif method == "UNSUBSCRIBE":
        hub.unsubscribe(socket, names)
    elif method == "LIST_SUBSCRIPTIONS":
        return {"result": sorted(socket.streams), "id": number}
    else:
        return {"error": {"code": 2, "msg": "Invalid request: unknown method"}, "id": number}
    return {"result": None, "id": number}


def _serves(route: str, name: str) -> bool:
    if route in (ANY, PRIVATE):
        return route == ANY
    is_public = any(part in name for part in _PUBLIC_PARTS)
    return is_public == (route == PUBLIC)
