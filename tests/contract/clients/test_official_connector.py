"""Binance's own connector for USDⓈ-M futures on the paper venue.

Its models are strict: where a reply's types differ from the documentation it logs a warning and
hands out the raw data. `exact_replies` turns that warning into a failure.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from binance_common.errors import BadRequestError

from tests.contract.clients.binance_urls import official_client
from tests.contract.clients.checks import away_from, exact, order_of
from tests.support.paper import PaperServer

SYMBOL = "BTCUSDT"
WAIT_S = 10
COMPLAINTS = (
    "response did not match",
    "Failed to parse",
    "Unknown user data event",
    "Error in callback",
)


@pytest.fixture(scope="module")
def client(paper: PaperServer) -> Any:
    return official_client(paper)


@pytest.fixture(autouse=True)
def exact_replies(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail where the connector could not parse a reply into its documented model."""
    caplog.set_level(logging.WARNING)
    yield
    complaints = [
        record.getMessage()
        for record in caplog.records
        if any(words in record.getMessage() for words in COMPLAINTS)
    ]
    assert complaints == []


def buy(client: Any, quantity: float, client_order_id: str) -> Any:
    return client.rest_api.new_order(
        symbol=SYMBOL,
        side="BUY",
        type="MARKET",
        quantity=quantity,
        new_client_order_id=client_order_id,
        new_order_resp_type="RESULT",
    ).data()


def sell(client: Any, quantity: float) -> Any:
    return client.rest_api.new_order(
        symbol=SYMBOL,
        side="SELL",
        type="MARKET",
        quantity=quantity,
        new_order_resp_type="RESULT",
    ).data()


def rest_limit(client: Any, client_order_id: str) -> Any:
    mark = client.rest_api.mark_price(symbol=SYMBOL).data().to_dict()
    return client.rest_api.new_order(
        symbol=SYMBOL,
        side="BUY",
        type="LIMIT",
        time_in_force="GTC",
        quantity=0.01,
        price=float(away_from(mark["markPrice"], -5)),
        new_client_order_id=client_order_id,
    ).data()


def test_market_data_parses_into_the_documented_models(
    client: Any,
) -> None:
    rest = client.rest_api

    rest.test_connectivity()
    assert rest.check_server_time().data().server_time > 1_700_000_000_000
    info = rest.exchange_information().data()
    assert [item.symbol for item in info.symbols][:2] == ["BTCUSDT", "ETHUSDT"]
    book = rest.order_book(symbol=SYMBOL, limit=20).data()
    assert exact(book.bids[0][0]) < exact(book.asks[0][0])
    assert rest.symbol_price_ticker(symbol=SYMBOL).data()
    assert rest.symbol_order_book_ticker(symbol=SYMBOL).data()
    assert rest.mark_price(symbol=SYMBOL).data()
    assert rest.notional_and_leverage_brackets(symbol=SYMBOL).data()
    rest.recent_trades_list(symbol=SYMBOL).data()


def test_round_trip_parses_and_agrees_with_the_venues_books(
    client: Any, paper: PaperServer
) -> None:
    order = buy(client, 0.01, "official-market-1")

    assert order.status == "FILLED"
    assert exact(order.executed_qty) == Decimal("0.010")
    read = client.rest_api.query_order(symbol=SYMBOL, order_id=order.order_id).data()
    assert read.client_order_id == "official-market-1"
    fills = client.rest_api.account_trade_list(symbol=SYMBOL, order_id=order.order_id).data()
    assert sum(exact(fill.qty) for fill in fills) == Decimal("0.010")
    held = client.rest_api.position_information_v3(symbol=SYMBOL).data()
    assert exact(held[0].position_amt) == Decimal("0.010")
    assert exact(held[0].entry_price) > 0
    assert order_of(paper.truth("main"), "official-market-1")["status"] == "FILLED"

    sell(client, 0.01)

    income = client.rest_api.get_income_history(symbol=SYMBOL).data()
    assert {"COMMISSION", "REALIZED_PNL"} <= {row.income_type for row in income}


def test_resting_order_is_listed_and_cancelled(client: Any) -> None:
    order = rest_limit(client, "official-limit-1")

    listed = client.rest_api.current_all_open_orders(symbol=SYMBOL).data()
    assert [item.order_id for item in listed] == [order.order_id]
    one = client.rest_api.query_current_open_order(
        symbol=SYMBOL, orig_client_order_id="official-limit-1"
    ).data()
    assert one.status == "NEW"
    gone = client.rest_api.cancel_order(symbol=SYMBOL, order_id=order.order_id).data()
    assert gone.status == "CANCELED"
    assert client.rest_api.all_orders(symbol=SYMBOL).data()[-1].status == "CANCELED"
    with pytest.raises(BadRequestError) as caught:
        client.rest_api.cancel_order(symbol=SYMBOL, order_id=order.order_id)
    assert caught.value.status_code == -2011


def test_account_views_parse_into_the_documented_models(
    client: Any,
) -> None:
    rest = client.rest_api

    old = rest.account_information_v2().data()
    new = rest.account_information_v3().data()
    balances = rest.futures_account_balance_v3().data()

    assert exact(old.total_wallet_balance) == exact(new.total_wallet_balance)
    assert {row.asset for row in balances} >= {"USDT"}
    assert rest.futures_account_balance_v2().data()
    assert rest.position_information_v2(symbol=SYMBOL).data()
    assert rest.futures_account_configuration().data()
    assert rest.symbol_configuration(symbol=SYMBOL).data()
    assert rest.user_commission_rate(symbol=SYMBOL).data()
    assert rest.get_current_position_mode().data().dual_side_position is False


def test_leverage_and_margin_type_change(client: Any) -> None:
    reply = client.rest_api.change_initial_leverage(symbol="ETHUSDT", leverage=9).data()
    isolated = "ISOLATED"
    client.rest_api.change_margin_type(symbol="ETHUSDT", margin_type=isolated).data()

    assert reply.leverage == 9
    with pytest.raises(BadRequestError) as caught:
        client.rest_api.change_margin_type(symbol="ETHUSDT", margin_type=isolated)
    assert caught.value.status_code == -4046


def test_user_stream_parses_into_the_documented_models(paper: PaperServer) -> None:
    client = official_client(paper)
    events: list[Any] = []

    async def scenario() -> None:
        key = client.rest_api.start_user_data_stream().data().listen_key
        async with streams(client) as connection:
            stream = await connection.user_data(key)
            stream.on("message", events.append)
            # The subscription is sent, not confirmed, when this returns: the order must come later.
            await connection.list_subscribe()
            await asyncio.to_thread(buy, client, 0.01, "official-stream-1")
            await until(lambda: "AccountUpdate" in [kind for kind, _ in plain(events)])
            await asyncio.to_thread(sell, client, 0.01)

    asyncio.run(scenario())

    reports = [event["o"] for kind, event in plain(events) if kind == "OrderTradeUpdate"]
    mine = [report for report in reports if report["c"] == "official-stream-1"]
    assert mine[0]["x"] == "NEW"
    assert mine[-1]["X"] == "FILLED"


@pytest.mark.parametrize("kind", ["mark_price", "book_ticker", "aggregate_trade"])
def test_market_streams_parse_into_the_documented_models(paper: PaperServer, kind: str) -> None:
    client = official_client(paper)
    events: list[Any] = []

    async def scenario() -> None:
        async with streams(client) as connection:
            subscribe = {
                "mark_price": connection.mark_price_stream,
                "book_ticker": connection.individual_symbol_book_ticker_streams,
                "aggregate_trade": connection.aggregate_trade_streams,
            }[kind]
            stream = await subscribe(symbol=SYMBOL.lower())
            stream.on("message", events.append)
            await until(lambda: bool(events))

    asyncio.run(scenario())

    assert plain(events)[0][1]["s"] == SYMBOL


@asynccontextmanager
async def streams(client: Any) -> AsyncIterator[Any]:
    connection = await client.websocket_streams.create_connection()
    try:
        yield connection
    finally:
        await connection.close_connection(close_session=True)
        # Its background tasks end at their next turn.
        await asyncio.sleep(0)


async def until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not ready():  # noqa: ASYNC110 - the connector only calls back
            await asyncio.sleep(0.01)


def plain(events: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each event's model and its data, under the short names that the models know as aliases."""
    result: list[tuple[str, dict[str, Any]]] = []
    for event in events:
        inner = getattr(event, "actual_instance", None) or event
        assert not isinstance(inner, dict), f"not parsed into a model: {inner}"
        result.append((type(inner).__name__, inner.model_dump(by_alias=True, exclude_none=True)))
    return result
