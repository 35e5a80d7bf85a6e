"""`/drifts`: both sides, whose they are, and decisions that are asked for once."""

import uuid
from datetime import UTC, datetime

import pytest

from accounts.models import ExchangeAccount
from tests.integration.api.client import Api, assert_problem
from tests.integration.api.conftest import KeyMaker
from tradeops.journal.models import Command
from tradeops.reconcile.models import Drift

pytestmark = pytest.mark.once

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADOPT = {"decision": "adopt", "reason": "the venue is right"}


def drift(account: ExchangeAccount, **changes: object) -> Drift:
    values: dict[str, object] = {
        "kind": "POSITION",
        "subject": "BTCUSDT:BOTH",
        "local": {"quantity": "0.02"},
        "venue": {"quantity": "0.01"},
        "evidence": {"reads": [{"at": NOW.isoformat()}]},
        "first_seen_at": NOW,
        "last_seen_at": NOW,
        **changes,
    }
    return Drift.objects.create(id=uuid.uuid4(), account=account, **values)


def test_list_shows_what_lasts_of_your_accounts(
    make_key: KeyMaker, account: ExchangeAccount, second: ExchangeAccount
) -> None:
    mine = drift(account)
    over = drift(account, subject="ETHUSDT:BOTH", status="RESOLVED", resolved_at=NOW)
    theirs = drift(second)
    api = Api(make_key("read"))

    (row,) = api.get("/api/v1/drifts").json()["items"]
    everything = api.get("/api/v1/drifts?status=all").json()["items"]

    assert (row["id"], row["account"], row["status"]) == (str(mine.pk), "main", "OPEN")
    assert (row["local"], row["venue"]) == ({"quantity": "0.02"}, {"quantity": "0.01"})
    assert {item["id"] for item in everything} == {str(mine.pk), str(over.pk)}
    assert api.get(f"/api/v1/drifts/{mine.pk}").json() == row
    assert_problem(api.get(f"/api/v1/drifts/{theirs.pk}"), 404, "NOT_FOUND")
    assert_problem(api.get("/api/v1/drifts?account=second"), 404, "NOT_FOUND")


def test_pages_hold_every_drift_once(api: Api, account: ExchangeAccount) -> None:
    wanted = {str(drift(account, subject=f"{name}:BOTH").pk) for name in ("A", "B", "C")}

    first = api.get("/api/v1/drifts?limit=2").json()
    second = api.get(f"/api/v1/drifts?limit=2&cursor={first['next']}").json()

    assert {row["id"] for row in first["items"] + second["items"]} == wanted
    assert (len(first["items"]), second["next"]) == (2, None)


def test_decision_is_a_command_under_its_key(api: Api, account: ExchangeAccount) -> None:
    row = drift(account)
    path, key = f"/api/v1/drifts/{row.pk}/resolve", uuid.uuid4().hex

    taken = api.post(path, ADOPT, key=key, Prefer="wait=0")
    again = api.post(path, ADOPT, key=key, Prefer="wait=0")
    other = api.post(path, {**ADOPT, "decision": "ignore"}, key=key, Prefer="wait=0")

    assert taken.status_code == 202
    command = Command.objects.get()
    assert (command.kind, command.account_id, command.symbol) == (
        "ResolveDrift",
        account.pk,
        "BTCUSDT",
    )
    assert command.payload == {
        "drift_id": str(row.pk),
        "decision": "adopt",
        "reason": "the venue is right",
        "symbol": "BTCUSDT",
    }
    assert again.status_code in (202, 409)
    assert_problem(other, 422, "IDEMPOTENCY_CONFLICT")
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "adopt"},
        {"decision": "adopt", "reason": ""},
        {"decision": "adopt", "reason": "x" * 201},
        {"decision": "sell", "reason": "x"},
        {**ADOPT, "force": True},
    ],
)
def test_decision_that_is_none_is_refused(
    api: Api, account: ExchangeAccount, body: dict[str, object]
) -> None:
    answer = api.post(f"/api/v1/drifts/{drift(account).pk}/resolve", body)

    assert_problem(answer, 422, "VALIDATION_ERROR")
    assert not Command.objects.exists()


def test_decision_needs_key_scope_and_account(
    api: Api, make_key: KeyMaker, account: ExchangeAccount, second: ExchangeAccount
) -> None:
    path = f"/api/v1/drifts/{drift(account).pk}/resolve"
    theirs = f"/api/v1/drifts/{drift(second).pk}/resolve"

    assert_problem(api.post(path, ADOPT, key=""), 400, "IDEMPOTENCY_KEY_REQUIRED")
    assert_problem(Api(make_key("read", "trade")).post(path, ADOPT), 403, "FORBIDDEN")
    assert_problem(Api(make_key("read", "risk")).post(theirs, ADOPT), 404, "NOT_FOUND")
    assert not Command.objects.exists()
