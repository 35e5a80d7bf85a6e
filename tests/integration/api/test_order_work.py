"""Amending, cancelling and margin: what the routes ask the engine for, and who may ask."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import ExchangeAccount
from orders.models import Order
from positions.models import Position
from tests.integration.api.booking import START, place
from tests.integration.api.client import Api, assert_problem
from tests.integration.api.conftest import KeyMaker
from tradeops.domain.commands import (
    AmendOrder,
    CancelAll,
    ChangeIsolatedMargin,
    DomainCommand,
    SetMarginMode,
)
from tradeops.domain.enums import MarginMode, OrderType, PositionSide, WorkingType
from tradeops.journal import codec
from tradeops.journal.models import Command

WAIT = {"Prefer": "wait=0"}
D = Decimal


def _asked() -> DomainCommand:
    command = Command.objects.get()
    return codec.decode_command(command.kind, command.payload)


def _patch(api: Api, order: Order, body: dict[str, Any], **more: str) -> Any:
    return api.send("PATCH", f"/api/v1/orders/{order.pk}", body, **WAIT, **more)


@pytest.mark.parametrize(
    ("body", "quantity", "price"),
    [
        ({"quantity": "0.009"}, "0.009", "61768.2"),
        ({"price": "61000"}, "0.008", "61000"),
        ({"quantity": "0.009", "price": "61000"}, "0.009", "61000"),
    ],
)
def test_amendment_always_asks_for_both(
    api: Api, account: ExchangeAccount, body: dict[str, str], quantity: str, price: str
) -> None:
    order = place(account)

    response = _patch(api, order, body)

    assert response.status_code == 202, response.content
    assert _asked() == AmendOrder(order.pk, "BTCUSDT", D(quantity), D(price))
    assert Command.objects.get().expires_at is not None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/"),
        ({"quantity": "0"}, "/quantity"),
        ({"price": "-1"}, "/price"),
        ({"price": 61000}, "/price"),
        ({"side": "SELL"}, "/side"),
    ],
)
def test_amendment_that_says_nothing_usable_is_refused(
    api: Api, account: ExchangeAccount, body: dict[str, Any], pointer: str
) -> None:
    problem = assert_problem(_patch(api, place(account), body), 422, "VALIDATION_ERROR")

    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert not Command.objects.exists()


def test_amendment_needs_its_key_and_the_right_to_trade(
    api: Api, account: ExchangeAccount, make_key: KeyMaker
) -> None:
    order = place(account)
    path = f"/api/v1/orders/{order.pk}"

    keyless = api.send("PATCH", path, {"price": "61000"}, key="")
    reader = Api(make_key("read", "cancel")).send("PATCH", path, {"price": "61000"})

    assert_problem(keyless, 400, "IDEMPOTENCY_KEY_REQUIRED")
    assert_problem(reader, 403, "FORBIDDEN")
    assert not Command.objects.exists()


def test_foreign_order_is_not_found(make_key: KeyMaker, second: ExchangeAccount) -> None:
    response = _patch(Api(make_key()), place(second), {"price": "61000"})

    assert_problem(response, 404, "NOT_FOUND")


def test_order_without_a_price_cannot_be_amended(api: Api, account: ExchangeAccount) -> None:
    order = place(account)
    Order.objects.filter(pk=order.pk).update(price=None, order_type=OrderType.STOP_MARKET)

    assert_problem(_patch(api, order, {"quantity": "1"}), 422, "VALIDATION_ERROR")


def test_everything_of_an_account_is_cancelled_only_by_its_name(
    api: Api, account: ExchangeAccount
) -> None:
    nameless = api.send("DELETE", "/api/v1/orders", **WAIT)
    named = api.send("DELETE", "/api/v1/orders?account=main", **WAIT)

    assert_problem(nameless, 422, "VALIDATION_ERROR")
    assert named.status_code == 202
    assert _asked() == CancelAll("")
    assert Command.objects.get().account_id == account.pk


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("path", "body", "command"),
    [
        (
            "margin-type",
            {"margin_mode": "ISOLATED"},
            SetMarginMode("BTCUSDT", MarginMode.ISOLATED),
        ),
        ("margin", {"amount": "12.5"}, ChangeIsolatedMargin("BTCUSDT", D("12.5"))),
        (
            "margin",
            {"amount": "12.5", "direction": "REMOVE", "position_side": "LONG"},
            ChangeIsolatedMargin("BTCUSDT", D("-12.5"), PositionSide.LONG),
        ),
    ],
)
def test_margin_is_asked_for(
    api: Api, path: str, body: dict[str, str], command: DomainCommand
) -> None:
    response = api.post(f"/api/v1/positions/BTCUSDT/{path}", body, **WAIT)

    assert response.status_code == 202, response.content
    assert _asked() == command


@pytest.mark.usefixtures("account")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("margin-type", {}),
        ("margin-type", {"margin_mode": "isolated"}),
        ("margin", {"amount": "-1"}),
        ("margin", {"amount": "1", "direction": "IN"}),
    ],
)
def test_margin_that_makes_no_sense_is_refused(api: Api, path: str, body: dict[str, str]) -> None:
    response = api.post(f"/api/v1/positions/BTCUSDT/{path}", body)

    assert_problem(response, 422, "VALIDATION_ERROR")
    assert not Command.objects.exists()


@pytest.mark.usefixtures("account")
def test_moving_margin_needs_a_key(api: Api) -> None:
    response = api.post("/api/v1/positions/BTCUSDT/margin", {"amount": "1"}, key="")

    assert_problem(response, 400, "IDEMPOTENCY_KEY_REQUIRED")


def test_conditional_order_is_shown_with_its_trigger(api: Api, account: ExchangeAccount) -> None:
    order = place(account)
    Order.objects.filter(pk=order.pk).update(
        order_type=OrderType.STOP_MARKET,
        algo_id="9001",
        trigger_price=D(60000),
        working_type=WorkingType.MARK_PRICE,
        close_position=True,
        triggered_at=START,
    )

    shown = api.get(f"/api/v1/orders/{order.pk}").json()

    names = ("type", "algo_id", "trigger_price", "working_type", "close_position", "triggered_at")
    assert {name: shown[name] for name in names} == {
        "type": "STOP_MARKET",
        "algo_id": "9001",
        "trigger_price": "60000",
        "working_type": "MARK_PRICE",
        "close_position": True,
        "triggered_at": "2026-11-20T12:00:00Z",
    }


def test_isolated_margin_and_place_in_the_queue_are_shown(
    api: Api, account: ExchangeAccount
) -> None:
    place(account, trade_id=1, order_id=uuid4())
    Position.objects.update(isolated_margin=D("50.5"), adl_quantile=3)

    (shown,) = api.get("/api/v1/positions").json()["items"]

    assert (shown["isolated_margin"], shown["adl_quantile"]) == ("50.5", 3)
