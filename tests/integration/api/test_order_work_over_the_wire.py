"""Stops and amendments through every process; each type by itself: integration/order_work."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.stack import Answer, Stack

pytestmark = [pytest.mark.stack, pytest.mark.once]

D = Decimal
BUY = {"symbol": "BTCUSDT", "side": "BUY", "notional": "500", "leverage": 10}
RESTING = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "59000",
           "quantity": "0.01", "leverage": 10}  # fmt: skip
PINNED = "60000"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One deployment for all tests here, its prices pinned; each leaves it flat."""
    with Stack(tmp_path_factory.mktemp("work") / "home") as running:
        yield running


@pytest.fixture(autouse=True)
def _flat(stack: Stack) -> Iterator[None]:
    _price(stack, PINNED)
    yield
    _price(stack, PINNED)
    stack.api("DELETE", "/api/v1/orders?account=main")
    for position in stack.api("GET", "/api/v1/positions").json["items"]:
        path = f"/api/v1/positions/{position['symbol']}/close"
        stack.api("POST", path, {"account": position["account"], "reason": "clean up"})


def _price(stack: Stack, price: str) -> None:
    """Pin the venue's price, and wait until the desk's own mark has followed."""
    stack.paper("POST", "/paper/price", {"symbol": "BTCUSDT", "price": price})
    body = {**BUY, "type": "MARKET"}

    def seen() -> bool:
        preview = stack.api("POST", "/api/v1/orders?validate=true", body).json
        return preview["reference_price"] is not None and D(preview["reference_price"]) == D(price)

    stack.wait_until(seen, f"the mark price is {price}")


def _order(stack: Stack, **body: Any) -> Answer:
    return stack.api("POST", "/api/v1/orders", {"symbol": "BTCUSDT", **body})


def _placed(answer: Answer) -> Any:
    assert answer.status == 201, answer.text
    return answer.json


def _refused(answer: Answer, code: str) -> Any:
    assert answer.json["code"] == code, answer.text
    return answer.json


OPENING = {"quantity": "0.01", "leverage": 10}


def test_stop_that_triggers_opens_and_is_one_order_all_the_way(stack: Stack) -> None:
    placed = _placed(
        _order(stack, **OPENING, type="STOP_MARKET", side="BUY", trigger_price="61000")
    )

    _price(stack, "61050")
    path = f"/api/v1/orders/{placed['id']}"
    stack.wait_until(lambda: stack.api("GET", path).json["status"] == "FILLED", "the stop fired")

    story = stack.api("GET", path).json
    assert (story["algo_id"], story["filled_quantity"]) == (placed["algo_id"], "0.01")
    assert story["venue_order_id"]
    assert story["triggered_at"]
    assert len(story["fills"]) >= 1
    (position,) = stack.api("GET", "/api/v1/positions").json["items"]
    assert position["quantity"] == "0.01"


def test_closing_stop_ends_the_position_and_exists_once(stack: Stack) -> None:
    close = {"type": "STOP_MARKET", "side": "SELL", "trigger_price": "58000",
             "close_position": True}  # fmt: skip
    _refused(_order(stack, **close), "POSITION_NOT_FOUND")
    _placed(stack.api("POST", "/api/v1/orders", BUY))

    stop = _placed(_order(stack, **close))
    second = _order(stack, **{**close, "trigger_price": "57000"})
    target = _placed(
        _order(
            stack, type="TAKE_PROFIT_MARKET", side="SELL", trigger_price="65000",
            close_position=True,
        )
    )  # fmt: skip
    _refused(second, "STOP_EXISTS")
    _price(stack, "57900")

    path = f"/api/v1/orders/{stop['id']}"
    stack.wait_until(lambda: stack.api("GET", path).json["status"] == "FILLED", "the stop fired")
    stack.wait_until(
        lambda: stack.api("GET", "/api/v1/positions").json["items"] == [], "the desk is flat"
    )
    other = f"/api/v1/orders/{target['id']}"
    stack.wait_until(
        lambda: stack.api("GET", other).json["status"] == "EXPIRED", "the target went with it"
    )


def test_protective_stop_passes_a_halt(stack: Stack) -> None:
    _placed(stack.api("POST", "/api/v1/orders", BUY))
    stack.api("POST", "/api/v1/engine/halt", {"scope": "account"})
    try:
        stop = _order(
            stack, type="STOP_MARKET", side="SELL", trigger_price="58000", close_position=True
        )
        opening = _order(stack, **OPENING, type="STOP_MARKET", side="BUY", trigger_price="61000")
    finally:
        stack.api("POST", "/api/v1/engine/resume", {"scope": "account", "reason": "drill"})

    _placed(stop)
    _refused(opening, "HALTED")


def test_amendment_of_which_the_answer_was_lost_is_resolved(stack: Stack) -> None:
    placed = _placed(stack.api("POST", "/api/v1/orders", RESTING))
    path = f"/api/v1/orders/{placed['id']}"
    fault = {"kind": "http_5xx_after", "match": "PUT /fapi/v1/order", "count": 1}
    stack.paper("POST", "/paper/faults", fault)

    answer = stack.api("PATCH", path, {"price": "58500"}, headers={"Prefer": "wait=30"})

    assert answer.status == 200, answer.text
    assert answer.json["price"] == "58500"


def test_everything_of_an_account_is_cancelled_ordinary_and_conditional(stack: Stack) -> None:
    _placed(stack.api("POST", "/api/v1/orders", RESTING))
    _placed(_order(stack, **OPENING, type="STOP_MARKET", side="BUY", trigger_price="61000"))

    answer = stack.api("DELETE", "/api/v1/orders?account=main")

    assert answer.status == 200, answer.text
    assert answer.json["command"]["result"]["cancelled"] == "2"
    truth = stack.truth("main")
    assert not [row for row in truth["orders"] if row["status"] in ("NEW", "PARTIALLY_FILLED")]
