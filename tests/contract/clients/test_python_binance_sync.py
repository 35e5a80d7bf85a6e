"""python-binance 1.0.37, the blocking client, on the paper venue."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from tests.contract.clients.binance_urls import Client
from tests.contract.clients.checks import away_from, exact, order_of
from tests.contract.clients.sync_trading import (
    SYMBOL,
    limit,
    mark_price,
    market,
    one_position,
    open_positions,
    refusal,
    wallet,
)
from tests.support.paper import PaperServer

pytestmark = pytest.mark.usefixtures("flat")


def test_exchange_info_lists_ten_symbols_with_their_filters(client: Client) -> None:
    info = client.futures_exchange_info()
    bitcoin = next(item for item in info["symbols"] if item["symbol"] == SYMBOL)
    filters = {item["filterType"]: item for item in bitcoin["filters"]}

    assert len(info["symbols"]) == 10
    assert bitcoin["status"] == "TRADING"
    assert filters["PRICE_FILTER"]["tickSize"] == "0.10"
    assert filters["LOT_SIZE"]["stepSize"] == "0.001"
    assert Decimal(filters["MIN_NOTIONAL"]["notional"]) == 50


def test_market_order_fills_and_every_view_of_it_agrees(client: Client, paper: PaperServer) -> None:
    opening = Decimal(wallet(client))

    reply = market(client, "BUY", "0.010", newClientOrderId="sync-market-1")

    assert reply["status"] == "FILLED"
    assert exact(reply["executedQty"]) == Decimal("0.010")
    assert not {"avgPrice", "cumQuote"} & set(reply)
    order = client.futures_get_order(symbol=SYMBOL, origClientOrderId="sync-market-1")
    assert order["orderId"] == reply["orderId"]
    fills = client.futures_account_trades(symbol=SYMBOL, orderId=reply["orderId"])
    assert sum(exact(fill["qty"]) for fill in fills) == Decimal("0.010")
    cost = sum(exact(fill["qty"]) * exact(fill["price"]) for fill in fills)
    assert abs(exact(order["avgPrice"]) - cost / Decimal("0.010")) < Decimal("0.01")
    commission = sum((exact(fill["commission"]) for fill in fills), Decimal(0))
    assert abs(commission - cost * Decimal("0.0005")) < Decimal("0.0000001")
    position = one_position(client)
    assert exact(position["positionAmt"]) == Decimal("0.010")
    assert wallet(client) == opening - commission
    assert order_of(paper.truth("main"), "sync-market-1")["status"] == "FILLED"


def test_round_trip_books_realized_profit_and_commission_as_income(client: Client) -> None:
    opening = wallet(client)

    market(client, "BUY", "0.010")
    market(client, "SELL", "0.010")

    fills = client.futures_account_trades(symbol=SYMBOL)[-2:]
    change = sum(exact(f["realizedPnl"]) - exact(f["commission"]) for f in fills)
    assert wallet(client) == opening + change
    kinds = {row["incomeType"] for row in client.futures_income_history(symbol=SYMBOL)}
    assert {"COMMISSION", "REALIZED_PNL"} <= kinds
    assert open_positions(client) == []


def test_limit_order_rests_is_listed_and_cancelled_once(client: Client) -> None:
    price = away_from(mark_price(client), -5)

    placed = limit(client, "BUY", "0.010", price, newClientOrderId="sync-limit-1")

    assert placed["status"] == "NEW"
    assert [order["orderId"] for order in client.futures_get_open_orders(symbol=SYMBOL)] == [
        placed["orderId"]
    ]
    gone = client.futures_cancel_order(symbol=SYMBOL, origClientOrderId="sync-limit-1")
    assert gone["status"] == "CANCELED"
    assert client.futures_get_open_orders(symbol=SYMBOL) == []
    again = refusal(
        lambda: client.futures_cancel_order(symbol=SYMBOL, origClientOrderId="sync-limit-1")
    )
    assert again == -2011
    history = client.futures_get_all_orders(symbol=SYMBOL)
    assert history[-1]["status"] == "CANCELED"


def test_resting_order_fills_as_maker_when_the_price_reaches_it(
    client: Client, paper: PaperServer
) -> None:
    start = mark_price(client)
    price = away_from(start, -2)
    placed = limit(client, "BUY", "0.010", price)

    paper.set_price(SYMBOL, away_from(start, -3))

    order = client.futures_get_order(symbol=SYMBOL, orderId=placed["orderId"])
    assert order["status"] == "FILLED"
    fills = client.futures_account_trades(symbol=SYMBOL, orderId=placed["orderId"])
    assert {fill["maker"] for fill in fills} == {True}
    assert {exact(fill["price"]) for fill in fills} == {Decimal(price)}
    paper.set_price(SYMBOL, start)


def test_cancel_all_open_orders_empties_one_symbol(client: Client) -> None:
    price = away_from(mark_price(client), -5)
    for _ in range(3):
        limit(client, "BUY", "0.010", price)

    client.futures_cancel_all_open_orders(symbol=SYMBOL)

    assert client.futures_get_open_orders(symbol=SYMBOL) == []


def test_batch_places_what_it_can_and_tells_each_refusal(client: Client) -> None:
    price = away_from(mark_price(client), -5)
    good = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.010",
        "price": price,
    }

    replies = client.futures_place_batch_order(batchOrders=[good, {**good, "quantity": "0.0001"}])

    assert replies[0]["status"] == "NEW"
    assert replies[1]["code"] == -1111
    listed = client.futures_get_open_orders(symbol=SYMBOL)
    assert [order["orderId"] for order in listed] == [replies[0]["orderId"]]


def test_modified_order_keeps_its_id_and_takes_quantity_and_price(client: Client) -> None:
    mark = mark_price(client)
    placed = limit(client, "BUY", "0.010", away_from(mark, -5))

    client.futures_modify_order(
        symbol=SYMBOL,
        orderId=placed["orderId"],
        side="BUY",
        quantity="0.020",
        price=away_from(mark, -6),
    )

    order = client.futures_get_order(symbol=SYMBOL, orderId=placed["orderId"])
    assert exact(order["origQty"]) == Decimal("0.020")
    assert exact(order["price"]) == Decimal(away_from(mark, -6))
    assert order["status"] == "NEW"


def test_leverage_and_margin_type_change_and_repeat_as_on_the_venue(client: Client) -> None:
    reply = client.futures_change_leverage(symbol="ETHUSDT", leverage=7)

    assert (reply["leverage"], reply["symbol"]) == (7, "ETHUSDT")
    client.futures_change_margin_type(symbol="ETHUSDT", marginType="ISOLATED")
    again = refusal(
        lambda: client.futures_change_margin_type(symbol="ETHUSDT", marginType="ISOLATED")
    )
    assert again == -4046
    rows = client.futures_position_information(symbol="ETHUSDT", version=2)
    assert (rows[0]["leverage"], rows[0]["marginType"]) == ("7", "isolated")
    client.futures_change_margin_type(symbol="ETHUSDT", marginType="CROSSED")
    assert refusal(lambda: client.futures_change_leverage(symbol="ETHUSDT", leverage=126)) == -4028


def test_hedge_mode_holds_both_directions(connect: Callable[[str, str], Client]) -> None:
    stranger = connect("paper-stranger-key", "paper-stranger-secret")
    stranger.futures_change_position_mode(dualSidePosition="true")
    assert stranger.futures_get_position_mode() == {"dualSidePosition": True}

    market(stranger, "BUY", "0.010", positionSide="LONG")
    market(stranger, "SELL", "0.020", positionSide="SHORT")

    amounts = {p["positionSide"]: exact(p["positionAmt"]) for p in open_positions(stranger)}
    assert amounts == {"LONG": Decimal("0.010"), "SHORT": Decimal("-0.020")}
    code = refusal(lambda: stranger.futures_change_position_mode(dualSidePosition="false"))
    assert code == -4068
    market(stranger, "SELL", "0.010", positionSide="LONG")
    market(stranger, "BUY", "0.020", positionSide="SHORT")
    stranger.futures_change_position_mode(dualSidePosition="false")
    assert open_positions(stranger) == []


def test_account_views_of_both_versions_agree(client: Client) -> None:
    market(client, "BUY", "0.010")

    old = client.futures_account(version=2)
    new = client.futures_account(version=3)
    balance = next(row for row in client.futures_account_balance() if row["asset"] == "USDT")

    assert old["totalWalletBalance"] == new["totalWalletBalance"]
    assert exact(balance["balance"]) == exact(new["totalWalletBalance"])
    held = next(p for p in new["positions"] if p["symbol"] == SYMBOL)
    assert exact(held["positionAmt"]) == Decimal("0.010")
    assert exact(new["totalInitialMargin"]) > 0


def test_market_data_is_served(client: Client) -> None:
    book = client.futures_order_book(symbol=SYMBOL, limit=20)
    best = client.futures_orderbook_ticker(symbol=SYMBOL)

    assert len(book["bids"]) == len(book["asks"]) == 20
    assert exact(book["bids"][0][0]) < exact(book["asks"][0][0])
    assert exact(best["bidPrice"]) < exact(best["askPrice"])
    assert exact(client.futures_symbol_ticker(symbol=SYMBOL)["price"]) > 0
    assert len(client.futures_mark_price()) == 10
    brackets = client.futures_leverage_bracket(symbol=SYMBOL)
    assert brackets[0]["brackets"][0]["initialLeverage"] == 125
    assert client.futures_time()["serverTime"] > 1_700_000_000_000


def test_usage_headers_count_weight_and_orders(client: Client) -> None:
    client.futures_account()
    before = int(client.response.headers["X-MBX-USED-WEIGHT-1M"])
    client.futures_account()
    assert int(client.response.headers["X-MBX-USED-WEIGHT-1M"]) > before

    market(client, "BUY", "0.010")

    assert int(client.response.headers["X-MBX-ORDER-COUNT-10S"]) >= 1
    assert int(client.response.headers["X-MBX-ORDER-COUNT-1M"]) >= 1
