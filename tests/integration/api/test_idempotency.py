"""One key, one command, one answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import ExchangeAccount
from orders.models import Order
from risk.models import EngineStatus
from tests.integration.api.booking import (
    carry_out,
    end_command,
    fill_later,
    place,
)
from tests.integration.api.client import Api, assert_problem
from tests.integration.api.conftest import KeyMaker
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import EngineState
from tradeops.engine.api import asking
from tradeops.journal.models import Command, Event

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "notional": "500", "leverage": 10}
PAUSE = {"scope": "account", "reason": "lunch"}
AT_ONCE = 20


def ask(api: Api, key: str, body: dict[str, Any] | None = None) -> Any:
    """The order under a key, without waiting for its outcome."""
    return api.post("/api/v1/orders", body or ORDER, key=key, Prefer="wait=0")


def test_repeated_order_in_flight_is_a_conflict_to_retry(api: Api) -> None:
    first = ask(api, "k1")

    again = ask(api, "k1")

    assert first.status_code == 202
    assert_problem(again, 409, "IDEMPOTENCY_IN_FLIGHT")
    assert again["Retry-After"] == "1"
    assert Command.objects.count() == 1


def test_repeated_order_with_another_body_is_refused(api: Api) -> None:
    ask(api, "k1")

    assert_problem(ask(api, "k1", {**ORDER, "side": "SELL"}), 422, "IDEMPOTENCY_CONFLICT")
    assert Command.objects.count() == 1


def test_repeated_order_may_be_written_in_another_way(api: Api) -> None:
    ask(api, "k1")
    shuffled = dict(reversed(ORDER.items()))

    assert_problem(ask(api, "k1", shuffled), 409, "IDEMPOTENCY_IN_FLIGHT")


def test_keys_belong_to_their_principal_and_route(
    api: Api, make_key: KeyMaker, account: ExchangeAccount
) -> None:
    ask(api, "k1")

    assert ask(Api(make_key()), "k1").status_code == 202
    alias = api.post("/api/trade", ORDER, key="k1", Prefer="wait=0")

    assert alias.status_code == 202
    assert Command.objects.count() == 3


def test_refusal_is_replayed_word_for_word(api: Api) -> None:
    """The engine refuses: no instrument is known here."""
    ask(api, "k1")
    command = Command.objects.get()
    end_command(
        command,
        CommandStatus.FAILED,
        code="RISK_REJECTED:max_order_notional",
        detail="too much",
        verdicts=[{"gate": "order_limit", "passed": False, "numbers": {"limit": "1"}}],
    )

    first, second = ask(api, "k1"), ask(api, "k1")

    body = assert_problem(first, 422, "RISK_REJECTED:max_order_notional")
    assert first["Idempotent-Replayed"] == "true"
    assert first.content == second.content
    assert body["gates"][0]["gate"] == "order_limit"
    assert body["command_id"] == str(command.pk)
    assert body["request_id"] == command.request_id != first["X-Request-ID"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("HALTED", 409), ("PAUSED", 409), ("VENUE_UNAVAILABLE", 503), ("INSUFFICIENT_BALANCE", 422),
     ("LOST", 504), ("EXPIRED", 503), ("unheard of", 500)],
)  # fmt: skip
def test_failed_command_answers_with_its_code(api: Api, code: str, status: int) -> None:
    ask(api, "k1")
    end_command(Command.objects.get(), CommandStatus.FAILED, code=code, detail="because")

    expected = "INTERNAL_ERROR" if code == "unheard of" else code
    assert_problem(ask(api, "k1"), status, expected)


def test_venue_refusal_carries_the_venues_words(api: Api) -> None:
    ask(api, "k1")
    end_command(
        Command.objects.get(),
        CommandStatus.FAILED,
        code="VENUE_REJECTED",
        detail="ReduceOnly Order is rejected.",
        exchange_code=-2022,
    )

    body = assert_problem(ask(api, "k1"), 422, "VENUE_REJECTED")

    assert body["exchange"] == {"code": -2022, "msg": "ReduceOnly Order is rejected."}


def test_unknown_outcome_is_accepted_and_says_so(api: Api) -> None:
    body = ask(api, "k1").json()
    Command.objects.update(status=CommandStatus.SENT, outcome_unknown=True)

    answer = api.get(f"/api/v1/commands/{body['command']['id']}").json()

    assert answer["outcome_unknown"] is True
    assert_problem(ask(api, "k1"), 409, "IDEMPOTENCY_IN_FLIGHT")


def test_filled_order_is_replayed_word_for_word(api: Api, account: ExchangeAccount) -> None:
    ask(api, "k1")
    order = place(account, order_id=Command.objects.get().pk, trade_id=1, ends_command=True)

    first, second = ask(api, "k1"), ask(api, "k1")

    assert first.status_code == 201
    assert first["Idempotent-Replayed"] == "true"
    assert first.content == second.content
    assert first.json()["status"] == "FILLED"
    assert first.json()["average_price"] == "61768.2"
    assert first.json()["id"] == str(order.pk)


@contextmanager
def worker(work: Callable[[Command], None]) -> Iterator[None]:
    """A thread that finishes the first command that appears."""

    def run() -> None:
        try:
            while (command := Command.objects.filter(status=CommandStatus.NEW).first()) is None:
                stop.wait(0.01)
                if stop.is_set():
                    return
            work(command)
        finally:
            connection.close()

    stop = threading.Event()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.usefixtures("committed_db")
def test_resting_orders_first_answer_survives_its_fill(api: Api, account: ExchangeAccount) -> None:
    def rest(command: Command) -> None:
        place(account, order_id=command.pk, ends_command=True)

    with worker(rest):
        first = api.post("/api/v1/orders", ORDER, key="k1", Prefer="wait=20")
    assert first.status_code == 201
    assert first.json()["status"] == "ACKNOWLEDGED"

    order = Order.objects.get()
    fill_later(order, trade_id=1)
    again = ask(api, "k1")

    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert api.get(f"/api/v1/orders/{order.pk}").json()["status"] == "FILLED"


@pytest.mark.usefixtures("committed_db")
def test_twenty_at_once_make_one_command(api: Api) -> None:
    answers: list[Any] = []
    barrier = threading.Barrier(AT_ONCE)

    def send() -> None:
        try:
            barrier.wait()
            answers.append(ask(Api(settings.AUTH_TOKEN), "k1"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Command.objects.count() == 1
    assert Event.objects.filter(type="CommandSubmitted").count() == 1
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * (AT_ONCE - 1)


@pytest.mark.timeout(20)
def test_full_waiting_room_answers_at_once(api: Api) -> None:
    seats = [asking._seats.acquire(blocking=False) for _ in range(asking.MAX_WAITING)]
    try:
        answer = api.post("/api/v1/orders", ORDER, Prefer="wait=30")
    finally:
        for _ in filter(None, seats):
            asking._seats.release()

    assert all(seats)
    assert answer.status_code == 202


def test_control_is_carried_out_and_replayed(api: Api, account: ExchangeAccount) -> None:
    first = api.post("/api/v1/engine/pause", PAUSE, key="k1", Prefer="wait=0")
    assert first.status_code == 202
    carry_out(Command.objects.get().pk)

    again = api.post("/api/v1/engine/pause", PAUSE, key="k1")

    assert again.status_code == 200
    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["command"]["status"] == "ACK"
    status = EngineStatus.objects.get(scope=f"account:{account.pk}")
    assert status.state == EngineState.PAUSED
    assert Command.objects.count() == 1


def test_control_without_key_is_a_new_command_each_time(api: Api) -> None:
    for _ in range(2):
        api.post("/api/v1/engine/pause", PAUSE, key="", Prefer="wait=0")

    assert Command.objects.count() == 2


def test_alias_without_key_says_the_key_that_it_made(api: Api) -> None:
    first = api.post("/api/trade", ORDER, key="", Prefer="wait=0")

    made = first["Idempotency-Key"]
    again = api.post("/api/trade", ORDER, key=made, Prefer="wait=0")

    assert_problem(again, 409, "IDEMPOTENCY_IN_FLIGHT")
    assert Command.objects.count() == 1
