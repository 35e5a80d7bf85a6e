"""The API in front of the running product: every process, the paper venue over sockets (R0.9)."""

import json
import threading
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.stack import Answer, Stack

pytestmark = pytest.mark.stack

TRADE = {"symbol": "BTCUSDT", "side": "BUY", "amount": "50", "leverage": 10}
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "notional": "500", "leverage": 10}
RESTING = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "50000",
           "quantity": "0.01", "leverage": 10}  # fmt: skip
FAULTS = "/paper/faults"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One deployment for all tests here; each leaves it flat and without faults."""
    with Stack(tmp_path_factory.mktemp("api") / "home") as running:
        yield running


@pytest.fixture(autouse=True)
def _flat(stack: Stack) -> Iterator[None]:
    yield
    stack.paper("DELETE", FAULTS)
    for position in stack.api("GET", "/api/v1/positions").json["items"]:
        body = {"account": position["account"], "reason": "clean up"}
        closed = stack.api("POST", f"/api/v1/positions/{position['symbol']}/close", body)
        assert closed.status == 201, closed.text


def _sent(stack: Stack, account: str = "main") -> int:
    """How many orders the venue ever received from the account."""
    return len(stack.truth(account)["orders"])


def _problem(answer: Answer, status: int, code: str) -> Any:
    assert answer.status == status, answer.text
    assert answer.json["code"] == code, answer.text
    return answer.json


def test_fifty_usdt_at_ten_times_is_filled(stack: Stack) -> None:
    answer = stack.api("POST", "/api/trade", TRADE)

    assert answer.status == 200, answer.text
    assert answer.json["success"] is True
    assert answer.json["status"] == "FILLED"
    assert Decimal(answer.json["executedQty"]) > 0
    (position,) = stack.api("GET", "/api/positions").json
    assert position["positionAmt"] == answer.json["executedQty"]
    assert position["entryPrice"] == answer.json["avgPrice"]
    assert position["leverage"] == "10"
    (venue,) = [row for row in stack.truth("main")["positions"] if row["symbol"] == "BTCUSDT"]
    assert Decimal(venue["quantity"]) == Decimal(position["positionAmt"])


def test_order_over_the_minimum_fills_and_under_it_is_refused_unsent(stack: Stack) -> None:
    sent = _sent(stack)

    under = stack.api("POST", "/api/v1/orders", {**ORDER, "notional": "49.99"})
    over = stack.api("POST", "/api/v1/orders", {**ORDER, "notional": "150"})

    refused = _problem(under, 422, under.json["code"])
    assert refused["code"] in {"MIN_NOTIONAL_VIOLATION", "MIN_QTY_VIOLATION"}
    assert [gate["gate"] for gate in refused["gates"] if not gate["passed"]]
    assert over.json["status"] == "FILLED"
    assert _sent(stack) == sent + 1


def test_margin_that_is_not_there_is_refused_unsent(stack: Stack) -> None:
    sent = _sent(stack)

    answer = stack.api("POST", "/api/v1/orders", {**ORDER, "notional": "9000000", "leverage": 1})

    assert answer.json["code"] in {"INSUFFICIENT_BALANCE", "RISK_REJECTED:max_order_notional"}
    assert answer.status == 422
    assert _sent(stack) == sent


def test_same_key_twice_sends_one_order(stack: Stack) -> None:
    sent, key = _sent(stack), uuid.uuid4().hex

    first = stack.api("POST", "/api/v1/orders", ORDER, key=key)
    second = stack.api("POST", "/api/v1/orders", ORDER, key=key)

    assert first.status == second.status == 201
    assert first.text == second.text
    assert second.headers["Idempotent-Replayed"] == "true"
    assert _sent(stack) == sent + 1


def test_same_key_twenty_times_at_once_sends_one_order(stack: Stack) -> None:
    sent, key = _sent(stack), uuid.uuid4().hex
    answers: list[Answer] = []

    def send() -> None:
        answers.append(stack.api("POST", "/api/v1/orders", ORDER, key=key))

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 20
    assert {answer.status for answer in answers} <= {201, 409}
    assert any(answer.status == 201 for answer in answers)
    assert len({answer.text for answer in answers if answer.status == 201}) == 1
    assert _sent(stack) == sent + 1


def test_limit_order_rests_and_is_cancelled(stack: Stack) -> None:
    key = uuid.uuid4().hex
    placed = stack.api("POST", "/api/v1/orders", RESTING, key=key)
    assert (placed.status, placed.json["status"]) == (201, "ACKNOWLEDGED")

    path = f"/api/v1/orders/{placed.json['id']}"
    cancelled = stack.api("DELETE", path)
    replayed = stack.api("POST", "/api/v1/orders", RESTING, key=key)

    assert (cancelled.status, cancelled.json["status"]) == (200, "CANCELLED")
    assert replayed.json == placed.json
    _problem(stack.api("DELETE", path), 409, "NOT_CANCELLABLE")
    assert stack.api("GET", path).json["status"] == "CANCELLED"


def test_cancel_all_ends_what_rests_for_the_symbol(stack: Stack) -> None:
    for _ in range(3):
        stack.api("POST", "/api/v1/orders", RESTING)

    answer = stack.api("DELETE", "/api/v1/orders?symbol=BTCUSDT")

    assert answer.status == 200, answer.text
    assert answer.json["command"]["result"]["cancelled"] == "3"
    open_orders = stack.api("GET", "/api/v1/orders?status=ACKNOWLEDGED").json["items"]
    assert open_orders == []


def test_position_is_closed_by_half_and_then_whole(stack: Stack) -> None:
    stack.api("POST", "/api/v1/orders", {**ORDER, "notional": "1300"})
    (held,) = stack.api("GET", "/api/v1/positions").json["items"]
    path = "/api/v1/positions/BTCUSDT/close"

    half = stack.api("POST", path, {"fraction": "0.5", "reason": "less"})
    rest = stack.api("POST", path, {"reason": "enough"})

    assert half.status == rest.status == 201
    closed = Decimal(half.json["filled_quantity"]) + Decimal(rest.json["filled_quantity"])
    assert closed == Decimal(held["quantity"])
    assert rest.json["reduce_only"] is True
    assert stack.api("GET", "/api/v1/positions").json["items"] == []
    _problem(stack.api("POST", path, {"reason": "again"}), 404, "POSITION_NOT_FOUND")


def test_halt_refuses_openings_and_lets_exits_pass(stack: Stack) -> None:
    stack.api("POST", "/api/v1/orders", ORDER)
    sent = _sent(stack)

    halted = stack.api("POST", "/api/v1/engine/halt", {"scope": "all"})
    try:
        assert halted.status == 200, halted.text
        refused = stack.api("POST", "/api/v1/orders", ORDER)
        closed = stack.api("POST", "/api/v1/positions/BTCUSDT/close", {"reason": "out"})
    finally:
        resumed = stack.api("POST", "/api/v1/engine/resume", {"scope": "all", "reason": "drill"})

    _problem(refused, 409, "HALTED")
    assert closed.status == 201, closed.text
    assert resumed.status == 200, resumed.text
    assert _sent(stack) == sent + 1


def test_answer_that_the_venue_swallowed_is_found_without_sending_again(stack: Stack) -> None:
    sent, key = _sent(stack), uuid.uuid4().hex
    fault = {"kind": "http_5xx_after", "match": "POST /fapi/v1/order", "count": 1}
    stack.paper("POST", FAULTS, fault)

    first = stack.api("POST", "/api/v1/orders", ORDER, key=key, headers={"Prefer": "wait=1"})

    if first.status == 202:  # unknown at first; the stream may also have told at once
        assert first.json["code"] in {"OUTCOME_UNKNOWN", ""}
        command = first.headers["Location"]
        stack.wait_until(
            lambda: stack.api("GET", command).json["status"] == "ACK", "the outcome is known"
        )
        first = stack.api("POST", "/api/v1/orders", ORDER, key=key)
    assert first.json["status"] == "FILLED", first.text
    assert _sent(stack) == sent + 1


def test_order_that_the_venue_ends_at_once_is_told_as_it_is(stack: Stack) -> None:
    answer = stack.api("POST", "/api/v1/orders", {**RESTING, "time_in_force": "IOC"})

    assert (answer.status, answer.json["status"]) == (201, "EXPIRED"), answer.text
    assert answer.json["filled_quantity"] == "0"


def test_venue_that_refuses_is_quoted(stack: Stack) -> None:
    answer = stack.api("POST", "/api/v1/orders", {**RESTING, "time_in_force": "FOK"})

    refused = _problem(answer, 422, "VENUE_REJECTED")
    assert refused["exchange"]["code"] == -5021
    assert refused["exchange"]["msg"] == refused["detail"]


def test_order_tells_its_whole_story(stack: Stack) -> None:
    placed = stack.api("POST", "/api/v1/orders", ORDER).json

    story = stack.api("GET", f"/api/v1/orders/{placed['id']}").json

    assert all(gate["passed"] for gate in story["gates"])
    steps = [event["type"] for event in story["events"]]
    assert steps[:2] == ["CommandSubmitted", "OrderPlaced"]
    assert "CommandCompleted" in steps
    fills = [fill["quantity"] for fill in story["fills"]]
    assert sum(map(Decimal, fills)) == Decimal(placed["filled_quantity"])


def test_second_account_trades_on_its_own(stack: Stack) -> None:
    answer = stack.api("POST", "/api/v1/orders", {**ORDER, "account": "second"})

    assert answer.json["account"] == "second"
    held = stack.api("GET", "/api/v1/positions").json["items"]
    assert [row["account"] for row in held] == ["second"]


def test_key_for_one_account_cannot_touch_the_other(stack: Stack) -> None:
    made = stack.manage(
        "apikey", "create", "robot", "--scope", "trade", "--scope", "read", "--account", "main",
        "--json",
    )  # fmt: skip
    token = json.loads(made)["key"]

    foreign = stack.api("POST", "/api/v1/orders", {**ORDER, "account": "second"}, token=token)
    own = stack.api("POST", "/api/v1/orders", ORDER, token=token)

    _problem(foreign, 404, "NOT_FOUND")
    assert own.status == 201, own.text


def test_bad_input_reaches_no_venue(stack: Stack) -> None:
    sent = _sent(stack)

    answers = [
        stack.api("POST", "/api/v1/orders", {**ORDER, "symbol": "FOOUSDT"}),
        stack.api("POST", "/api/v1/orders", {**ORDER, "notional": "1e400"}),
        stack.api("POST", "/api/v1/orders", {**ORDER, "leverage": 26}),
        stack.api("POST", "/api/v1/orders", "{"),
        stack.api("POST", "/api/v1/orders", {**ORDER, "x": "y" * 2_000_000}),
        stack.api("POST", "/api/v1/orders", ORDER, token=""),
        stack.api("POST", "/api/v1/orders", ORDER, token="wrong"),
        stack.api("POST", "/api/v1/orders", ORDER, key=""),
    ]

    assert [answer.status for answer in answers] == [422, 422, 422, 400, 413, 401, 401, 400]
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert _sent(stack) == sent


def _command_line(stack: Stack, *words: str) -> tuple[int, str]:
    """Exit code and output of a manage.py command."""
    try:
        return 0, stack.manage(*words)
    except RuntimeError as error:
        text = str(error)
        return int(text.split("ended with ")[1].split(":", maxsplit=1)[0]), text


def test_command_line_trades_and_closes(stack: Stack) -> None:
    order = ("trade", "BUY", "BTCUSDT", "--notional", "500", "--leverage", "10", "--yes", "--json")
    close = ("close", "BTCUSDT", "--reason", "test", "--yes", "--json")

    code, output = _command_line(stack, *order)
    assert (code, json.loads(output)["status"]) == (0, "FILLED")
    assert _command_line(stack, *close)[0] == 0
    assert _command_line(stack, *close)[0] == 4


def test_command_line_halts_and_resumes(stack: Stack) -> None:
    assert _command_line(stack, "halt", "--account", "second")[0] == 0
    refused = stack.api("POST", "/api/v1/orders", {**ORDER, "account": "second"})
    resume = ("resume", "--account", "second", "--reason", "drill over", "--yes")
    assert _command_line(stack, *resume)[0] == 0

    _problem(refused, 409, "HALTED")


def test_command_line_cancels(stack: Stack) -> None:
    stack.api("POST", "/api/v1/orders", RESTING)
    confirmed = ("cancel", "--symbol", "BTCUSDT", "--confirm", "cancel BTCUSDT", "--json")

    code, output = _command_line(stack, *confirmed)

    assert code == 0
    assert json.loads(output)["result"]["cancelled"] == "1"
