"""The desk's own door: session, CSRF token, own accounts; and what it answers."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import ExchangeAccount
from tradeops.domain.enums import Source
from tradeops.journal.models import Command

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "amount": "50",
    "leverage": 10,
}
WRITES = [
    ("/desk/api/orders", ORDER),
    ("/desk/api/positions/BTCUSDT/close", {"reason": "x"}),
    ("/desk/api/engine/pause", {"reason": "x"}),
    ("/desk/api/orders/00000000-0000-0000-0000-000000000001/cancel", {}),
]


class Browser:
    """A browser that keeps cookies, and sends the page's token when it has one."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client(enforce_csrf_checks=True)
        if user is not None:
            self.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        self.token = ""

    def open(self) -> Any:
        """Load the desk; later writes carry its token."""
        page = self.client.get("/desk/")
        cookie = self.client.cookies.get("csrftoken")
        self.token = cookie.value if cookie is not None else ""
        return page

    def post(self, path: str, body: object, **headers: str) -> Any:
        sent = {"prefer": "wait=0", **headers} | ({"x-csrftoken": self.token} if self.token else {})
        return self.client.post(
            path, json.dumps(body), content_type="application/json", headers=sent
        )


def test_desk_asks_for_a_login(account: ExchangeAccount) -> None:
    answer = Browser().open()

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/?next=/desk/")


def test_desk_shows_own_accounts_and_takes_nothing_from_elsewhere(
    account: ExchangeAccount, operator: User
) -> None:
    ExchangeAccount.objects.create(name="foreign")
    answer = Browser(operator).open()
    page = answer.content.decode()

    assert f'<option value="{account.pk}">main</option>' in page
    assert "foreign" not in page
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]


@pytest.mark.parametrize(("path", "body"), WRITES)
def test_write_without_the_page_s_token_is_refused_and_writes_nothing(
    operator: User, path: str, body: dict[str, Any]
) -> None:
    answer = Browser(operator).post(path, body, **{"idempotency-key": "k1"})

    assert answer.status_code == 403
    assert answer.json()["code"] == "FORBIDDEN"
    assert answer["Content-Type"] == "application/problem+json"
    assert not Command.objects.exists()


@pytest.mark.parametrize(("path", "body"), WRITES)
def test_write_without_a_session_is_refused(
    account: ExchangeAccount, path: str, body: dict[str, Any]
) -> None:
    answer = Browser().post(path, body, **{"idempotency-key": "k1"})

    assert answer.status_code == 401
    assert not Command.objects.exists()


def test_order_with_token_and_key_becomes_one_command_of_the_desk(
    account: ExchangeAccount, operator: User
) -> None:
    browser = Browser(operator)
    browser.open()
    first = browser.post("/desk/api/orders", ORDER, **{"idempotency-key": "k1"})
    second = browser.post("/desk/api/orders", ORDER, **{"idempotency-key": "k1"})

    assert first.status_code == 202
    assert second.status_code == 409
    command = Command.objects.get()
    assert (command.source, command.principal) == (Source.DESK, f"user:{operator.pk}")
    assert command.account_id == account.pk


def test_order_without_key_is_refused(account: ExchangeAccount, operator: User) -> None:
    browser = Browser(operator)
    browser.open()
    answer = browser.post("/desk/api/orders", ORDER)

    assert answer.status_code == 400
    assert answer.json()["code"] == "IDEMPOTENCY_KEY_REQUIRED"
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"leverage": 26}, "LEVERAGE_OUT_OF_RANGE"),
        ({"symbol": "NOPEUSDT"}, "SYMBOL_NOT_ALLOWED"),
        ({"amount": "-1"}, "VALIDATION_ERROR"),
        ({"amount": 50}, "VALIDATION_ERROR"),
        ({"surprise": 1}, "VALIDATION_ERROR"),
    ],
)
def test_bad_order_is_a_problem_and_writes_nothing(
    operator: User, change: dict[str, Any], code: str
) -> None:
    browser = Browser(operator)
    browser.open()
    answer = browser.post("/desk/api/orders", ORDER | change, **{"idempotency-key": "k1"})

    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert not Command.objects.exists()


def test_foreign_account_is_not_found(operator: User) -> None:
    foreign = ExchangeAccount.objects.create(name="foreign")
    browser = Browser(operator)
    browser.open()
    order = browser.post(
        "/desk/api/orders", {**ORDER, "account": "foreign"}, **{"idempotency-key": "k1"}
    )
    snapshot = browser.client.get(f"/desk/api/snapshot?account={foreign.pk}")

    assert (order.status_code, snapshot.status_code) == (404, 404)
    assert not Command.objects.exists()


def test_snapshot_over_rest_has_what_the_websocket_s_has(
    account: ExchangeAccount, operator: User
) -> None:
    answer = Browser(operator).client.get(f"/desk/api/snapshot?account={account.pk}")

    assert answer.status_code == 200
    assert {"account", "seq", "positions", "orders", "balances", "risk", "engine"} <= set(
        answer.json()
    )


def test_preview_writes_nothing(account: ExchangeAccount, operator: User) -> None:
    browser = Browser(operator)
    browser.open()
    answer = browser.post("/desk/api/orders/preview", ORDER)

    assert answer.status_code == 200
    assert answer.json()["accepted"] is False  # no instrument is known here
    assert [verdict["gate"] for verdict in answer.json()["verdicts"]][:2] == ["engine", "symbol"]
    assert not Command.objects.exists()


@pytest.mark.parametrize("reason", ["two\nlines", "a\u0000b"])
def test_reason_that_is_no_line_is_refused(
    account: ExchangeAccount, operator: User, reason: str
) -> None:
    browser = Browser(operator)
    browser.open()
    answers = [
        browser.post(path, {"reason": reason}, **{"idempotency-key": "k1"})
        for path, _ in WRITES[1:]
    ]

    assert {answer.status_code for answer in answers} == {422}
    assert not Command.objects.exists()
