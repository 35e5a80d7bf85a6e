"""A venue that throttles, fails or falls silent, judged by its own books afterwards."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support import books
from tests.support.stack import Answer, Stack

pytestmark = [pytest.mark.stack, pytest.mark.once, pytest.mark.timeout(240)]

TRADE = {"symbol": "BTCUSDT", "side": "BUY", "amount": "50", "leverage": 10}
MANY_WRITES = {"ORDER_WRITES_PER_MINUTE": "6000"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home: Path = tmp_path_factory.mktemp("trade") / "home"
    with Stack(home, environment=MANY_WRITES) as running:
        yield running


@pytest.fixture(autouse=True)
def no_faults(stack: Stack) -> Iterator[None]:
    yield
    stack.paper("DELETE", "/paper/faults")


def trade(stack: Stack, **changes: Any) -> Answer:
    body = {name: value for name, value in {**TRADE, **changes}.items() if value is not None}
    return stack.api("POST", "/api/trade", body)


def sent_orders(stack: Stack, account: str = "main") -> int:
    truth = stack.truth(account)
    return len(truth["orders"]) + len(truth["rejected"])


def test_venue_that_throttles_is_obeyed(stack: Stack) -> None:
    stack.paper(
        "POST",
        "/paper/faults",
        {"kind": "throttle_429", "match": "POST /fapi/v1/order", "count": 1},
    )
    before = sent_orders(stack, "second")

    first = trade(stack, account="second")
    second = trade(stack, account="second")

    assert (first.status, first.json["code"]) == (429, "RATE_LIMITED")
    assert second.status in {200, 429, 503}
    assert sent_orders(stack, "second") - before == (1 if second.status == 200 else 0)


@pytest.mark.parametrize("kind", ["http_5xx_after", "timeout_after"])
def test_executed_but_unanswered_order_is_found_and_never_repeated(stack: Stack, kind: str) -> None:
    fault = {"kind": kind, "match": "POST /fapi/v1/order", "count": 1, "ms": 4000}
    stack.wait_until(lambda: trade(stack).status == 200, "orders pass", timeout_s=90)
    stack.paper("POST", "/paper/faults", fault)
    before = sent_orders(stack)

    answer = trade(stack)
    command_id = (answer.json.get("command") or {}).get("id") or answer.json["commandId"]

    stack.wait_until(
        lambda: stack.api("GET", f"/api/v1/commands/{command_id}").json["status"] == "ACK",
        "the order was found at the venue",
        timeout_s=30,
    )
    assert sent_orders(stack) == before + 1
    stack.wait_until(lambda: books.differences(stack, "main") == [], "books agree")


def test_refused_before_execution_is_lost_only_on_proof(stack: Stack) -> None:
    fault = {"kind": "http_5xx_before", "match": "POST /fapi/v1/order", "count": 1}
    stack.paper("POST", "/paper/faults", fault)
    before = sent_orders(stack)
    answer = stack.api("POST", "/api/trade", TRADE, headers={"Prefer": "wait=1"})
    assert answer.status == 202
    command_id = answer.json["command"]["id"]

    command = stack.wait_until(
        lambda: _ended(stack, command_id), "the order is given up", timeout_s=90
    )

    assert command["code"] == "LOST"
    waited = timedelta(seconds=30)
    assert _moment(command["completed_at"]) - _moment(command["created_at"]) >= waited
    assert sent_orders(stack) == before


def _ended(stack: Stack, command_id: str) -> dict[str, Any] | None:
    command: dict[str, Any] = stack.api("GET", f"/api/v1/commands/{command_id}").json
    return command if command["status"] in {"ACK", "FAILED"} else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_silent_stream_does_not_lose_a_fill(stack: Stack) -> None:
    stack.paper("POST", "/paper/faults", {"kind": "ws_mute", "match": "main"})

    answer = trade(stack)
    command_id = (answer.json.get("command") or {}).get("id") or answer.json["commandId"]

    stack.wait_until(
        lambda: (
            stack.api("GET", f"/api/v1/orders/{command_id}").json["status"] == "FILLED"
            and stack.api("GET", f"/api/v1/orders/{command_id}").json["fills"]
        ),
        "the fill came over REST",
        timeout_s=30,
    )


def test_at_the_end_the_books_agree_and_rebuild_finds_nothing(stack: Stack) -> None:
    stack.wait_until(
        lambda: not any(books.differences(stack, name) for name in ("main", "second")),
        "books agree",
        timeout_s=60,
    )

    report = json.loads(stack.manage("rebuild", "--json").splitlines()[-1])
    assert report["differences"] == 0
