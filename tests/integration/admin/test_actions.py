"""Asking for changes: by confirmed commands and through services, never on GET, never twice."""

import re
import uuid
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import Credential, ExchangeAccount
from accounts.services.account_create import create_account
from accounts.services.credential_seal import open_credential
from orders.models import Order
from positions.models import Position
from risk.models import EngineStatus, RiskLimit
from tests.integration.admin import seed
from tests.integration.admin.seed import page
from tradeops.domain.enums import Source
from tradeops.journal.models import Command, Event

pytestmark = pytest.mark.django_db


def confirmed(browser: Client, url: str, **values: str) -> Any:
    """Open the confirmation page and post it with the token that it carries."""
    text = browser.get(url).content.decode()
    found = re.search(r'name="token" value="([0-9a-f-]{36})"', text)
    assert found is not None, text
    return browser.post(url, {"confirmed": "yes", "token": found[1], **values})


def asked() -> list[Command]:
    """Commands that came from the admin."""
    return list(Command.objects.filter(source=Source.ADMIN).order_by("created_at"))


def test_cancel_is_asked_for_once_however_often_the_page_is_posted(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    order = seed.order(account, now, status="ACKNOWLEDGED", filled="0")
    url = page(Order, "cancel", order.pk)
    token = str(uuid.uuid4())

    boss.get(url)
    assert asked() == []
    for _ in range(3):
        boss.post(url, {"confirmed": "yes", "token": token, "reason": "typo"})

    (command,) = asked()
    assert (command.kind, command.account_id) == ("CancelOrder", account.pk)
    assert command.payload == {"order_id": str(order.pk), "reason": "typo"}
    assert command.principal.startswith("user:")
    event = Event.objects.get(correlation_id=command.pk)
    assert (event.type, event.source) == ("CommandSubmitted", "ADMIN")


@pytest.mark.parametrize("name", ["cancel", "query_venue"])
def test_order_action_without_a_confirmation_asks_for_nothing(
    boss: Client, account: ExchangeAccount, now: datetime, name: str
) -> None:
    order = seed.order(account, now, status="ACKNOWLEDGED", filled="0")

    boss.get(page(Order, name, order.pk))
    boss.post(page(Order, name, order.pk))
    boss.post(page(Order, name, order.pk), {"confirmed": "yes"})

    assert asked() == []


def test_action_without_csrf_token_is_refused(
    account: ExchangeAccount, now: datetime, db: None
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(seed.superuser(), backend="django.contrib.auth.backends.ModelBackend")
    order = seed.order(account, now, status="ACKNOWLEDGED", filled="0")

    answer = browser.post(
        page(Order, "cancel", order.pk), {"confirmed": "yes", "token": str(uuid.uuid4())}
    )

    assert answer.status_code == 403
    assert asked() == []


def test_bulk_cancel_names_the_open_orders_and_needs_a_reason(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    resting = [seed.order(account, now, status="ACKNOWLEDGED", filled="0") for _ in range(2)]
    done = seed.order(account, now)
    chosen = {
        "action": "cancel_selected",
        "_selected_action": [str(row.pk) for row in (*resting, done)],
    }
    url = page(Order, "changelist")

    text = boss.post(url, chosen).content.decode()
    assert "Cancel 2 open orders?" in text
    token = str(uuid.uuid4())
    boss.post(url, {**chosen, "confirmed": "yes", "token": token, "reason": ""})
    assert asked() == []
    boss.post(url, {**chosen, "confirmed": "yes", "token": token, "reason": "news"})

    assert {c.payload["order_id"] for c in asked()} == {str(row.pk) for row in resting}


@pytest.mark.parametrize(("name", "fraction"), [("close", "1"), ("reduce_half", "0.5")])
def test_position_is_reduced_by_command_with_a_reason(
    boss: Client, account: ExchangeAccount, now: datetime, name: str, fraction: str
) -> None:
    position = seed.position(account, now, "BTCUSDT", "0.007")
    url = page(Position, name, position.pk)

    confirmed(boss, url)
    assert asked() == []
    confirmed(boss, url, reason="risk off")

    (command,) = asked()
    assert command.kind == "ClosePosition"
    assert command.payload["fraction"] == fraction
    assert command.payload["reason"] == "risk off"
    assert command.payload["position_side"] == "BOTH"


def test_bulk_close_needs_the_phrase(boss: Client, account: ExchangeAccount, now: datetime) -> None:
    position = seed.position(account, now, "BTCUSDT", "0.007")
    values = {
        "action": "close_selected",
        "_selected_action": position.pk,
        "confirmed": "yes",
        "token": str(uuid.uuid4()),
        "reason": "x",
    }

    boss.post(page(Position, "changelist"), {**values, "phrase": "close"})
    assert asked() == []
    boss.post(page(Position, "changelist"), {**values, "phrase": "close all"})

    assert [c.kind for c in asked()] == ["ClosePosition"]


@pytest.mark.parametrize(
    ("name", "values", "kind", "payload"),
    [
        ("sync_now", {}, "RunReconcile", {}),
        ("pause", {"reason": "lunch"}, "PauseEngine", {"scope": "account", "reason": "lunch"}),
        ("resume", {"reason": "back"}, "ResumeEngine", {"scope": "account", "reason": "back"}),
        ("halt", {"phrase": "HALT main"}, "SetEngineMode", {"scope": "account", "mode": "HALTED"}),
    ],
)
def test_account_action_becomes_a_command(
    *,
    boss: Client,
    account: ExchangeAccount,
    name: str,
    values: dict[str, str],
    kind: str,
    payload: dict[str, str],
) -> None:
    confirmed(boss, page(ExchangeAccount, name, account.pk), **values)

    (command,) = asked()
    assert (command.kind, command.account_id) == (kind, account.pk)
    assert payload.items() <= command.payload.items()


def test_halt_with_a_wrong_phrase_asks_for_nothing(boss: Client, account: ExchangeAccount) -> None:
    answer = confirmed(boss, page(ExchangeAccount, "halt", account.pk), phrase="HALT second")

    assert "Type exactly: HALT main" in answer.content.decode()
    assert asked() == []


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("pause_all", {"reason": "x"}, "PauseEngine"),
        ("resume_all", {"reason": "x"}, "ResumeEngine"),
        ("halt_all", {"phrase": "HALT all"}, "SetEngineMode"),
    ],
)
def test_desk_wide_action_goes_to_the_desk(
    boss: Client, name: str, values: dict[str, str], kind: str
) -> None:
    confirmed(boss, reverse(f"admin:risk_enginestatus_{name}"), **values)

    (command,) = asked()
    assert (command.kind, command.account_id, command.payload["scope"]) == (kind, 0, "all")


def test_resume_of_a_scope_names_its_symbol(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    scope = f"symbol:{account.pk}:BTCUSDT"
    EngineStatus.objects.create(
        scope=scope, account_id=account.pk, state="PAUSED", actor="user:1", changed_at=now
    )

    confirmed(boss, page(EngineStatus, "resume_scope", scope), reason="calm again")

    (command,) = asked()
    assert command.payload == {"scope": "symbol", "reason": "calm again", "symbol": "BTCUSDT"}
    assert command.account_id == account.pk


# Services -----------------------------------------------------------------------------------------


def test_account_is_created_with_a_sealed_key(
    boss: Client, private_key: str, settings: Settings
) -> None:
    values = {"name": "second", "api_key": "new-key-1234", "api_secret": "new-secret-canary"}

    answer: Any = boss.post(page(ExchangeAccount, "add"), values)

    assert answer.status_code == 302
    settings.SEAL_PRIVATE_KEYS = (private_key,)
    credential = Credential.objects.get(account__name="second")
    assert open_credential(credential).api_secret == "new-secret-canary"
    event = Event.objects.get(type="ConfigChanged")
    assert event.actor.startswith("user:")
    assert "new-secret-canary" not in str(event.payload)


def test_account_with_an_impossible_key_is_refused_in_words(boss: Client, private_key: str) -> None:
    values = {"name": "second", "api_key": "short", "api_secret": "s" * 12}

    answer = boss.post(page(ExchangeAccount, "add"), values, follow=True)

    assert "The API key must be" in answer.content.decode()
    assert not ExchangeAccount.objects.exists()


def test_operators_change_through_the_service(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    person = seed.superuser("person")

    boss.post(
        page(ExchangeAccount, "change", account.pk),
        {"is_active": "on", "operators": [str(person.pk)], "reason": "new colleague"},
    )

    assert list(account.operators.all()) == [person]
    event = Event.objects.filter(account_id=account.pk).order_by("-seq")[0]
    assert event.payload["old"]["operators"] == []
    assert event.payload["new"]["operators"] == [person.pk]
    assert event.payload["reason"] == "new colleague"


def test_dead_man_is_switched_on_with_a_reason(
    boss: Client, account: ExchangeAccount, now: datetime
) -> None:
    boss.post(
        page(ExchangeAccount, "change", account.pk),
        {"is_active": "on", "dead_man_enabled": "on", "reason": "nobody watches at night"},
    )

    account.refresh_from_db()
    assert account.dead_man_enabled
    event = Event.objects.filter(account_id=account.pk).order_by("-seq")[0]
    assert event.type == "ConfigChanged"
    assert not event.payload["old"]["dead_man_enabled"]
    assert event.payload["new"]["dead_man_enabled"]
    assert event.payload["reason"] == "nobody watches at night"


def test_key_is_rotated_and_never_rendered_back(
    boss: Client, account: ExchangeAccount, private_key: str, settings: Settings
) -> None:
    url = page(ExchangeAccount, "rotate_key", account.pk)
    values = {"api_key": "rotated-key-zzZZ", "api_secret": "rotated-canary", "reason": "yearly"}

    refused = confirmed(boss, url, phrase="no", **values)
    assert "rotated-canary" not in refused.content.decode()
    assert "rotated-key" not in refused.content.decode()
    confirmed(boss, url, phrase="rotate main", **values)

    settings.SEAL_PRIVATE_KEYS = (private_key,)
    current = Credential.objects.get(account=account, is_current=True)
    assert open_credential(current).api_secret == "rotated-canary"
    assert "…zzZZ" in boss.get(page(ExchangeAccount, "changelist")).content.decode()


def test_foreign_account_is_not_there_for_an_operator(
    client: Client, account: ExchangeAccount, now: datetime
) -> None:
    person = seed.superuser("person")
    person.is_superuser = False
    person.save()
    person.user_permissions.set(Permission.objects.all())
    other = create_account(name="other", api_key="k" * 12, api_secret="s" * 12, actor="c", now=now)
    other.operators.add(person)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    order = seed.order(account, now, status="ACKNOWLEDGED", filled="0")
    form = {"confirmed": "yes", "token": str(uuid.uuid4()), "reason": "x", "phrase": "HALT all"}

    assert client.post(page(Order, "cancel", order.pk), form).status_code == 404
    assert client.post(page(ExchangeAccount, "pause", account.pk), form).status_code == 404
    assert client.post(reverse("admin:risk_enginestatus_halt_all"), form).status_code == 403
    desk_wide = {"metric": "max_order_notional", "value": "5", "is_enabled": "on", "reason": "x"}
    client.post(page(RiskLimit, "add"), desk_wide)
    client.post(page(RiskLimit, "add"), {**desk_wide, "account": str(account.pk)})

    assert asked() == []
    assert not RiskLimit.objects.exists()
