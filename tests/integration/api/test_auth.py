"""Who is let in, to what, and from where."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from accounts.auth import (
    _jwt_key,
    authenticate_token,
    issue_jwt,
    issue_ticket,
    operator_principal,
    recheck,
    redeem_ticket,
)
from accounts.models import ApiToken, ExchangeAccount
from accounts.services.api_token_revoke import revoke_api_token
from tests.integration.api.client import Api, assert_problem
from tests.integration.api.conftest import PASSWORD, KeyMaker
from tradeops.journal.models import Command, Event

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "amount": "50", "leverage": 10}


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Bearer tok_abc_def", "Bearer ünïcode", "Basic eDp5"],
)
def test_read_without_valid_token_is_unauthenticated(account: ExchangeAccount, header: str) -> None:
    client = Client(headers={"Authorization": header} if header else {})

    response = client.get("/api/v1/orders")

    assert_problem(response, 401, "UNAUTHENTICATED")
    assert response["WWW-Authenticate"] == "Bearer"


def test_order_without_token_writes_nothing(account: ExchangeAccount) -> None:
    response = Api("").post("/api/v1/orders", ORDER)

    assert_problem(response, 401, "UNAUTHENTICATED")
    assert not Command.objects.exists()


def test_deployment_token_reads_every_account(api: Api, second: ExchangeAccount) -> None:
    response = api.get("/api/v1/accounts")

    assert [item["name"] for item in response.json()["items"]] == ["main", "second"]


def test_key_sees_its_owners_accounts_only(make_key: KeyMaker, second: ExchangeAccount) -> None:
    api = Api(make_key())

    assert [item["name"] for item in api.get("/api/v1/accounts").json()["items"]] == ["main"]
    assert_problem(api.get("/api/v1/orders?account=second"), 404, "NOT_FOUND")
    assert_problem(api.get(f"/api/v1/balances?account={second.pk}"), 404, "NOT_FOUND")
    assert_problem(api.post("/api/v1/orders", {**ORDER, "account": "second"}), 404, "NOT_FOUND")
    assert not Command.objects.exists()


def test_key_bound_to_an_account_is_bound_although_its_owner_is_not(
    make_key: KeyMaker, second: ExchangeAccount
) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    api = Api(make_key(owner=root, accounts=[second]))

    assert [item["name"] for item in api.get("/api/v1/accounts").json()["items"]] == ["second"]


def test_key_bound_to_a_foreign_account_sees_nothing(
    make_key: KeyMaker, second: ExchangeAccount
) -> None:
    api = Api(make_key(accounts=[second]))

    assert api.get("/api/v1/accounts").json()["items"] == []


def test_expired_key_is_refused(make_key: KeyMaker) -> None:
    key = make_key()
    ApiToken.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))

    assert_problem(Api(key).post("/api/v1/orders", ORDER), 401, "UNAUTHENTICATED")
    assert not Command.objects.exists()


def test_revoked_key_is_refused(make_key: KeyMaker) -> None:
    key = make_key()
    revoke_api_token(prefix=key.split("_")[1], actor="cli:test", now=NOW)

    assert_problem(Api(key).get("/api/v1/orders"), 401, "UNAUTHENTICATED")


def test_key_of_inactive_owner_is_refused(make_key: KeyMaker, operator: User) -> None:
    key = make_key()
    operator.is_active = False
    operator.save()

    assert_problem(Api(key).get("/api/v1/orders"), 401, "UNAUTHENTICATED")


def test_key_with_another_secret_is_refused(make_key: KeyMaker) -> None:
    key = make_key()

    assert_problem(Api(key[:-1] + "!").get("/api/v1/orders"), 401, "UNAUTHENTICATED")


def test_key_works_from_its_networks_only(make_key: KeyMaker) -> None:
    key = make_key(allowed_networks=["10.1.0.0/16"])

    assert Api(key, address="10.1.2.3").get("/api/v1/orders").status_code == 200
    assert_problem(Api(key, address="10.2.2.3").get("/api/v1/orders"), 401, "UNAUTHENTICATED")


def test_key_without_the_scope_is_forbidden(make_key: KeyMaker) -> None:
    api = Api(make_key("read"))

    assert api.get("/api/v1/orders").status_code == 200
    assert_problem(api.post("/api/v1/orders", ORDER), 403, "FORBIDDEN")
    assert_problem(api.post("/api/v1/engine/halt", {"reason": "x"}), 403, "FORBIDDEN")
    assert_problem(api.send("DELETE", "/api/v1/orders?symbol=BTCUSDT"), 403, "FORBIDDEN")
    assert not Command.objects.exists()


def test_key_is_stored_as_a_hash_and_journalled_without_its_secret(make_key: KeyMaker) -> None:
    key = make_key()
    secret = key.split("_", 2)[2]

    row = ApiToken.objects.get()
    event = Event.objects.get(type="ConfigChanged")

    assert secret not in f"{row.__dict__}"
    assert secret not in f"{event.payload}"
    assert event.payload["subject"] == "api_token"


def test_login_gives_a_token_that_reads_as_the_operator(
    operator: User, second: ExchangeAccount
) -> None:
    response = Api("").post("/api/v1/auth/token", {"username": "olga", "password": PASSWORD})

    assert response.status_code == 200
    assert response.json()["expires_in"] == 900
    api = Api(response.json()["access_token"])
    assert [item["name"] for item in api.get("/api/v1/accounts").json()["items"]] == ["main"]


def test_wrong_passwords_lock_the_name_from_this_address(operator: User) -> None:
    wrong = {"username": "olga", "password": "no"}
    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert_problem(Api("").post("/api/v1/auth/token", wrong), 401, "UNAUTHENTICATED")

    Api("").post("/api/v1/auth/token", wrong)
    right = {"username": "olga", "password": PASSWORD}
    locked = Api("").post("/api/v1/auth/token", right)

    assert_problem(locked, 429, "RATE_LIMITED")
    assert locked["Retry-After"] == "900"
    elsewhere = Api("", address="10.9.9.9").post("/api/v1/auth/token", right)
    assert elsewhere.status_code == 200


def test_jwt_ends_after_fifteen_minutes(operator: User) -> None:
    made = datetime.now(UTC) - timedelta(minutes=15)

    response = Api(issue_jwt(operator, now=made)).get("/api/v1/orders")

    assert_problem(response, 401, "UNAUTHENTICATED")


def test_jwt_dies_with_the_password(operator: User) -> None:
    token = issue_jwt(operator, now=datetime.now(UTC))
    assert Api(token).get("/api/v1/orders").status_code == 200

    operator.set_password("another long word")
    operator.save()

    assert_problem(Api(token).get("/api/v1/orders"), 401, "UNAUTHENTICATED")


@pytest.mark.parametrize("forgery", ["none", "other key", "other audience", "text subject"])
def test_forged_jwt_is_refused(operator: User, forgery: str) -> None:
    now = int(datetime.now(UTC).timestamp())
    claims: dict[str, Any] = {
        "sub": str(operator.pk),
        "aud": "tradeops",
        "iat": now,
        "exp": now + 900,
        "pwd": operator.get_session_auth_hash()[:16],
    }
    key: Any = _jwt_key()
    algorithm = "HS256"
    if forgery == "none":
        key, algorithm = None, "none"
    elif forgery == "other key":
        key = b"k" * 32
    elif forgery == "other audience":
        claims["aud"] = "elsewhere"
    else:
        claims["sub"] = "olga"

    token = jwt.encode(claims, key, algorithm=algorithm)

    assert_problem(Api(token).get("/api/v1/orders"), 401, "UNAUTHENTICATED")


def test_session_may_read_and_not_write(operator: User) -> None:
    client = Client()
    client.force_login(operator, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get("/api/v1/orders").status_code == 200
    write = client.post("/api/v1/orders", ORDER, content_type="application/json")

    assert_problem(write, 403, "FORBIDDEN")
    assert not Command.objects.exists()


def test_ticket_opens_once(api: Api) -> None:
    ticket = api.post("/api/v1/ws-ticket", None).json()["ticket"]

    first, again = redeem_ticket(ticket), redeem_ticket(ticket)

    assert first is not None
    assert first.name == "token:desk"
    assert first.account_ids is None
    assert again is None
    assert redeem_ticket("made up") is None


def test_ticket_carries_scopes_and_accounts(operator: User, account: ExchangeAccount) -> None:
    principal = operator_principal(operator)

    assert redeem_ticket(issue_ticket(principal)) == principal
    assert principal.account_ids == frozenset({account.pk})
    assert "admin" not in principal.scopes


def test_foreign_command_and_journal_are_not_found(
    api: Api, make_key: KeyMaker, second: ExchangeAccount
) -> None:
    body = {**ORDER, "account": "second"}
    asked = api.post("/api/v1/orders", body, Prefer="wait=0").json()["command"]
    stranger = Api(make_key())

    assert api.get(f"/api/v1/commands/{asked['id']}").status_code == 200
    assert_problem(stranger.get(f"/api/v1/commands/{asked['id']}"), 404, "NOT_FOUND")
    assert api.get(f"/api/v1/events?account={second.pk}").json()["items"]
    assert_problem(stranger.get(f"/api/v1/events?account={second.pk}"), 404, "NOT_FOUND")
    assert_problem(stranger.get("/api/v1/events?account=0"), 404, "NOT_FOUND")


def test_empty_deployment_token_admits_nobody(account: ExchangeAccount, settings: Settings) -> None:
    settings.AUTH_TOKEN = ""

    response = Client(headers={"Authorization": "Bearer "}).get("/api/v1/orders")

    assert_problem(response, 401, "UNAUTHENTICATED")


def test_key_that_lost_an_account_loses_it_on_open_connections(
    make_key: KeyMaker, operator: User, account: ExchangeAccount
) -> None:
    now = datetime.now(UTC)
    principal = authenticate_token(make_key("read"), address="127.0.0.1", now=now)
    assert principal is not None
    assert principal.may_see(account.pk)

    account.operators.remove(operator)

    today = recheck(principal, now=now)
    assert today is not None
    assert not today.may_see(account.pk)
