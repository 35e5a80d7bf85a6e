"""The drift's page: both sides, the evidence, and four decisions that need a reason."""

from collections.abc import Callable
from datetime import datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from accounts.models import ExchangeAccount
from tests.integration.admin import seed
from tests.integration.admin.seed import page
from tests.integration.admin.test_actions import asked, confirmed
from tradeops.reconcile.models import Drift

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DECISIONS = ("adopt", "ignore", "flatten", "rebuild")


@pytest.fixture
def drift(account: ExchangeAccount, now: datetime) -> Drift:
    row: Drift = Drift.objects.create(
        id="11111111-2222-4333-8444-555555555555",
        account=account,
        kind="POSITION",
        subject="BTCUSDT:BOTH",
        local={"quantity": "0.02"},
        venue={"quantity": "0.01"},
        evidence={"fills": [{"trade_id": "777"}]},
        needs_human=True,
        first_seen_at=now,
        last_seen_at=now,
    )
    return row


def text_of(browser: Client, row: Drift) -> str:
    return str(browser.get(page(Drift, "change", row.pk)).content.decode())


def test_page_shows_both_sides_evidence_and_what_can_be_done(boss: Client, drift: Drift) -> None:
    text = text_of(boss, drift)

    for part in (
        "0.02",
        "0.01",
        "777",
        "needs you",
        *[page(Drift, w, drift.pk) for w in DECISIONS],
    ):
        assert part in text


@pytest.mark.parametrize("decision", DECISIONS)
def test_decision_is_asked_for_with_a_reason(boss: Client, drift: Drift, decision: str) -> None:
    url = page(Drift, decision, drift.pk)

    confirmed(boss, url, reason="")
    assert asked() == []
    confirmed(boss, url, reason="the venue is right")

    (command,) = asked()
    assert command.kind == "ResolveDrift"
    assert command.payload["decision"] == decision
    assert command.payload["reason"] == "the venue is right"


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({"status": "IGNORED"}, DECISIONS),
        ({"kind": "BALANCE", "subject": "USDT"}, ("adopt", "ignore", "rebuild")),
        ({"status": "SUSPECTED"}, ()),
        ({"status": "RESOLVED"}, ()),
    ],
)
def test_only_what_can_be_decided_is_offered(
    boss: Client, drift: Drift, changes: dict[str, str], offered: tuple[str, ...]
) -> None:
    Drift.objects.update(**changes)
    text = text_of(boss, drift)

    assert [word for word in DECISIONS if page(Drift, word, drift.pk) in text] == list(offered)


@pytest.fixture
def log_in(client: Client, account: ExchangeAccount) -> Callable[..., Client]:
    """A browser of somebody with these permissions."""

    def browser(*codenames: str, operates: bool = True) -> Client:
        user = User.objects.create_user("op", password="x" * 12, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        if operates:
            account.operators.add(user)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return browser


def test_who_may_only_look_decides_nothing(log_in: Callable[..., Client], drift: Drift) -> None:
    browser = log_in("view_drift")

    assert page(Drift, "adopt", drift.pk) not in text_of(browser, drift)
    answer = browser.post(page(Drift, "adopt", drift.pk), {"confirmed": "yes", "reason": "x"})
    assert answer.status_code == 403
    assert asked() == []


def test_drift_of_a_foreign_account_is_not_there(
    log_in: Callable[..., Client], drift: Drift
) -> None:
    browser = log_in("view_drift", "change_drift", operates=False)

    assert browser.get(page(Drift, "adopt", drift.pk)).status_code == 404
    assert asked() == []


def test_list_hides_what_is_over(boss: Client, drift: Drift, account: ExchangeAccount) -> None:
    over = seed.page(Drift, "changelist")
    Drift.objects.update(status="RESOLVED")

    assert "BTCUSDT:BOTH" not in boss.get(over).content.decode()
    assert "BTCUSDT:BOTH" in boss.get(f"{over}?state=all").content.decode()
