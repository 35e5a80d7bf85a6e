"""Limits in the admin: through the service, journalled with old and new."""

from datetime import datetime
from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import ExchangeAccount
from risk.models import RiskLimit
from risk.services.limit_change import change_limit
from tests.integration.admin.seed import page
from tradeops.domain.enums import Source
from tradeops.journal.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def limit(account: ExchangeAccount, now: datetime) -> RiskLimit:
    """A limit of 1000 USDT at version 1."""
    return change_limit(
        limit_id=None,
        changes={"metric": "max_order_notional", "value": "1000"},
        actor="cli:t",
        source=Source.CLI,
        reason="start",
        now=now,
    )


def test_limit_is_created_and_changed_with_old_and_new(boss: Client, limit: RiskLimit) -> None:
    values = {"value": "750.5", "is_enabled": "on", "reason": "quieter", "seen_version": "1"}

    boss.post(page(RiskLimit, "change", limit.pk), values)

    limit.refresh_from_db()
    assert (limit.value, limit.version) == (Decimal("750.5"), 2)
    event = Event.objects.filter(account_id=0).order_by("-seq")[0]
    assert (event.payload["old"]["value"], event.payload["new"]["value"]) == ("1000", "750.5")
    assert event.source == "ADMIN"
    shown = boss.get(page(RiskLimit, "change", limit.pk)).content.decode()
    assert "value: 1000 → 750.5" in shown
    assert "quieter" in shown


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"value": "0"}, "The value is above 0"),
        ({"value": "1e400"}, "The value is above 0"),
        ({"value": "NaN"}, "The value is above 0"),
        ({"reason": ""}, "This field is required"),
        ({"seen_version": "7"}, "somebody changed it"),
    ],
)
def test_limit_with_a_bad_value_or_an_old_version_stays(
    boss: Client, limit: RiskLimit, change: dict[str, str], sentence: str
) -> None:
    values = {"value": "5", "is_enabled": "on", "reason": "x", "seen_version": "1", **change}

    answer = boss.post(page(RiskLimit, "change", limit.pk), values, follow=True)

    assert sentence in answer.content.decode()
    limit.refresh_from_db()
    assert (limit.value, limit.version) == (Decimal(1000), 1)


def test_limit_for_the_same_scope_is_refused(boss: Client, limit: RiskLimit) -> None:
    values = {"metric": "max_order_notional", "value": "5", "is_enabled": "on", "reason": "x"}

    boss.post(page(RiskLimit, "add"), {**values, "symbol": "BTCUSDT"})
    boss.post(page(RiskLimit, "add"), values)

    assert list(RiskLimit.objects.order_by("symbol").values_list("symbol", flat=True)) == [
        "",
        "BTCUSDT",
    ]
