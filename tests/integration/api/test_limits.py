"""Quotas of writes, limits with versions, control of the engine."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings

from accounts.models import ExchangeAccount
from risk.models import EngineStatus, RiskLimit
from risk.services.limit_change import change_limit
from tests.integration.api.booking import carry_out
from tests.integration.api.client import Api, assert_problem
from tests.integration.api.conftest import KeyMaker
from tradeops.domain.enums import Source
from tradeops.journal.models import Command, Event

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "notional": "500", "leverage": 10}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WAIT = {"Prefer": "wait=0"}


@pytest.fixture
def limit(account: ExchangeAccount) -> RiskLimit:
    """An order of `main` has at most 1,000 USDT."""
    return change_limit(
        limit_id=None,
        changes={"metric": "max_order_notional", "value": "1000", "account_id": account.pk},
        actor="test",
        source=Source.CLI,
        reason="",
        now=NOW,
    )


def _patch(api: Api, limit: RiskLimit, body: dict[str, Any], key: str = "", **more: str) -> Any:
    return api.send("PATCH", f"/api/v1/limits/{limit.pk}", body, key=key, **WAIT, **more)


def test_limit_is_read_with_its_version(api: Api, limit: RiskLimit) -> None:
    response = api.get(f"/api/v1/limits/{limit.pk}")

    assert response["ETag"] == '"1"'
    assert response.json()["value"] == "1000"
    assert response.json()["account"] == "main"
    assert api.get("/api/v1/limits").json()["items"] == [response.json()]


def test_limit_changes_by_a_command_with_who_and_why(api: Api, limit: RiskLimit) -> None:
    body = {"value": "750.5", "reason": "calmer"}
    asked = _patch(api, limit, body, "k1", **{"If-Match": '"1"'})
    assert asked.status_code == 202

    carry_out(Command.objects.get().pk)
    done = _patch(api, limit, body, "k1", **{"If-Match": '"1"'})

    assert done.status_code == 200
    assert done["ETag"] == '"2"'
    assert done.json()["value"] == "750.5"
    limit.refresh_from_db()
    assert limit.value == Decimal("750.5")
    event = Event.objects.filter(type="ConfigChanged").order_by("-seq")[0]
    assert event.actor == "token:desk"
    assert event.payload["reason"] == "calmer"


def test_limit_that_somebody_changed_meanwhile_is_left_alone(api: Api, limit: RiskLimit) -> None:
    body = {"value": "1", "reason": "x"}
    _patch(api, limit, body, "k1", **{"If-Match": '"7"'})
    carry_out(Command.objects.get().pk)

    answer = _patch(api, limit, body, "k1", **{"If-Match": '"7"'})

    assert_problem(answer, 412, "PRECONDITION_FAILED")
    limit.refresh_from_db()
    assert limit.value == 1000


def test_limit_needs_a_version(api: Api, limit: RiskLimit) -> None:
    body = {"value": "1", "reason": "x"}

    assert_problem(_patch(api, limit, body), 428, "PRECONDITION_REQUIRED")
    for wrong in ("1", "*", 'W/"1"', '"x"'):
        answer = _patch(api, limit, body, **{"If-Match": wrong})
        assert_problem(answer, 412, "PRECONDITION_FAILED")
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    "body",
    [{"reason": "x"}, {"value": "1"}, {"value": "0", "reason": "x"}, {"value": 1, "reason": "x"},
     {"is_enabled": "no", "reason": "x"}, {"value": "1", "reason": ""},
     {"value": "1", "reason": "x", "metric": "max_position_notional"}],
)  # fmt: skip
def test_bad_change_of_a_limit_is_refused(api: Api, limit: RiskLimit, body: dict[str, Any]) -> None:
    answer = _patch(api, limit, body, **{"If-Match": '"1"'})

    assert_problem(answer, 422, "VALIDATION_ERROR")
    assert not Command.objects.exists()


def test_limit_of_the_desk_is_not_for_who_holds_one_account(
    api: Api, make_key: KeyMaker, second: ExchangeAccount
) -> None:
    def make(**scope: Any) -> RiskLimit:
        changes = {"metric": "max_order_notional", "value": "1", **scope}
        return change_limit(
            limit_id=None, changes=changes, actor="t", source=Source.CLI, reason="", now=NOW
        )

    desk, foreign = make(), make(account_id=second.pk)
    stranger = Api(make_key("read", "risk"))
    body, match = {"value": "2", "reason": "x"}, {"If-Match": '"1"'}

    assert [row["id"] for row in stranger.get("/api/v1/limits").json()["items"]] == [desk.pk]
    assert_problem(_patch(stranger, desk, body, **match), 403, "FORBIDDEN")
    assert_problem(_patch(stranger, foreign, body, **match), 404, "NOT_FOUND")
    assert_problem(_patch(Api(make_key("read")), desk, body, **match), 403, "FORBIDDEN")
    assert not Command.objects.exists()


def test_quota_of_orders_is_told_and_kept(api: Api, settings: Settings) -> None:
    settings.ORDER_WRITES_PER_MINUTE = 3

    answers = [api.post("/api/v1/orders", ORDER, **WAIT) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
    assert [answer["RateLimit"].split(";")[1] for answer in answers] == ["r=2", "r=1", "r=0", "r=0"]
    assert answers[0]["RateLimit-Policy"] == '"orders";q=3;w=60'
    assert_problem(answers[3], 429, "RATE_LIMITED")
    assert 0 < int(answers[3]["Retry-After"]) <= 20
    assert Command.objects.count() == 3


def test_spent_quota_stops_neither_cancels_nor_halts_nor_previews(
    api: Api, settings: Settings
) -> None:
    settings.ORDER_WRITES_PER_MINUTE = 1
    api.post("/api/v1/orders", ORDER, **WAIT)
    assert api.post("/api/v1/orders", ORDER, **WAIT).status_code == 429

    cancel = api.send("DELETE", "/api/v1/orders?symbol=BTCUSDT", **WAIT)
    halt = api.post("/api/v1/engine/halt", {"scope": "all"}, **WAIT)
    preview = api.post("/api/v1/orders?validate=true", ORDER)

    assert [cancel.status_code, halt.status_code, preview.status_code] == [202, 202, 200]


def test_alias_and_close_share_the_quota_of_orders(api: Api, settings: Settings) -> None:
    settings.ORDER_WRITES_PER_MINUTE = 1
    api.post("/api/v1/orders", ORDER, **WAIT)

    assert_problem(api.post("/api/trade", ORDER, **WAIT), 429, "RATE_LIMITED")
    close = api.post("/api/v1/positions/BTCUSDT/close", {"reason": "x"}, **WAIT)
    assert_problem(close, 429, "RATE_LIMITED")


def test_key_has_its_own_quota(api: Api, make_key: KeyMaker, settings: Settings) -> None:
    settings.ORDER_WRITES_PER_MINUTE = 1
    api.post("/api/v1/orders", ORDER, **WAIT)
    robot = Api(make_key(writes_per_minute=2))

    answers = [robot.post("/api/v1/orders", ORDER, **WAIT).status_code for _ in range(3)]

    assert answers == [202, 202, 429]


@pytest.mark.parametrize(
    ("verb", "state"), [("pause", "PAUSED"), ("halt", "HALTED"), ("resume", "RUNNING")]
)
@pytest.mark.parametrize("scope", ["all", "account", "symbol"])
def test_engine_obeys_in_every_scope(
    api: Api, account: ExchangeAccount, verb: str, state: str, scope: str
) -> None:
    body = {"scope": scope, "reason": "drill"}
    if scope == "symbol":
        body["symbol"] = "BTCUSDT"

    assert api.post(f"/api/v1/engine/{verb}", body, **WAIT).status_code == 202
    carry_out(Command.objects.get().pk)

    name = {"all": "all", "account": f"account:{account.pk}"}.get(
        scope, f"symbol:{account.pk}:BTCUSDT"
    )
    assert EngineStatus.objects.get(scope=name).state == state


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("pause", {"scope": "symbol"}, 422),
        ("pause", {"scope": "account", "symbol": "BTCUSDT"}, 422),
        ("pause", {"scope": "all", "account": "main"}, 422),
        ("pause", {"scope": "planet"}, 422),
        ("resume", {"scope": "all"}, 422),
        ("reconcile", {"scope": "all"}, 422),
        ("explode", {}, 422),
        ("pause", {"account": "nobody"}, 404),
    ],
)
def test_bad_control_is_refused(api: Api, verb: str, body: dict[str, Any], status: int) -> None:
    answer = api.post(f"/api/v1/engine/{verb}", body, **WAIT)

    assert_problem(answer, status, "NOT_FOUND" if status == 404 else "VALIDATION_ERROR")
    assert not Command.objects.exists()


def test_whole_desk_is_not_for_who_holds_one_account(
    make_key: KeyMaker, operator: User, second: ExchangeAccount
) -> None:
    robot = Api(make_key("read", "risk"))

    for verb in ("pause", "halt", "rebuild"):
        answer = robot.post(f"/api/v1/engine/{verb}", {"scope": "all", "reason": "x"}, **WAIT)
        assert_problem(answer, 403, "FORBIDDEN")
    answer = robot.post("/api/v1/engine/halt", {"account": "second"}, **WAIT)
    assert_problem(answer, 404, "NOT_FOUND")
    assert not Command.objects.exists()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/trade", ORDER),
        ("/api/v1/positions/BTCUSDT/close", {"reason": "x"}),
        ("/api/v1/engine/pause", {"reason": "x"}),
    ],
)
def test_write_is_counted_whatever_its_query_says(
    api: Api, settings: Settings, path: str, body: dict[str, Any]
) -> None:
    settings.ORDER_WRITES_PER_MINUTE = 1
    tries = 11 if "engine" in path else 2

    answers = [api.post(f"{path}?validate=true", body, **WAIT) for _ in range(tries)]

    assert [answer.status_code for answer in answers] == [202] * (tries - 1) + [429]
