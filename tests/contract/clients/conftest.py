"""One paper venue a module; nothing of the clients is changed but the URL."""

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal

import pytest

from tests.contract.clients.binance_urls import Client, sync_client_class
from tests.contract.clients.sync_trading import market
from tests.support.paper import PaperServer


@pytest.fixture(scope="module")
def paper() -> Iterator[PaperServer]:
    """A venue whose limits admit every test of a module within one minute."""
    options = ["--weight-limit", "20000", "--order-limit-10s", "3000", "--order-limit-1m", "9000"]
    with PaperServer(options=options) as server:
        yield server


@pytest.fixture(scope="module")
def connect(paper: PaperServer) -> Iterator[Callable[[str, str], Client]]:
    # The client takes the thread's event loop, or else creates one that nobody closes.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    clients: list[Client] = []

    def new_client(key: str, secret: str) -> Client:
        client = sync_client_class(paper)(key, secret)
        clients.append(client)
        return client

    yield new_client
    for client in clients:
        client.close_connection()
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="module")
def client(connect: Callable[[str, str], Client]) -> Client:
    return connect("paper-main-key", "paper-main-secret")


@pytest.fixture
def flat(client: Client) -> Iterator[None]:
    """Leave no order and no position for the next test."""
    yield
    for symbol in {order["symbol"] for order in client.futures_get_open_orders()}:
        client.futures_cancel_all_open_orders(symbol=symbol)
    for row in client.futures_position_information():
        amount = Decimal(row["positionAmt"])
        if amount:
            side = "SELL" if amount > 0 else "BUY"
            market(client, side, str(abs(amount)), symbol=row["symbol"], reduceOnly="true")
