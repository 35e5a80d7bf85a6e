"""What the paper venue refuses, as python-binance's blocking client reports it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.clients.binance_urls import Client
from tests.contract.clients.checks import away_from
from tests.contract.clients.sync_trading import (
    SYMBOL,
    limit,
    mark_price,
    market,
    open_positions,
    refusal,
    wallet,
)

pytestmark = pytest.mark.usefixtures("flat")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"quantity": None}, -1102),
        ({"symbol": "ADAUSDT", "quantity": "1"}, -4164),
        ({"quantity": "900"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"type": "LIMIT", "price": "1000.05", "timeInForce": "GTC"}, -4014),
        ({"side": "HOLD"}, -1117),
        ({"positionSide": "LONG"}, -4061),
    ],
)
def test_bad_order_is_refused_with_the_venues_code(
    client: Client, order: dict[str, Any], code: int
) -> None:
    complete = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "0.010", **order}
    sent = {name: value for name, value in complete.items() if value is not None}

    assert refusal(lambda: client.futures_create_order(**sent)) == code


def test_post_only_order_that_would_take_is_refused(client: Client) -> None:
    price = away_from(mark_price(client), 2)

    code = refusal(lambda: limit(client, "BUY", "0.010", price, timeInForce="GTX"))

    assert code == -5022


def test_client_order_id_is_unique_among_open_orders_only(client: Client) -> None:
    price = away_from(mark_price(client), -5)
    limit(client, "BUY", "0.010", price, newClientOrderId="twice")

    code = refusal(lambda: limit(client, "BUY", "0.010", price, newClientOrderId="twice"))

    assert code == -4116
    client.futures_cancel_order(symbol=SYMBOL, origClientOrderId="twice")
    assert limit(client, "BUY", "0.010", price, newClientOrderId="twice")["status"] == "NEW"


def test_client_order_id_that_needs_escaping_is_accepted(client: Client) -> None:
    # The client signs the plain text and sends it escaped; the venue takes either signature.
    price = away_from(mark_price(client), -5)

    placed = limit(client, "BUY", "0.010", price, newClientOrderId="desk:1/a_b-c.D")

    assert placed["clientOrderId"] == "desk:1/a_b-c.D"


def test_wrong_credentials_are_refused(connect: Callable[[str, str], Client]) -> None:
    wrong_secret = connect("paper-main-key", "not-the-secret")
    wrong_key = connect("not-a-key", "paper-main-secret")

    assert refusal(wrong_secret.futures_account) == -1022
    assert refusal(wrong_key.futures_account) in {-2014, -2015}


def test_accounts_do_not_see_each_other(
    client: Client, connect: Callable[[str, str], Client]
) -> None:
    second = connect("paper-second-key", "paper-second-secret")

    market(client, "BUY", "0.010", newClientOrderId="mine-alone")

    assert open_positions(second) == []
    assert wallet(second) == 10_000
    code = refusal(lambda: second.futures_get_order(symbol=SYMBOL, origClientOrderId="mine-alone"))
    assert code == -2013
