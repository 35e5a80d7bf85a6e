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
from tests.support.silence import silent_redis
from tradeops.domain.reasons import Reason
from tradeops.kit import heartbeat, redis_client, safe_mode
from tradeops.observability import health
from tradeops.reconcile.services.reconcile_notes import remember
from tradeops.streams.models import StreamLease
from tradeops.streams.services.vitals import rate_key
from tradeops.watch import PROCESS_KEYS


def _health() -> tuple[int, dict[str, Any]]:
    response = Client().get("/healthz")
    return response.status_code, response.json()


# Each part is asked on a thread of its own, which sees committed rows only.
pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not a hanging part."""
    monkeypatch.setattr(health, "LIMIT_S", 60.0)


@pytest.fixture
def worker(committed_db: None) -> None:
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


@pytest.mark.usefixtures("worker")
def test_redis_that_hangs_does_not_keep_the_page(
    account: ExchangeAccount, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LIMIT_S", 1.0)

    with silent_redis(settings):
        status, body = _health()

    assert status == 503
    assert body["checks"]["redis"] == "fail"
    assert body["checks"]["database"] == "ok"


@pytest.mark.usefixtures("worker")
def test_process_that_is_safe_says_its_number(account: ExchangeAccount) -> None:
    safe_mode.enter(Reason.DATABASE_FULL, "no room")

    status, body = _health()

    assert status == 503
    assert body["checks"]["database"] == "fail"
    (told,) = body["reasons"]
    assert (told["number"], told["detail"]) == ("T012", "no room")


@pytest.mark.usefixtures("worker")
def test_other_process_that_is_safe_degrades(account: ExchangeAccount) -> None:
    word = {"kind": "orders", "troubles": {"T017": "another build"}}
    redis_client.redis_client().set(f"{PROCESS_KEYS}there:7", json.dumps(word), ex=15)

    status, body = _health()

    assert (status, body["status"]) == (200, "degraded")
    assert body["checks"]["safe_processes"] == {"orders": ["T017"]}


def test_budget_of_the_venue_is_told_for_own_accounts(
    api: Api, make_key: KeyMaker, account: ExchangeAccount, second: ExchangeAccount
) -> None:
    word = {"used_weight_1m": 412, "weight_limit_1m": 2400, "order_count_1m": 3}
    redis_client.redis_client().set(rate_key(account.pk), json.dumps(word))

    told, silent = api.get("/api/v1/system/limits").json()["items"]
    own = Api(make_key()).get("/api/v1/system/limits").json()["items"]

    assert (told["account"], told["used_weight_1m"], told["weight_left_1m"]) == ("main", 412, 1988)
    assert (silent["account"], silent["used_weight_1m"]) == ("second", None)
    assert (silent["feed"], silent["dead_man_symbols"]) == ("DEGRADED", [])
    assert own == [told]
