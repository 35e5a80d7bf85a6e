"""A websocket client on the real consumer, layer and database, without a socket."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from positions.live import publish_events
from tradeops.domain.enums import Source
from tradeops.domain.events import DomainEvent, WebSocketConnected
from tradeops.engine.ingest import record
from tradeops.journal.event_store import Stored
from tradeops.routing import websocket

HOST = "testserver"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class LiveClient:
    """Connects, sends, and reads frames; pings are left out."""

    def __init__(
        self, *, cookie: str = "", origin: str = f"http://{HOST}", query: str = ""
    ) -> None:
        headers = [(b"host", HOST.encode())]
        if origin:
            headers.append((b"origin", origin.encode()))
        if cookie:
            headers.append((b"cookie", f"sessionid={cookie}".encode()))
        path = f"/ws/v1/live?{query}" if query else "/ws/v1/live"
        self._wire = WebsocketCommunicator(websocket, path, headers=headers)

    async def connect(self) -> bool:
        accepted, _ = await self._wire.connect(timeout=10)
        return bool(accepted)

    async def send(self, content: object) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        await self._wire.send_to(text_data=text)

    async def frame(self, kind: str | None = None) -> dict[str, Any]:
        """The next frame, of this type if one is named."""
        while True:
            output: dict[str, Any] = await self._wire.receive_output(timeout=10)
            if output["type"] == "websocket.close":
                return output
            content: dict[str, Any] = json.loads(output["text"])
            if content["type"] == kind or (kind is None and content["type"] != "ping"):
                return content

    async def is_silent(self) -> bool:
        return bool(await self._wire.receive_nothing(timeout=0.3))

    async def close(self) -> None:
        await self._wire.disconnect()


def session_of(user: User) -> str:
    """The cookie of a browser that is logged in."""
    browser = Client()
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return browser.cookies["sessionid"].value


def journal(account_id: int, *, events: Sequence[DomainEvent] = ()) -> list[Stored]:
    """Write events as the engine does, without telling anybody."""
    return record(
        account_id,
        events or [WebSocketConnected("user", NOW)],
        source=Source.STREAM,
        actor="test",
        now=NOW,
    )


def tell(stored: Sequence[Stored]) -> None:
    publish_events(stored[0].account_id, stored)


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scene on a loop of its own, with a layer of its own."""

    async def whole() -> None:
        try:
            await scene()
        finally:
            await channel_layers["default"].flush()

    asyncio.run(whole())
