"""HTTP and websocket server of the paper venue: sockets and faults around the pure dialect."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from tradeops.exchange.paper.clock import VenueClock
from tradeops.exchange.paper.control import Control
from tradeops.exchange.paper.faults import FaultBook
from tradeops.exchange.paper.faulty import FaultyWire
from tradeops.exchange.paper.player import TapePlayer
from tradeops.exchange.paper.publishing import BookPublisher
from tradeops.exchange.paper.sockets import (
    ANY,
    MARKET,
    PRIVATE,
    PUBLIC,
    Hub,
    Socket,
    serve,
    socket_labels,
)
from tradeops.exchange.paper.state import StateWriter, load, rest_open_orders
from tradeops.exchange.paper.upkeep import on_time
from tradeops.exchange.paper.venue import Venue
from tradeops.exchange.paper.wire import wsapi
from tradeops.exchange.paper.wire.binance import BinanceWire
from tradeops.exchange.paper.wire.calls import Request

_LOG = logging.getLogger(__name__)
TICK_S = 0.1
MARK_EVERY_TICKS = 10
# What happened is in the state file after this long, a crash notwithstanding.
SAVE_EVERY_S = 0.5
SERVER_PING_S = 180
# Requests that a fault holds are cut off after this at the end.
SHUTDOWN_S = 0.5


@dataclass(slots=True)
class Options:
    """How a server is started."""

    host: str = "127.0.0.1"
    port: int = 8100
    tape: Path | None = None
    speed: float = 1.0
    seed: int = 1
    state: Path | None = None


class PaperServer:
    """One venue behind one port."""

    def __init__(self, venue: Venue, wire: BinanceWire, clock: VenueClock, seed: int) -> None:
        self.venue = venue
        self.wire = wire
        self.clock = clock
        self.faults = FaultBook(seed)
        self.faulty = FaultyWire(wire, self.faults)
        self.hub = Hub(wire.listen_keys, self.faults)
        self.books = BookPublisher(venue)
        self.player = TapePlayer(venue, clock.now_ms, self.flush, seed)
        self.control = Control(self)
        # Whether an account's books changed since they were saved.
        self.is_changed = True
        self._is_waiting = False

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(client_max_size=2**20)
        self.control.add_routes(app)
        for route in (PUBLIC, MARKET, PRIVATE, ANY):
            prefix = f"/{route}" if route else ""
            app.router.add_get(f"{prefix}/ws", self._socket_handler(route, is_combined=False))
            app.router.add_get(
                f"{prefix}/ws/{{names:.+}}", self._socket_handler(route, is_combined=False)
            )
            app.router.add_get(f"{prefix}/stream", self._socket_handler(route, is_combined=True))
        app.router.add_get("/ws-fapi/v1", self._ws_api)
        app.router.add_route("*", "/{path:.*}", self._http)
        app.cleanup_ctx.append(self._background)
        app.on_shutdown.append(self._close_sockets)
        return app

    def flush(self) -> None:
        """Send what happened to whoever listens."""
        now_ms = self.clock.now_ms()
        wanted = self.hub.wanted
        frames = self.wire.frames(wanted, now_ms)
        self.is_changed = self.is_changed or any(frame.account for frame in frames)
        self.hub.dispatch(frames, now_ms)
        if wanted:
            self.hub.dispatch(self.books.best_quotes(wanted, now_ms), now_ms)
        self._deliver_held()

    def _deliver_held(self) -> None:
        """Send what faults hold up when it is due, not at the next beat."""
        now_ms = self.clock.now_ms()
        due_ms = self.hub.dispatch_held(now_ms)
        if due_ms is not None and not self._is_waiting:
            self._is_waiting = True
            wait_s = max(1, due_ms - now_ms) / 1_000
            asyncio.get_running_loop().call_later(wait_s, self._held_is_due)

    def _held_is_due(self) -> None:
        self._is_waiting = False
        self._deliver_held()

    async def _background(self, _app: web.Application) -> AsyncIterator[None]:
        ticker = asyncio.ensure_future(self._tick())
        yield
        self.player.stop()
        ticker.cancel()

    async def _close_sockets(self, _app: web.Application) -> None:
        for socket in list(self.hub.sockets):
            socket.close()

    async def _tick(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(TICK_S)
            count += 1
            now_ms = self.clock.now_ms()
            self.faulty.note(now_ms)
            on_time(self.venue, now_ms)
            self.flush()
            wanted = self.hub.wanted
            if wanted:
                self.hub.dispatch(self.books.depths(wanted, now_ms), now_ms)
                if count % MARK_EVERY_TICKS == 0:
                    self.hub.dispatch(self.books.marks(wanted, now_ms), now_ms)
                    self.hub.dispatch(self.books.candles(wanted, now_ms), now_ms)

    async def _http(self, request: web.Request) -> web.StreamResponse:
        wire_request = Request(
            method=request.method,
            path=request.path,
            query=request.rel_url.raw_query_string,
            body=(await request.read()).decode("utf-8", "replace") if request.body_exists else "",
            api_key=request.headers.get("X-MBX-APIKEY"),
            ip=request.remote or "",
        )
        fate = self.faulty.fate(wire_request, self.clock.now_ms())
        if fate.delay_ms:
            await asyncio.sleep(fate.delay_ms / 1_000)
        answer = self.faulty.answer(wire_request, fate, self.clock.now_ms())
        self.is_changed = self.is_changed or request.method != "GET"
        self.flush()
        if answer.hold_ms:
            await asyncio.sleep(answer.hold_ms / 1_000)
        if answer.is_cut and request.transport is not None:
            request.transport.abort()
        headers = {"Content-Type": "application/json"} | answer.headers
        return web.Response(body=answer.text.encode(), status=answer.status, headers=headers)

    async def _ws_api(self, request: web.Request) -> web.StreamResponse:
        """Serve the websocket API; requests of one connection are answered in their order."""
        response = web.WebSocketResponse(heartbeat=SERVER_PING_S, compress=False)
        await response.prepare(request)
        async for message in response:
            if message.type is not WSMsgType.TEXT:
                continue
            label = wsapi.method_and_account(self.wire, message.data)
            fate = self.faults.on_call(label, self.clock.now_ms())
            if fate.delay_ms:
                await asyncio.sleep(fate.delay_ms / 1_000)
            # Whatever strikes here, the client hears nothing.
            if fate.before:
                continue
            answer = wsapi.answer(
                self.wire, message.data, request.remote or "", self.clock.now_ms()
            )
            self.is_changed = True
            self.flush()
            if not fate.after:
                await response.send_json(answer)
        return response

    def _socket_handler(self, route: str, *, is_combined: bool) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            response = web.WebSocketResponse(heartbeat=SERVER_PING_S, compress=False)
            if not response.can_prepare(request).ok:
                return web.json_response({"code": -1000, "msg": "websocket expected"}, status=400)
            socket = Socket(response, route, is_combined=is_combined)
            names = [n for n in request.match_info.get("names", "").split("/") if n]
            names += [n for n in request.query.get("streams", "").split("/") if n]
            names += request.query.getall("listenKey", [])
            socket.events = frozenset(e for e in request.query.get("events", "").split("/") if e)
            self.hub.subscribe(socket, names)
            now_ms = self.clock.now_ms()
            if any(self.faults.refuses_socket(x, now_ms) for x in socket_labels(socket)):
                self.hub.remove(socket)
                return web.Response(status=503)
            await response.prepare(request)
            await serve(self.hub, socket)
            return response

        return handle


async def run(server: PaperServer, options: Options, stop: asyncio.Event) -> None:
    """Serve until `stop` is set. Raises: OSError when the port is taken, TapeError, StateError."""
    runner = web.AppRunner(
        server.app(), access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S
    )
    if options.state is not None and options.state.exists():
        load(options.state, server.venue, server.wire.listen_keys, server.clock.now_ms())
    await runner.setup()
    keeper, ended = None, asyncio.Event()
    if options.state is not None:
        writer = StateWriter(options.state, server.venue, server.wire.listen_keys)
        keeper = asyncio.ensure_future(_keep_saved(server, writer, ended))
    try:
        server.player.start(options.tape, options.speed)
        rest_open_orders(server.venue, server.clock.now_ms())
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        _LOG.info("paper venue listens on %s:%s", options.host, options.port)
        await stop.wait()
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await runner.cleanup()
        if keeper is not None:
            ended.set()
            await keeper


async def _keep_saved(server: PaperServer, writer: StateWriter, ended: asyncio.Event) -> None:
    """Save what changed until the end, and everything then."""
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), SAVE_EVERY_S)
        if not server.is_changed:
            continue
        server.is_changed = False
        try:
            await asyncio.to_thread(writer.write, writer.text())
        except OSError:
            server.is_changed = True
            _LOG.exception("the books could not be saved; trying again")
    writer.save()
