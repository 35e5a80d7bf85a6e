"""What is no order is refused with the right code, before anything is written or sent."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.api.client import Api, assert_problem
from tests.integration.api.conftest import KeyMaker
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import OrderType, Side, TimeInForce, WorkingType
from tradeops.journal import codec
from tradeops.journal.models import Command, Event

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "notional": "500", "leverage": 10}
LIMIT = {**ORDER, "type": "LIMIT", "price": "60000"}
BOTH = ("/api/v1/orders", "/api/trade")

INVALID: list[tuple[str, dict[str, Any], str, str]] = [
    ("unknown symbol", {"symbol": "FOOUSDT"}, "SYMBOL_NOT_ALLOWED", "/symbol"),
    ("lower-case symbol", {"symbol": "btcusdt"}, "VALIDATION_ERROR", "/symbol"),
    ("symbol with a script", {"symbol": "<b>"}, "VALIDATION_ERROR", "/symbol"),
    ("full-width symbol", {"symbol": "ＢＴＣＵＳＤＴ"}, "VALIDATION_ERROR", "/symbol"),  # noqa: RUF001
    ("notional 0", {"notional": "0"}, "VALIDATION_ERROR", "/notional"),
    ("notional 0.000", {"notional": "0.000"}, "VALIDATION_ERROR", "/notional"),
    ("notional -1", {"notional": "-1"}, "VALIDATION_ERROR", "/notional"),
    ("notional NaN", {"notional": "NaN"}, "VALIDATION_ERROR", "/notional"),
    ("notional Infinity", {"notional": "Infinity"}, "VALIDATION_ERROR", "/notional"),
    ("notional with exponent", {"notional": "1e400"}, "VALIDATION_ERROR", "/notional"),
    ("exponent bomb", {"notional": "1e1000000"}, "VALIDATION_ERROR", "/notional"),
    ("full-width digits", {"notional": "５０"}, "VALIDATION_ERROR", "/notional"),  # noqa: RUF001
    ("arabic digits", {"notional": "\u0665\u0660"}, "VALIDATION_ERROR", "/notional"),
    ("digits with blanks", {"notional": " 50"}, "VALIDATION_ERROR", "/notional"),
    ("digits with a newline", {"notional": "50\n"}, "VALIDATION_ERROR", "/notional"),
    ("digits with underscores", {"notional": "1_000"}, "VALIDATION_ERROR", "/notional"),
    ("too many digits", {"notional": "9" * 21}, "VALIDATION_ERROR", "/notional"),
    ("too long", {"notional": "1" * 10_000}, "VALIDATION_ERROR", "/notional"),
    ("too many decimals", {"notional": "1." + "1" * 19}, "VALIDATION_ERROR", "/notional"),
    ("a JSON integer", {"notional": 500}, "VALIDATION_ERROR", "/notional"),
    ("a JSON float", {"notional": 500.5}, "VALIDATION_ERROR", "/notional"),
    ("a boolean amount", {"notional": True}, "VALIDATION_ERROR", "/notional"),
    ("an amount in a list", {"notional": ["500"]}, "VALIDATION_ERROR", "/notional"),
    ("leverage 0", {"leverage": 0}, "LEVERAGE_OUT_OF_RANGE", "/leverage"),
    ("leverage 26", {"leverage": 26}, "LEVERAGE_OUT_OF_RANGE", "/leverage"),
    ("leverage -1", {"leverage": -1}, "LEVERAGE_OUT_OF_RANGE", "/leverage"),
    ("leverage x", {"leverage": "x"}, "VALIDATION_ERROR", "/leverage"),
    ("leverage as text", {"leverage": "10"}, "VALIDATION_ERROR", "/leverage"),
    ("leverage 10.0", {"leverage": 10.0}, "VALIDATION_ERROR", "/leverage"),
    ("leverage true", {"leverage": True}, "VALIDATION_ERROR", "/leverage"),
    ("side HOLD", {"side": "HOLD"}, "VALIDATION_ERROR", "/side"),
    ("side lower case", {"side": "buy"}, "VALIDATION_ERROR", "/side"),
    ("no side", {"side": None}, "VALIDATION_ERROR", "/side"),
    ("an extra field", {"price_limit": "1"}, "VALIDATION_ERROR", "/price_limit"),
    ("two sizes", {"amount": "50"}, "VALIDATION_ERROR", "/"),
    ("no size", {"notional": None}, "VALIDATION_ERROR", "/"),
    ("account of a strange shape", {"account": "a b"}, "VALIDATION_ERROR", "/account"),
]
STOP = {"type": "STOP_MARKET", "trigger_price": "1"}
TRAILING = {"type": "TRAILING_STOP_MARKET"}
WHOLE = {**STOP, "notional": None, "close_position": True}
SOON = "2026-11-20T12:00:00Z"
INVALID_ORDERS: list[tuple[str, dict[str, Any], str]] = [
    ("a type of the venue's own", {"type": "LIQUIDATION"}, "/type"),
    ("stop loss, which nothing would place", {"stop_loss": "1"}, "/stop_loss"),
    ("price of a market order", {"price": "1"}, "/price"),
    ("limit without price", {"type": "LIMIT"}, "/price"),
    ("time in force of a market order", {"time_in_force": "GTC"}, "/time_in_force"),
    ("margin without leverage", {"notional": None, "amount": "5", "leverage": None}, "/leverage"),
    ("reduce_only as text", {"reduce_only": "yes"}, "/reduce_only"),
    ("client_ref with control characters", {"client_ref": "a\u0000b"}, "/client_ref"),
    ("client_ref too long", {"client_ref": "a" * 65}, "/client_ref"),
    ("stop without trigger", {"type": "STOP_MARKET"}, "/trigger_price"),
    ("trigger 0", {"type": "STOP_MARKET", "trigger_price": "0"}, "/trigger_price"),
    ("trigger of a market order", {"trigger_price": "1"}, "/trigger_price"),
    ("trigger of a trailing stop", {**TRAILING, "trigger_price": "1"}, "/trigger_price"),
    ("stop-limit without price", {**STOP, "type": "STOP"}, "/price"),
    ("price of a stop at market", {**STOP, "price": "1"}, "/price"),
    ("working type of a market order", {"working_type": "MARK_PRICE"}, "/working_type"),
    ("a working type that is none", {**STOP, "working_type": "LAST"}, "/working_type"),
    ("trailing stop without rate", TRAILING, "/callback_rate"),
    ("callback rate too small", {**TRAILING, "callback_rate": "0.09"}, "/callback_rate"),
    ("callback rate too large", {**TRAILING, "callback_rate": "20.1"}, "/callback_rate"),
    ("callback rate too fine", {**TRAILING, "callback_rate": "1.25"}, "/callback_rate"),
    ("callback rate of a stop", {**STOP, "callback_rate": "1"}, "/callback_rate"),
    ("activation of a stop", {**STOP, "activation_price": "1"}, "/activation_price"),
    ("closing order with a size", {**WHOLE, "notional": "500"}, "/"),
    ("closing order by limit", {**WHOLE, "type": "STOP", "price": "1"}, "/close_position"),
    ("closing and reducing", {**WHOLE, "reduce_only": True}, "/reduce_only"),
    ("closing as text", {**WHOLE, "close_position": "true"}, "/close_position"),
    ("closing a leg that it opens", {**WHOLE, "position_side": "LONG"}, "/side"),
    ("GTD without end", {**LIMIT, "time_in_force": "GTD"}, "/good_till"),
    ("end without GTD", {**LIMIT, "good_till": SOON}, "/good_till"),
    ("GTD of a stop-limit", {**LIMIT, **STOP, "type": "STOP", "time_in_force": "GTD"},
     "/time_in_force"),
    ("end without a zone", {**LIMIT, "time_in_force": "GTD", "good_till": SOON[:-1]}, "/good_till"),
]  # fmt: skip


def _changed(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**ORDER, **change}.items() if value is not None}


def _assert_nothing_written() -> None:
    assert not Command.objects.exists()
    assert not Event.objects.exclude(type="ConfigChanged").exists()


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize(
    ("change", "code", "pointer"), [case[1:] for case in INVALID], ids=[c[0] for c in INVALID]
)
def test_order_with_bad_value_is_refused(
    api: Api, path: str, change: dict[str, Any], code: str, pointer: str
) -> None:
    body = assert_problem(api.post(path, _changed(change)), 422, code)

    assert [fault["pointer"] for fault in body["errors"]] == [pointer]
    _assert_nothing_written()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [case[1:] for case in INVALID_ORDERS],
    ids=[case[0] for case in INVALID_ORDERS],
)
def test_order_that_contradicts_itself_is_refused(
    api: Api, change: dict[str, Any], pointer: str
) -> None:
    response = api.post("/api/v1/orders", _changed(change))

    body = assert_problem(response, 422, "VALIDATION_ERROR")
    assert [fault["pointer"] for fault in body["errors"]] == [pointer]
    _assert_nothing_written()


def test_every_bad_field_is_named(api: Api) -> None:
    response = api.post("/api/v1/orders", _changed({"side": "HOLD", "leverage": 0}))

    body = assert_problem(response, 422, "VALIDATION_ERROR")
    assert {fault["pointer"]: fault["code"] for fault in body["errors"]} == {
        "/side": "enum",
        "/leverage": "LEVERAGE_OUT_OF_RANGE",
    }


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize(
    "body",
    ["{", "", "null x", '{"symbol": NaN', "[" * 100_000, b"\xff\xfe", "1" * 5000],
    ids=["open", "empty", "garbage", "nan", "deep", "binary", "huge number"],
)
def test_broken_json_is_a_bad_request(api: Api, path: str, body: str | bytes) -> None:
    response = api.send("POST", path, body)

    assert response.status_code in {400, 422}
    assert_problem(response, response.status_code, "VALIDATION_ERROR")
    _assert_nothing_written()


@pytest.mark.parametrize("body", ["[]", "1", '"order"', "null"])
def test_json_that_is_no_object_is_refused(api: Api, body: str) -> None:
    response = api.send("POST", "/api/v1/orders", body)

    assert_problem(response, 422, "VALIDATION_ERROR")
    _assert_nothing_written()


@pytest.mark.parametrize("path", BOTH)
def test_two_megabytes_are_too_large(api: Api, path: str) -> None:
    response = api.send("POST", path, json.dumps({**ORDER, "x": "y" * 2_000_000}))

    assert_problem(response, 413, "PAYLOAD_TOO_LARGE")
    _assert_nothing_written()


def test_order_without_key_is_refused(api: Api) -> None:
    response = api.post("/api/v1/orders", ORDER, key="")

    assert_problem(response, 400, "IDEMPOTENCY_KEY_REQUIRED")
    _assert_nothing_written()


@pytest.mark.parametrize("key", ["a" * 129, "with blank", "ümlaut"])
def test_unusable_key_is_refused(api: Api, key: str) -> None:
    response = api.post("/api/v1/orders", ORDER, key=key)

    assert_problem(response, 422, "VALIDATION_ERROR")
    _assert_nothing_written()


def test_foreign_account_is_not_found(make_key: KeyMaker, second: Any) -> None:
    for path in BOTH:
        response = Api(make_key()).post(path, {**ORDER, "account": second.name})
        assert_problem(response, 404, "NOT_FOUND")
    _assert_nothing_written()


def test_inactive_account_takes_no_order(api: Api, account: Any) -> None:
    account.is_active = False
    account.save()

    assert_problem(api.post("/api/v1/orders", ORDER), 404, "NOT_FOUND")
    _assert_nothing_written()


def test_alias_refusal_speaks_the_seed_clients_words(api: Api) -> None:
    body = assert_problem(
        api.post("/api/trade", _changed({"leverage": 26})), 422, "LEVERAGE_OUT_OF_RANGE"
    )

    assert body["success"] is False
    assert body["error"] == "LEVERAGE_OUT_OF_RANGE"
    assert body["details"] == body["detail"]


@pytest.mark.parametrize("leverage", [1, 25])
@pytest.mark.parametrize("notional", ["0.000000000000000001", "9" * 20, "500.50"])
def test_order_at_the_bounds_is_taken_as_it_is(api: Api, leverage: int, notional: str) -> None:
    body = {**ORDER, "notional": notional, "leverage": leverage}

    response = api.post("/api/v1/orders", body, Prefer="wait=0")

    assert response.status_code == 202, response.content
    command = Command.objects.get()
    wanted = codec.decode_command(command.kind, command.payload)
    assert wanted == PlaceOrder(
        symbol="BTCUSDT", side=Side.BUY, notional=Decimal(notional), leverage=leverage
    )


def test_limit_order_is_taken_with_all_its_words(api: Api) -> None:
    body = {
        **LIMIT,
        "side": "SELL",
        "time_in_force": "GTX",
        "reduce_only": True,
        "client_ref": "desk 7",
    }

    response = api.post("/api/v1/orders", body, Prefer="wait=0")

    assert response.status_code == 202, response.content
    command = Command.objects.get()
    assert response["Location"] == f"/api/v1/commands/{command.pk}"
    assert response.json()["command"]["id"] == str(command.pk)
    assert codec.decode_command(command.kind, command.payload) == PlaceOrder(
        symbol="BTCUSDT",
        side=Side.SELL,
        order_type=OrderType.LIMIT,
        notional=Decimal(500),
        price=Decimal(60000),
        leverage=10,
        time_in_force=TimeInForce.GTX,
        reduce_only=True,
        client_ref="desk 7",
    )
    assert command.principal == "token:desk"
    assert command.request_id == response["X-Request-ID"]
    assert command.expires_at is None  # a way out


def test_only_openings_expire(api: Api) -> None:
    stop = {**ORDER, "type": "STOP_MARKET", "trigger_price": "61000"}
    close = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_MARKET", "trigger_price": "1",
             "close_position": True}  # fmt: skip

    for body in (ORDER, stop, close):
        assert api.post("/api/v1/orders", body, Prefer="wait=0").status_code == 202

    expiring = Command.objects.order_by("created_at").values_list("expires_at", flat=True)
    assert [at is not None for at in expiring] == [True, True, False]


def test_trailing_stop_is_taken_with_all_its_words(api: Api) -> None:
    body = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "TRAILING_STOP_MARKET",
        "quantity": "0.5",
        "callback_rate": "1.5",
        "activation_price": "61000",
        "working_type": "CONTRACT_PRICE",
        "reduce_only": True,
    }

    response = api.post("/api/v1/orders", body, Prefer="wait=0")

    assert response.status_code == 202, response.content
    command = Command.objects.get()
    assert codec.decode_command(command.kind, command.payload) == PlaceOrder(
        symbol="BTCUSDT",
        side=Side.SELL,
        order_type=OrderType.TRAILING_STOP_MARKET,
        quantity=Decimal("0.5"),
        callback_rate=Decimal("1.5"),
        activation_price=Decimal(61000),
        working_type=WorkingType.CONTRACT_PRICE,
        reduce_only=True,
    )


def test_preview_writes_nothing_and_needs_no_key(api: Api) -> None:
    response = api.post("/api/v1/orders?validate=true", ORDER, key="")

    assert response.status_code == 200
    answer = response.json()
    assert answer["accepted"] is False
    assert {"gate", "passed"} <= set(answer["verdicts"][0])
    _assert_nothing_written()


@pytest.mark.parametrize("path", BOTH)
def test_name_given_twice_is_refused(api: Api, path: str) -> None:
    """Which of two amounts is meant is not ours to guess."""
    body = '{"symbol":"BTCUSDT","side":"BUY","notional":"50","leverage":10,"notional":"5000"}'

    problem = assert_problem(api.post(path, body), 400, "VALIDATION_ERROR")

    assert "twice" in problem["detail"]
    _assert_nothing_written()
