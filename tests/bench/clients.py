"""Who asks: a program on our REST API, raw python-binance on the venue, a desk's websocket."""

import http.client
import json
import time
import uuid
from typing import Any

from binance import AsyncClient, Client
from websockets.asyncio.client import ClientConnection, connect

from tests.bench.product import Product

SYMBOL = "BTCUSDT"
QUANTITY = "0.005"
SIDES = ("BUY", "SELL")


class RestClient:
    """One kept-alive connection to the product."""

    def __init__(self, product: Product) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
        self._headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {product.stack.auth_token}",
        }

    def trade(self, side: str, *, account: str = "main", symbol: str = SYMBOL) -> str:
        """Trade 500 USDT at the market on `/api/trade`; return "", or what went wrong."""
        body = {
            "account": account,
            "symbol": symbol,
            "side": side,
            "amount": "50",
            "leverage": 10,
        }
        return self._send("/api/trade", body, 200)

    def order(self, side: str) -> str:
        """Place a market order on `/api/v1/orders`; return "", or what went wrong."""
        body = {"symbol": SYMBOL, "side": side, "quantity": QUANTITY}
        return self._send("/api/v1/orders", body, 201)

    def _send(self, path: str, body: dict[str, Any], expected: int) -> str:
        headers = {**self._headers, "Idempotency-Key": str(uuid.uuid4())}
        try:
            self._connection.request("POST", path, json.dumps(body), headers)
            reply = self._connection.getresponse()
            content = reply.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            return f"{type(error).__name__}: {error}"
        answer = json.loads(content)
        if reply.status == expected and answer.get("status") == "FILLED":
            return ""
        return f"{reply.status} {answer.get('code') or answer.get('status')}"

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _urls(product: Product) -> dict[str, str]:
    base = f"127.0.0.1:{product.paper_port}"
    return {
        "API_URL": f"http://{base}/api",
        "FUTURES_URL": f"http://{base}/fapi",
        "WS_FUTURES_URL": f"ws://{base}/ws-fapi/v1",
    }


async def raw_async(product: Product, account: str) -> AsyncClient:
    """Return python-binance's asyncio client on the same venue; the caller closes it."""
    client_class: type[AsyncClient] = type("RawAsync", (AsyncClient,), _urls(product))
    return await client_class.create(f"paper-{account}-key", f"paper-{account}-secret")


def raw_sync(product: Product, account: str) -> Client:
    """Return python-binance's blocking client on the same venue."""
    client_class: type[Client] = type("RawSync", (Client,), _urls(product))
    return client_class(f"paper-{account}-key", f"paper-{account}-secret")


def market_order(side: str) -> dict[str, Any]:
    """Return the words of a market order that answers when it is filled."""
    return {
        "symbol": SYMBOL,
        "side": side,
        "type": "MARKET",
        "quantity": QUANTITY,
        "newOrderRespType": "RESULT",
    }


async def desk(product: Product, account: str) -> ClientConnection:
    """Return a websocket that has got its snapshot of the account."""
    answer = product.stack.api("POST", "/api/v1/ws-ticket", {})
    assert answer.status == 201, answer.text
    url = f"ws://127.0.0.1:{product.port}/ws/v1/live?ticket={answer.json['ticket']}"
    connection = await connect(url, max_queue=None, compression=None)
    await connection.send(json.dumps({"subscribe": [f"account:{product.account_ids[account]}"]}))
    async for frame in connection:
        if json.loads(frame)["type"] == "snapshot":
            return connection
    raise RuntimeError("the websocket closed before its snapshot")


def elapsed_ms(begun: float) -> float:
    """Return milliseconds since `begun` of the performance counter."""
    return (time.perf_counter() - begun) * 1000
