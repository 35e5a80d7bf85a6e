"""A venue of scripted answers on a loopback socket, for what a real one never does on demand."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from tradeops.domain.clock import Clock
from tradeops.domain.enums import Environment
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.stream import StreamTimings
from tradeops.exchange.binance.urls import endpoints_for
from tradeops.exchange.port import Credentials, UserStream
from tradeops.exchange.reports import StreamItem
from tradeops.kit.clock import SYSTEM_CLOCK

KEY = Credentials("test-key", "test-secret")
EXCHANGE_INFO = {
    "symbols": [],
    "rateLimits": [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    ],
}


@dataclass(frozen=True)
class Answer:
    """One reply. `drop` closes the connection instead, `hang` never answers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    hang: bool = False


@dataclass(frozen=True)
class Call:
    """One request as it arrived; `wire` is the query or body as sent."""

    name: str
    wire: str
    params: dict[str, str]
    headers: dict[str, str]


Socket = Callable[[web.Request, web.WebSocketResponse], Awaitable[None]]


class ScriptedVenue:
    """Answers each `METHOD /path` from its script; the last answer of a script repeats."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.scripts: dict[str, deque[Answer]] = {}
        self.on_socket: Socket | None = None
        self.refuse_sockets = False
        self.url = ""
        self.server_ms: Callable[[], int] = lambda: int(SYSTEM_CLOCK.now().timestamp() * 1000)
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    def script(self, name: str, *answers: Answer) -> None:
        """Answer calls of `name` with `answers`, one after the other."""
        self.scripts[name] = deque(answers)

    def named(self, name: str) -> list[Call]:
        """The calls of `name` so far."""
        return [call for call in self.calls if call.name == name]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Serve on a free port of the loopback interface."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await self.stop()

    async def stop(self) -> None:
        """Close every connection and the port; idempotent."""
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        wants_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if wants_socket and not self.refuse_sockets:
            return await self._serve_socket(request)
        name = f"{request.method} {request.path}"
        body = await request.text()
        wire = request.rel_url.raw_query_string or body
        pairs = dict(request.query) | {k: str(v) for k, v in (await request.post()).items()}
        self.calls.append(Call(name, wire, pairs, dict(request.headers)))
        if name not in self.scripts and name == "GET /fapi/v1/time":
            return web.json_response({"serverTime": self.server_ms()})
        if name not in self.scripts and name == "GET /fapi/v1/exchangeInfo":
            return web.json_response(EXCHANGE_INFO)
        return await self._play(request, self.scripts[name])

    async def _play(self, request: web.Request, script: deque[Answer]) -> web.Response:
        answer = script.popleft() if len(script) > 1 else script[0]
        if answer.hang:
            await self._released.wait()
        if answer.drop:
            assert request.transport is not None
            request.transport.abort()
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        return web.Response(status=answer.status, text=text, headers=answer.headers)

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.calls.append(Call(f"WS {request.path}", request.query_string, dict(request.query), {}))
        assert self.on_socket is not None
        await self.on_socket(request, socket)
        return socket


@asynccontextmanager
async def adapter_to(
    venue_url: str,
    *,
    clock: Clock = SYSTEM_CLOCK,
    guard: Callable[[], bool] = lambda: False,
    credentials: Credentials | None = KEY,
    timings: StreamTimings | None = None,
) -> AsyncIterator[BinanceUsdmAdapter]:
    """Open the real adapter against `venue_url`, with no jitter."""
    adapter = BinanceUsdmAdapter(
        credentials,
        endpoints_for(Environment.PAPER, venue_url),
        clock=clock,
        guard=guard,
        jitter=lambda: 0.0,
        timings=timings,
    )
    await adapter.open()
    try:
        yield adapter
    finally:
        await adapter.close()


class Log:
    """What a consumer saw, in order: state names, and the items."""

    def __init__(self) -> None:
        self.seen: list[str | StreamItem] = []
        self.batches = 0
        self.details: list[str] = []

    @property
    def states(self) -> list[str]:
        return [entry for entry in self.seen if isinstance(entry, str)]

    @property
    def items(self) -> list[StreamItem]:
        return [entry for entry in self.seen if not isinstance(entry, str)]

    def on_state(self, state: str, detail: str) -> None:
        self.seen.append(state)
        self.details.append(detail)

    async def follow(self, stream: UserStream) -> None:
        async for batch in stream.items(on_state=self.on_state):
            self.take(batch)

    def take(self, batch: Sequence[StreamItem]) -> None:
        assert batch
        self.batches += 1
        self.seen += batch


def refused(status: int, code: int, message: str = "refused") -> Answer:
    """An error as the venue words it."""
    return Answer(status, {"code": code, "msg": message})


def with_venue(
    scenario: Callable[[ScriptedVenue, BinanceUsdmAdapter], Awaitable[None]],
    scripts: dict[str, list[Answer]],
    **options: Any,
) -> ScriptedVenue:
    """Run `scenario` with an open adapter; `scripts` answer by `METHOD /path`."""
    venue = ScriptedVenue()
    clock = options.get("clock")
    if clock is not None:
        venue.server_ms = lambda: int(clock.now().timestamp() * 1000)
    for name, answers in scripts.items():
        venue.script(name, *answers)

    async def run() -> None:
        async with venue.running(), adapter_to(venue.url, **options) as adapter:
            await scenario(venue, adapter)

    asyncio.run(run())
    return venue


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a task of its own brings about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the product has no event for it
            await asyncio.sleep(0.005)
