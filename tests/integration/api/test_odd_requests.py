"""What databases choke on is refused before it gets there; dead parts are told as such."""

from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import ExchangeAccount
from tests.integration.api.booking import place
from tests.integration.api.client import Api, assert_problem
from tradeops.journal.models import Command
from tradeops.kit.paging import encode_cursor
from tradeops.kit.redis_client import redis_client

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "notional": "500", "leverage": 10}
EDGE = "0001-01-01T00:00:00%2B23:59"


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/events?type=%00",
        "/api/v1/events?type=a%0ab",
        "/api/v1/instruments?symbol=%00",
        "/api/v1/orders?symbol=%00",
        "/api/v1/orders?account=%00",
        "/api/v1/balances?account=%00",
        "/api/v1/positions?account=a%00b",
        f"/api/v1/orders?since={EDGE}",
        f"/api/v1/fills?until={EDGE}",
        "/api/v1/orders?until=9999-12-31T23:59:59-23:59",
        "/api/v1/fills?order_id=1",
        "/api/v1/events?after=-1",
        "/api/v1/events?after=1.5",
    ],
)
def test_unstorable_query_is_refused(api: Api, account: ExchangeAccount, path: str) -> None:
    place(account, trade_id=1)

    assert_problem(api.get(path), 422, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/events?account=99999999999999999999999999",
        "/api/v1/limits/99999999999999999999999999",
        "/api/v1/orders?account=99999999999999999999999999",
        "/api/v1/commands/00000000-0000-0000-0000-000000000000",
    ],
)
def test_number_beyond_the_database_is_not_found(api: Api, path: str) -> None:
    assert_problem(api.get(path), 404, "NOT_FOUND")


def test_sequence_beyond_the_database_is_the_end(api: Api, account: ExchangeAccount) -> None:
    place(account)

    assert api.get("/api/v1/events?after=99999999999999999999999999").json()["items"] == []


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_forged_cursor_is_refused(api: Api, account: ExchangeAccount, at: str) -> None:
    class Moment:
        def isoformat(self) -> str:
            return at

    moment: Any = Moment()
    cursor = encode_cursor(moment, "5f0c8f0e-0000-4000-8000-000000000000")

    assert_problem(api.get(f"/api/v1/orders?cursor={cursor}"), 422, "VALIDATION_ERROR")


@pytest.mark.parametrize("reason", ["a\u0000b", "two\nlines", "x" * 201, "\ud800"])
def test_unstorable_reason_is_refused(api: Api, account: ExchangeAccount, reason: str) -> None:
    answers = [
        api.post("/api/v1/engine/pause", {"reason": reason}),
        api.post("/api/v1/positions/BTCUSDT/close", {"reason": reason}),
    ]

    for answer in answers:
        assert_problem(answer, 422, "VALIDATION_ERROR")
    assert not Command.objects.exists()


def test_unstorable_name_is_no_operator(account: ExchangeAccount) -> None:
    body = {"username": "ol\u0000ga", "password": "x"}

    assert_problem(Api("").post("/api/v1/auth/token", body), 422, "VALIDATION_ERROR")


def test_order_costs_few_queries(api: Api, account: ExchangeAccount) -> None:
    """Account, command, head, event, head again, look: the click waits for each of them."""
    api.post("/api/v1/orders", ORDER, Prefer="wait=0")

    with CaptureQueriesContext(connection) as captured:
        assert api.post("/api/v1/orders", ORDER, Prefer="wait=0").status_code == 202

    asked = [query["sql"] for query in captured if "SAVEPOINT" not in query["sql"]]
    assert len(asked) == 6, asked


def test_order_is_taken_although_redis_is_gone(api: Api, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    }
    redis_client.cache_clear()
    try:
        order = api.post("/api/v1/orders", ORDER, Prefer="wait=0")
        ticket = api.post("/api/v1/ws-ticket", None)
    finally:
        redis_client.cache_clear()
        caches.settings = caches.configure_settings(None)

    assert order.status_code == 202
    assert Command.objects.count() == 1
    assert_problem(ticket, 503, "INTERNAL_ERROR")
    assert ticket["Retry-After"] == "5"
