"""`manage.py doctor`: what it sees and how it ends."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.models import ExchangeAccount
from accounts.services.account_create import create_account
from tests.support.paper import PaperServer
from tradeops.journal.models import Event
from tradeops.kit import append_only
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.heartbeat import heartbeat_key
from tradeops.kit.redis_client import redis_client
from tradeops.management.commands.doctor import WORKERS
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.reconcile_notes import remember
from tradeops.streams.models import StreamLease

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def healthy(committed_db: None, venue: PaperServer) -> Iterator[ExchangeAccount]:
    """A deployment where every part says that it is well."""
    now = SYSTEM_CLOCK.now()
    account = create_account(
        name="main", api_key="desk-2-key", api_secret="desk-2-secret", actor="cli:t", now=now
    )
    for name in WORKERS:
        redis_client().set(heartbeat_key(name), "{}", ex=60)
    StreamLease.objects.create(
        account=account,
        owner="streams@here",
        token=1,
        expires_at=now + timedelta(minutes=1),
        state="CONNECTED",
        state_at=now,
    )
    remember(account.pk, now)
    yield account
    redis_client().delete(*[heartbeat_key(name) for name in WORKERS])


def examined() -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code, and what each part said."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    return int(str(ended.value.code)), {
        row["part"]: (row["health"], row["detail"]) for row in rows if row["health"] != "OK"
    }


def test_doctor_healthy_deployment_ends_with_zero(healthy: ExchangeAccount) -> None:
    code, trouble = examined()

    assert (code, trouble) == (0, {})


def test_doctor_table_names_every_part(healthy: ExchangeAccount) -> None:
    out = io.StringIO()

    with pytest.raises(SystemExit):
        call_command("doctor", stdout=out)

    for part in ("settings", "database", "journal chain", "redis", "worker orders", "venue main"):
        assert part in out.getvalue()


def test_doctor_unreachable_venue_ends_with_five(
    healthy: ExchangeAccount, settings: Settings
) -> None:
    settings.PAPER_URL = "http://127.0.0.1:9"

    code, trouble = examined()

    assert (code, list(trouble)) == (5, ["venue main"])


def test_doctor_drift_alone_ends_with_three(healthy: ExchangeAccount) -> None:
    now = SYSTEM_CLOCK.now()
    Drift.objects.create(
        id=uuid4(),
        account=healthy,
        kind="position",
        subject="BTCUSDT",
        local={"quantity": "0"},
        venue={"quantity": "1"},
        first_seen_at=now,
        last_seen_at=now,
    )

    code, trouble = examined()

    assert (code, list(trouble)) == (3, ["drift main"])


def test_doctor_tampered_event_and_missing_trigger_end_with_one(healthy: ExchangeAccount) -> None:
    table = Event._meta.db_table
    append_only.remove(connection, table)
    Event.objects.filter(account_id=healthy.pk).update(actor="somebody else")
    try:
        code, trouble = examined()
    finally:
        append_only.install(connection, table)

    assert code == 1
    assert trouble["journal chain"] == ("FAIL", f"account {healthy.pk} breaks at 1")
    assert "journal triggers" in trouble


def test_doctor_lost_end_of_the_chain_is_seen(healthy: ExchangeAccount) -> None:
    table = Event._meta.db_table
    append_only.remove(connection, table)
    Event.objects.filter(account_id=healthy.pk).delete()
    append_only.install(connection, table)

    code, trouble = examined()

    assert code == 1
    assert trouble["journal chain"] == ("FAIL", f"account {healthy.pk} has lost its end")


def test_doctor_silent_worker_stale_stream_and_reconcile_end_with_one(
    healthy: ExchangeAccount,
) -> None:
    redis_client().delete(heartbeat_key("orders"))
    past = SYSTEM_CLOCK.now() - timedelta(minutes=5)
    StreamLease.objects.update(expires_at=past)
    remember(healthy.pk, past)

    code, trouble = examined()

    assert code == 1
    assert set(trouble) == {"worker orders", "stream main", "reconcile main"}


def test_doctor_without_the_private_key_warns_about_the_venue(
    healthy: ExchangeAccount, settings: Settings
) -> None:
    settings.SEAL_PRIVATE_KEYS = ()

    code, trouble = examined()

    assert code == 0
    assert trouble["venue main"][0] == "WARN"
