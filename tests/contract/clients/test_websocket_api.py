"""Trading over the websocket API, with python-binance and with Binance's own connector."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.clients.binance_urls import (
    AsyncClient,
    BinanceAPIException,
    async_client_class,
    official_client,
)
from tests.contract.clients.checks import away_from, exact, order_of
from tests.support.paper import PaperServer

SYMBOL = "BTCUSDT"
# What the connector logs when a request failed on the way; it does not raise.
COMPLAINTS = ("Connection with user closed", "Timeout waiting", "Error received")


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.WARNING)
    yield
    messages = [record.getMessage() for record in caplog.records]
    assert [m for m in messages if m.startswith(COMPLAINTS)] == []


@asynccontextmanager
async def python_binance(paper: PaperServer) -> AsyncIterator[AsyncClient]:
    client = await async_client_class(paper).create("paper-second-key", "paper-second-secret")
    # On leaving, the client waits until its running read times out, 10 s by default.
    client.ws_future.TIMEOUT = 1
    try:
        yield client
    finally:
        if client.ws_future.ws is not None:
            await client.ws_future.__aexit__(None, None, None)
        await client.close_connection()


@asynccontextmanager
async def official(paper: PaperServer) -> AsyncIterator[Any]:
    client = official_client(paper)
    connection = await client.websocket_api.create_connection()
    try:
        yield connection
    finally:
        await connection.close_connection(close_session=True)
        # Its background tasks end at their next turn.
        await asyncio.sleep(0)


def test_python_binance_places_reads_cancels_and_is_refused(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with python_binance(paper) as client:
            mark = await client.futures_mark_price(symbol=SYMBOL)
            placed = await client.ws_futures_create_order(
                symbol=SYMBOL,
                side="BUY",
                type="LIMIT",
                timeInForce="GTC",
                quantity="0.010",
                price=away_from(mark["markPrice"], -5),
                newClientOrderId="ws-api-1",
            )
            assert placed["status"] == "NEW"
            assert not {"avgPrice", "cumQuote"} & set(placed)
            read = await client.ws_futures_get_order(symbol=SYMBOL, orderId=placed["orderId"])
            assert read["clientOrderId"] == "ws-api-1"
            gone = await client.ws_futures_cancel_order(symbol=SYMBOL, orderId=placed["orderId"])
            assert gone["status"] == "CANCELED"
            with pytest.raises(BinanceAPIException) as caught:
                await client.ws_futures_create_order(
                    symbol=SYMBOL, side="BUY", type="MARKET", quantity="0.0001"
                )
            assert caught.value.code == -1111
            assert order_of(paper.truth("second"), "ws-api-1")["status"] == "CANCELED"

    asyncio.run(scenario())


def test_python_binance_reads_book_and_account(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with python_binance(paper) as client:
            book = await client.ws_futures_get_order_book(symbol=SYMBOL)
            assert exact(book["bids"][0][0]) < exact(book["asks"][0][0])
            balances = await client.ws_futures_v2_account_balance()
            dollars = next(row for row in balances if row["asset"] == "USDT")
            assert exact(dollars["balance"]) == Decimal(10_000)
            assert await client.ws_futures_v2_account_position() == []

    asyncio.run(scenario())


# The connector passes aiohttp a timeout in a way that aiohttp calls deprecated.
@pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning")
def test_official_connector_trades_and_reads_its_account(paper: PaperServer) -> None:
    async def scenario() -> None:
        async with official(paper) as connection:
            placed = (
                await connection.new_order(
                    symbol=SYMBOL,
                    side="BUY",
                    type="MARKET",
                    quantity=0.01,
                    new_client_order_id="official-ws-1",
                    new_order_resp_type="RESULT",
                )
            ).data()
            assert placed.status == 200
            assert placed.result.client_order_id == "official-ws-1"
            assert placed.result.status == "FILLED"
            read = (
                await connection.query_order(symbol=SYMBOL, order_id=placed.result.order_id)
            ).data()
            assert exact(read.result.executed_qty) == Decimal("0.010")
            held = (await connection.position_information_v2(symbol=SYMBOL)).data()
            assert exact(held.result[0].position_amt) == Decimal("0.010")
            account = (await connection.account_information_v2()).data()
            assert exact(account.result.total_wallet_balance) < 10_000

    asyncio.run(scenario())

    assert order_of(paper.truth("main"), "official-ws-1")["status"] == "FILLED"
