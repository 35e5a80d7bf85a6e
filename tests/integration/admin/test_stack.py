"""The admin against the running product: what is asked for there is done at the venue."""

import http.cookiejar
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.once]

PATIENCE_S = 60.0
PASSWORD = "a-password-of-this-test"


class Browser:
    """A session of the admin with its cookies; posts carry the page's CSRF token."""

    def __init__(self, url: str) -> None:
        self._url = url
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def get(self, path: str) -> str:
        with self._opener.open(self._url + path, timeout=30) as answer:
            text: str = answer.read().decode()
            return text

    def submit(self, path: str, **values: str) -> str:
        """Open a page with a form, fill it in and send it; returns the page that follows."""
        hidden = dict(
            re.findall(r'name="(csrfmiddlewaretoken|token)" value="([^"]+)"', self.get(path))
        )
        body = urllib.parse.urlencode({**hidden, **values}).encode()
        request = urllib.request.Request(  # noqa: S310 - our own server
            self._url + path, body, {"Referer": self._url + path}
        )
        with self._opener.open(request, timeout=30) as answer:
            text: str = answer.read().decode()
            return text


def eventually(seen: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product with a password that the test knows."""
    running = Stack(
        tmp_path_factory.mktemp("admin-stack"),
        environment={"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
    )
    with running:
        running.manage("createsuperuser", "--noinput", "--username=boss", "--email=b@example.com")
        yield running


@pytest.fixture(scope="module")
def browser(stack: Stack) -> Browser:
    """Somebody who is logged in."""
    visitor = Browser(stack.url)
    visitor.submit("/admin/login/", username="boss", password=PASSWORD)
    return visitor


def place(stack: Stack, **order: str) -> dict[str, Any]:
    answer = stack.api("POST", "/api/v1/orders", {"symbol": "BTCUSDT", "leverage": 10, **order})
    assert answer.status in {201, 202}, answer.text
    body: dict[str, Any] = answer.json
    return body


def test_resting_order_is_cancelled_from_the_admin(stack: Stack, browser: Browser) -> None:
    order = place(
        stack, side="BUY", type="LIMIT", price="20000", quantity="0.010", time_in_force="GTC"
    )
    page = f"/admin/orders/order/{order['id']}"

    shown = browser.submit(f"{page}/cancel/", confirmed="yes", reason="changed my mind")

    assert "Cancel: " in shown
    eventually(lambda: ">CANCELLED<" in browser.get(f"{page}/change/"), "the order is cancelled")
    events = browser.get(f"/admin/journal/event/?q={order['id']}")
    assert "OrderPlaced" in events


def test_position_is_closed_from_the_admin(stack: Stack, browser: Browser) -> None:
    place(stack, side="BUY", amount="50")
    eventually(lambda: "LONG" in browser.get("/admin/positions/position/"), "the position is shown")
    listed = browser.get("/admin/positions/position/")
    found = re.search(r'href="(/admin/positions/position/[^"/]+/close/)"', listed)
    assert found is not None

    browser.submit(found[1], confirmed="yes", reason="test is over")

    eventually(
        lambda: "LONG" not in browser.get("/admin/positions/position/"), "the position is closed"
    )
    fills = browser.get("/admin/orders/fill/")
    assert "BUY ▲" in fills
    assert "SELL ▼" in fills


def test_account_is_paused_and_resumed_from_the_admin(stack: Stack, browser: Browser) -> None:
    account = stack.api("GET", "/api/v1/accounts").json["items"][0]["id"]
    page = f"/admin/accounts/exchangeaccount/{account}"

    browser.submit(f"{page}/pause/", confirmed="yes", reason="lunch")
    eventually(lambda: ">PAUSED<" in browser.get("/admin/risk/enginestatus/"), "it is paused")
    refused = stack.api(
        "POST",
        "/api/v1/orders",
        {"symbol": "BTCUSDT", "side": "BUY", "amount": "50", "leverage": 10},
    )
    assert refused.json["code"] == "PAUSED"

    browser.submit(f"{page}/resume/", confirmed="yes", reason="back")
    eventually(lambda: ">RUNNING<" in browser.get("/admin/risk/enginestatus/"), "it runs again")


def test_account_is_compared_from_the_admin(stack: Stack, browser: Browser) -> None:
    account = stack.api("GET", "/api/v1/accounts").json["items"][0]["id"]

    browser.submit(f"/admin/accounts/exchangeaccount/{account}/sync_now/", confirmed="yes")

    eventually(
        lambda: (
            "ReconciliationPerformed"
            in browser.get("/admin/journal/event/?type=ReconciliationPerformed")
        ),
        "the comparison is journalled",
    )


def test_doctor_of_the_running_product_finds_nothing(stack: Stack) -> None:
    report = stack.manage("doctor", "--json")

    assert '"FAIL"' not in report
    assert "append-only" in report
