"""Limits change through one service, with a version and an event."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import ExchangeAccount
from risk.models import RiskLimit
from risk.services.limit_change import change_limit
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.journal.models import Event

pytestmark = pytest.mark.django_db

NEW = {"metric": "max_order_notional", "value": "1000.50"}


def change(limit_id: int | None, changes: dict[str, Any], at: datetime, **more: Any) -> RiskLimit:
    return change_limit(
        limit_id=limit_id,
        changes=changes,
        actor="user:7",
        source=Source.ADMIN,
        reason="test",
        now=at,
        **more,
    )


def test_change_limit_create_journals_on_the_desk_chain(now: datetime) -> None:
    limit = change(None, NEW, now)

    event = Event.objects.get()
    assert (event.account_id, event.type) == (0, "ConfigChanged")
    assert event.payload["old"] == {}
    assert event.payload["new"]["value"] == "1000.5"
    assert (limit.version, limit.updated_by, limit.value) == (1, "user:7", Decimal("1000.50"))


def test_change_limit_value_bumps_the_version_and_keeps_old_and_new(
    account: ExchangeAccount, now: datetime
) -> None:
    limit = change(None, {**NEW, "account_id": account.pk, "symbol": "BTCUSDT"}, now)

    later = now + timedelta(minutes=1)
    changed = change(limit.pk, {"value": Decimal(2000)}, later, expected_version=1)

    stored = RiskLimit.objects.get()
    assert stored.value == Decimal(2000)
    assert (stored.version, stored.updated_at) == (2, later)
    assert changed.version == 2
    event = Event.objects.filter(account_id=account.pk).order_by("-seq")[0]
    assert (event.payload["old"]["value"], event.payload["new"]["value"]) == ("1000.5", "2000")
    assert event.payload["version"] == 2


def test_change_limit_to_the_same_value_writes_nothing(now: datetime) -> None:
    limit = change(None, NEW, now)

    change(limit.pk, {"value": "1000.500"}, now + timedelta(minutes=1))

    assert Event.objects.count() == 1
    assert RiskLimit.objects.get().version == 1


def test_change_limit_disable_and_enable_again(now: datetime) -> None:
    limit = change(None, NEW, now)

    assert not change(limit.pk, {"is_enabled": False}, now).is_enabled
    assert change(limit.pk, {"is_enabled": True}, now).version == 3


def test_change_limit_old_version_is_refused(now: datetime) -> None:
    limit = change(None, NEW, now)
    change(limit.pk, {"value": "5"}, now)

    with pytest.raises(TradeOpsError) as caught:
        change(limit.pk, {"value": "6"}, now, expected_version=1)

    assert caught.value.code is ErrorCode.PRECONDITION_FAILED
    assert RiskLimit.objects.get().value == 5


def test_change_limit_same_scope_twice_is_refused_for_desk_and_account(
    account: ExchangeAccount, now: datetime
) -> None:
    for scope in ({}, {"account_id": account.pk}):
        change(None, {**NEW, **scope}, now)
        with pytest.raises(TradeOpsError) as caught:
            change(None, {**NEW, **scope}, now)
        assert caught.value.code is ErrorCode.VALIDATION_ERROR

    assert RiskLimit.objects.count() == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[
            ("value", bad)
            for bad in (
                "0", "-1", "NaN", "Infinity", "1e3", "1e400", "1_000", "", "x", "１２",  # noqa: RUF001
                "1000000000000.1", "0.123456789", Decimal("NaN"), Decimal("-5"), Decimal("1e400"),
            )
        ],
        ("metric", "max_fun"),
        ("symbol", "btcusdt"),
        ("symbol", "BTC USDT"),
        ("symbol", None),
        ("is_enabled", "yes"),
        ("account_id", 424242),
        ("version", 9),
    ],
)  # fmt: skip
def test_change_limit_bad_input_names_the_field_and_writes_nothing(
    now: datetime, field: str, value: Any
) -> None:
    with pytest.raises(TradeOpsError) as caught:
        change(None, {**NEW, field: value}, now)

    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert caught.value.details["field"] == field
    assert not RiskLimit.objects.exists()
    assert not Event.objects.exists()


def test_change_limit_scope_of_an_existing_one_is_fixed(now: datetime) -> None:
    limit = change(None, NEW, now)

    with pytest.raises(TradeOpsError):
        change(limit.pk, {"symbol": "ETHUSDT"}, now)


def test_change_limit_unknown_id_is_not_found(now: datetime) -> None:
    with pytest.raises(TradeOpsError) as caught:
        change(99, {"value": "5"}, now)

    assert caught.value.code is ErrorCode.NOT_FOUND
