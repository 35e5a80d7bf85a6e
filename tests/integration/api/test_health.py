"""`/healthz`: 200 when orders can be served, and what else is the matter."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import ExchangeAccount
from tests.integration.api.client import Api
from tests.integration.api.conftest import KeyMaker
from tradeops.kit import heartbeat, redis_client
from tradeops.reconcile.services.reconcile_notes import remember
from tradeops.streams.models import StreamLease
from tradeops.streams.services.vitals import rate_key


def _health() -> tuple[int, dict[str, Any]]:
    response = Client().get("/healthz")
    return response.status_code, response.json()


@pytest.fixture
def worker(db: None) -> None:
    """An orders worker that lives."""
    redis_client.redis_client().set(heartbeat.heartbeat_key("orders"), "{}", ex=15)


def test_no_orders_worker_is_not_healthy(account: ExchangeAccount) -> None:
    status, body = _health()

    assert status == 503
    assert body["status"] == "fail"
    assert body["checks"]["orders_worker"] == "fail"
    assert body["checks"]["database"] == body["checks"]["redis"] == "ok"


@pytest.mark.usefixtures("worker")
def test_worker_without_streams_is_degraded(account: ExchangeAccount) -> None:
    status, body = _health()

    assert status == 200
    assert body["status"] == "degraded"
    assert body["env"] == "paper"
    assert body["checks"]["streams"] == {"main": "DISCONNECTED"}
    assert body["checks"]["venue"] == "fail"
    assert body["checks"]["reconcile_age_s"] is None


@pytest.mark.usefixtures("worker")
def test_everything_alive_is_ok(account: ExchangeAccount) -> None:
    now = datetime.now(UTC)
    StreamLease.objects.create(
        account=account,
        owner="w",
        expires_at=now + timedelta(seconds=15),
        state="CONNECTED",
        state_at=now,
    )
    remember(account.pk, now - timedelta(seconds=7))
    redis_client.redis_client().set(rate_key(account.pk), '{"clock_offset_ms": -12}')

    status, body = _health()

    assert (status, body["status"]) == (200, "ok")
    assert body["checks"]["streams"] == {"main": "CONNECTED"}
    assert body["checks"]["reconcile_age_s"] in {7, 8}
    assert body["checks"]["clock_offset_ms"] == -12


@pytest.mark.usefixtures("worker")
def test_lease_that_ran_out_says_nothing(account: ExchangeAccount) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    StreamLease.objects.create(
        account=account, owner="w", expires_at=past, state="CONNECTED", state_at=past
    )

    assert _health()[1]["checks"]["streams"] == {"main": "DISCONNECTED"}


def test_dead_redis_is_told_and_does_not_break_the_page(
    account: ExchangeAccount, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    redis_client.redis_client.cache_clear()
    try:
        status, body = _health()
    finally:
        redis_client.redis_client.cache_clear()

    assert status == 503
    assert body["checks"]["redis"] == "fail"
    assert body["checks"]["database"] == "ok"


def test_budget_of_the_venue_is_told_for_own_accounts(
    api: Api, make_key: KeyMaker, account: ExchangeAccount, second: ExchangeAccount
) -> None:
    word = {"used_weight_1m": 412, "weight_limit_1m": 2400, "order_count_1m": 3}
    redis_client.redis_client().set(rate_key(account.pk), json.dumps(word))

    told, silent = api.get("/api/v1/system/limits").json()["items"]
    own = Api(make_key()).get("/api/v1/system/limits").json()["items"]

    assert (told["account"], told["used_weight_1m"], told["weight_left_1m"]) == ("main", 412, 1988)
    assert (silent["account"], silent["used_weight_1m"]) == ("second", None)
    assert own == [told]
