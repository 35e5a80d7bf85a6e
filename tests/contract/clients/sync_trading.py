"""Short ways to trade and to look with python-binance's blocking client."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.clients.binance_urls import BinanceAPIException, Client
from tests.contract.clients.checks import exact

SYMBOL = "BTCUSDT"


def market(client: Client, side: str, quantity: str, **more: Any) -> dict[str, Any]:
    more = {"symbol": SYMBOL, "newOrderRespType": "RESULT", **more}
    reply: dict[str, Any] = client.futures_create_order(
        side=side, type="MARKET", quantity=quantity, **more
    )
    return reply


def limit(client: Client, side: str, quantity: str, price: str, **more: Any) -> dict[str, Any]:
    reply: dict[str, Any] = client.futures_create_order(
        symbol=SYMBOL,
        side=side,
        type="LIMIT",
        quantity=quantity,
        price=price,
        **{"timeInForce": "GTC", **more},
    )
    return reply


def mark_price(client: Client) -> str:
    price: str = client.futures_mark_price(symbol=SYMBOL)["markPrice"]
    return price


def refusal(call: Callable[[], Any]) -> int:
    with pytest.raises(BinanceAPIException) as caught:
        call()
    assert caught.value.message
    code: int = caught.value.code
    return code


def wallet(client: Client) -> Decimal:
    return exact(client.futures_account()["totalWalletBalance"])


def open_positions(client: Client) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.futures_position_information()
    return [row for row in rows if Decimal(row["positionAmt"])]


def one_position(client: Client) -> dict[str, Any]:
    rows = open_positions(client)
    assert len(rows) == 1
    return rows[0]
