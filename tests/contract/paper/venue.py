"""The paper venue's server in this process on a free port, and a plain client to read its bytes."""

import asyncio
import contextlib
import json
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import aiohttp

from tradeops.exchange.paper.__main__ import build_server, default_accounts
from tradeops.exchange.paper.server import Options, PaperServer, run
from tradeops.exchange.paper.wire.auth import sign
from tradeops.exchange.paper.wire.limits import Limits

FRAME_TIMEOUT_S = 10
SILENCE_S = 0.3
BTC = "BTCUSDT"


class Client:
    """Signed requests of one account, and its sockets."""

    def __init__(
        self, session: aiohttp.ClientSession, server: PaperServer, name: str = "main"
    ) -> None:
        self.session = session
        self.server = server
        self.name = name

    async def raw(self, method: str, path: str, **params: Any) -> tuple[int, Any, Any]:
        """Status, JSON body and headers of a signed request."""
        params.setdefault("timestamp", self.server.clock.now_ms())
        query = urlencode(params)
        query += f"&signature={sign(f'paper-{self.name}-secret', query)}"
        headers = {"X-MBX-APIKEY": f"paper-{self.name}-key"}
        async with self.session.request(method, f"{path}?{query}", headers=headers) as reply:
            return reply.status, await reply.json(), reply.headers

    async def ok(self, method: str, path: str, **params: Any) -> Any:
        status, body, _ = await self.raw(method, path, **params)
        assert status == 200, body
        return body

    async def buy(self, quantity: str = "0.010", **more: Any) -> Any:
        order = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": quantity}
        return await self.ok("POST", "/fapi/v1/order", **order, newOrderRespType="RESULT", **more)

    async def listen_key(self) -> str:
        key: str = (await self.ok("POST", "/fapi/v1/listenKey"))["listenKey"]
        return key

    async def control(self, path: str, **body: Any) -> Any:
        async with self.session.post(f"/paper/{path}", json=body) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()

    def socket(self, path: str) -> "Listener":
        return Listener(self.session, path)


class Listener:
    """One websocket whose JSON messages are read with a bound on the wait."""

    def __init__(self, session: aiohttp.ClientSession, path: str) -> None:
        self._session = session
        self._path = path
        self.ws: aiohttp.ClientWebSocketResponse

    async def __aenter__(self) -> Self:
        self.ws = await self._session.ws_connect(self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.ws.close()

    async def next(self) -> Any:
        """The next message; fails when none comes."""
        message = await self.ws.receive(FRAME_TIMEOUT_S)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        return json.loads(message.data)

    async def ask(self, **request: Any) -> Any:
        """Send a request and return the reply with its id."""
        await self.ws.send_json(request)
        while (reply := await self.next()).get("id") != request["id"]:
            pass
        return reply

    async def is_silent(self) -> bool:
        """True when nothing comes for a moment."""
        try:
            await self.ws.receive(SILENCE_S)
        except TimeoutError:
            return True
        return False

    async def is_closed(self) -> bool:
        """True when the server ends the connection, after whatever it still sends."""
        while (message := await self.ws.receive(FRAME_TIMEOUT_S)).type is aiohttp.WSMsgType.TEXT:
            pass
        return message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


@contextlib.asynccontextmanager
async def venue(state: Path | None = None, limits: Limits | None = None) -> AsyncIterator[Client]:
    """Run a server and give a client of its account `main`; ends as on SIGTERM."""
    server = build_server(default_accounts(), limits or Limits(), seed=1)
    options = Options(port=_free_port(), state=state)
    stop = asyncio.Event()
    task = asyncio.ensure_future(run(server, options, stop))
    base = f"http://127.0.0.1:{options.port}"
    async with aiohttp.ClientSession(base_url=base) as session:
        await _until_answers(session, task)
        client = Client(session, server)
        await client.control("price", symbol=BTC, price="60000")
        try:
            yield client
        finally:
            stop.set()
            await task


def market(client_order_id: str) -> dict[str, Any]:
    """A market order to buy 0.010 BTC."""
    return {
        "symbol": BTC,
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.010",
        "newClientOrderId": client_order_id,
    }


def without_marks(truth: dict[str, Any]) -> dict[str, Any]:
    """The truth without what the tape moves."""
    for account in truth["accounts"]:
        for position in account["positions"]:
            del position["mark_price"], position["unrealized_pnl"]
    return truth


async def signed_post(session: aiohttp.ClientSession, path: str, params: dict[str, Any]) -> Any:
    """Post as account `main` to a venue on the machine's clock; fails unless it answers 200."""
    payload = urlencode(params | {"timestamp": time.time_ns() // 1_000_000})
    payload += f"&signature={sign('paper-main-secret', payload)}"
    headers = {
        "X-MBX-APIKEY": "paper-main-key",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with session.post(path, data=payload, headers=headers) as reply:
        body = await reply.json()
        assert reply.status == 200, body
        return body


async def _until_answers(session: aiohttp.ClientSession, task: "asyncio.Future[None]") -> None:
    deadline = time.monotonic() + FRAME_TIMEOUT_S
    while time.monotonic() < deadline and not task.done():
        with contextlib.suppress(aiohttp.ClientConnectionError):
            async with session.get("/fapi/v1/ping") as reply:
                assert reply.status == 200
                return
        await asyncio.sleep(0.01)
    await task
    raise AssertionError("the paper venue did not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
