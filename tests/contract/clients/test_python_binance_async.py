"""python-binance 1.0.37, the asyncio client with its sockets, on the paper venue."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.clients.binance_urls import (
    AsyncClient,
    BinanceSocketManager,
    async_client_class,
    socket_manager,
)
from tests.contract.clients.checks import away_from, exact, order_of
from tests.support.paper import PaperServer

SYMBOL = "BTCUSDT"
WAIT_S = 10


@asynccontextmanager
async def connected(paper: PaperServer, account: str = "main") -> AsyncIterator[AsyncClient]:
    client = await async_client_class(paper).create(
        f"paper-{account}-key", f"paper-{account}-secret"
    )
    try:
        yield client
    finally:
        if client.ws_future.ws is not None:
            await client.ws_future.__aexit__(None, None, None)
        await client.close_connection()


@asynccontextmanager
async def trading(
    paper: PaperServer,
) -> AsyncIterator[tuple[AsyncClient, BinanceSocketManager]]:
    """A client and its socket manager; no order and no position stays behind."""
    async with connected(paper) as client:
        yield client, socket_manager(paper, client)
        await client.futures_cancel_all_open_orders(symbol=SYMBOL)
        for row in await client.futures_position_information(symbol=SYMBOL):
            amount = Decimal(row["positionAmt"])
            if amount:
                side = "SELL" if amount > 0 else "BUY"
                await client.futures_create_order(
                    symbol=SYMBOL, side=side, type="MARKET", quantity=str(abs(amount))
                )


@asynccontextmanager
async def user_socket(manager: BinanceSocketManager) -> AsyncIterator[Any]:
    socket = manager.futures_user_socket()
    # On leaving, the client waits until its running read times out, 10 s by default.
    socket.TIMEOUT = 0.5
    async with socket:
        yield socket


async def until(
    receive: Callable[[], Awaitable[dict[str, Any]]], wanted: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """Every message up to the wanted one."""
    received: list[dict[str, Any]] = []
    async with asyncio.timeout(WAIT_S):
        while True:
            received.append(await receive())
            assert received[-1].get("e") != "error", received[-1]
            if wanted(received[-1]):
                return received


def is_fill_of(client_order_id: str) -> Callable[[dict[str, Any]], bool]:
    def wanted(event: dict[str, Any]) -> bool:
        if event["e"] != "ORDER_TRADE_UPDATE" or event["o"]["c"] != client_order_id:
            return False
        return bool(event["o"]["X"] == "FILLED")

    return wanted


def is_account_update(event: dict[str, Any]) -> bool:
    return bool(event["e"] == "ACCOUNT_UPDATE")


def test_market_order_fills_and_position_follows(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with trading(paper) as (client, _):
            reply = await client.futures_create_order(
                symbol=SYMBOL,
                side="SELL",
                type="MARKET",
                quantity="0.010",
                newClientOrderId="async-market-1",
                newOrderRespType="RESULT",
            )
            assert reply["status"] == "FILLED"
            rows = await client.futures_position_information(symbol=SYMBOL)
            assert [exact(row["positionAmt"]) for row in rows] == [Decimal("-0.010")]
            assert order_of(paper.truth("main"), "async-market-1")["status"] == "FILLED"

    asyncio.run(scenario())


def test_user_socket_tells_the_fill_then_the_account(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with trading(paper) as (client, manager), user_socket(manager) as socket:
            order = await client.futures_create_order(
                symbol=SYMBOL,
                side="BUY",
                type="MARKET",
                quantity="0.010",
                newClientOrderId="async-stream-1",
            )

            events = await until(socket.recv, is_fill_of("async-stream-1"))
            events += await until(socket.recv, is_account_update)

            reports = [e["o"] for e in events if e["e"] == "ORDER_TRADE_UPDATE"]
            assert {report["i"] for report in reports} == {order["orderId"]}
            assert reports[0]["x"] == "NEW"
            fills = [report for report in reports if report["x"] == "TRADE"]
            assert sum(exact(fill["l"]) for fill in fills) == Decimal("0.010")
            assert exact(fills[-1]["z"]) == exact(fills[-1]["q"]) == Decimal("0.010")
            assert all(exact(fill["n"]) > 0 and fill["N"] == "USDT" for fill in fills)
            update = events[-1]["a"]
            assert update["m"] == "ORDER"
            assert exact(update["P"][0]["pa"]) == Decimal("0.010")
            account = await client.futures_account()
            assert exact(update["B"][0]["wb"]) == exact(account["totalWalletBalance"])

    asyncio.run(scenario())


def test_user_socket_tells_a_resting_order_and_its_cancel(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with trading(paper) as (client, manager), user_socket(manager) as socket:
            mark = await client.futures_mark_price(symbol=SYMBOL)
            order = await client.futures_create_order(
                symbol=SYMBOL,
                side="BUY",
                type="LIMIT",
                timeInForce="GTC",
                quantity="0.010",
                price=away_from(mark["markPrice"], -5),
            )
            await client.futures_cancel_order(symbol=SYMBOL, orderId=order["orderId"])

            events = await until(
                socket.recv,
                lambda e: e["e"] == "ORDER_TRADE_UPDATE" and e["o"]["X"] == "CANCELED",
            )

            assert [(e["e"], e["o"]["x"]) for e in events] == [
                ("ORDER_TRADE_UPDATE", "NEW"),
                ("ORDER_TRADE_UPDATE", "CANCELED"),
            ]

    asyncio.run(scenario())


def test_user_socket_tells_a_change_of_leverage(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with trading(paper) as (client, manager), user_socket(manager) as socket:
            await client.futures_change_leverage(symbol=SYMBOL, leverage=13)

            events = await until(socket.recv, lambda e: e["e"] == "ACCOUNT_CONFIG_UPDATE")

            assert events[-1]["ac"] == {"s": SYMBOL, "l": 13}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("stream", "category", "event", "price_field"),
    [
        ("btcusdt@markPrice@1s", "market", "markPriceUpdate", "p"),
        ("btcusdt@aggTrade", "market", "aggTrade", "p"),
        ("btcusdt@bookTicker", "public", "bookTicker", "b"),
    ],
)
def test_market_streams_arrive_on_their_route(
    paper: PaperServer, stream: str, category: str, event: str, price_field: str
) -> None:
    async def scenario() -> None:
        async with trading(paper) as (_, manager):
            socket = manager.futures_multiplex_socket([stream], category=category)
            async with socket:
                messages = await until(socket.recv, lambda m: m["data"]["e"] == event)

            assert messages[-1]["stream"] == stream
            assert messages[-1]["data"]["s"] == SYMBOL
            assert exact(messages[-1]["data"][price_field]) > 0

    asyncio.run(scenario())


def test_depth_socket_sends_contiguous_updates(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with trading(paper) as (_, manager):
            async with manager.futures_depth_socket(SYMBOL, depth="") as socket:
                first = (await until(socket.recv, lambda m: bool(m["data"]["b"])))[-1]["data"]
                second = (await until(socket.recv, lambda _: True))[-1]["data"]

            assert first["e"] == second["e"] == "depthUpdate"
            assert first["U"] <= first["u"] < second["U"] <= second["u"]
            assert second["pu"] == first["u"]

    asyncio.run(scenario())


def test_expired_listen_key_is_announced(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with trading(paper) as (_, manager), user_socket(manager) as socket:
            await asyncio.to_thread(paper.fault, kind="listen_key_expire", match="main", count=1)

            events = await until(socket.recv, lambda e: e["e"] == "listenKeyExpired")

            assert events[-1]["listenKey"]
        await asyncio.to_thread(paper.clear_faults)

    asyncio.run(scenario())
