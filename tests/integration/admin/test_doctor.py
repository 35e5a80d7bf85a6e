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
from risk.models import EngineStatus
from tests.support.paper import PaperServer
from tests.support.silence import silent_redis
from tradeops.doctor import of_accounts, of_deployment
from tradeops.doctor.of_deployment import WORKERS
from tradeops.domain.enums import Source
from tradeops.domain.events import EnginePaused
from tradeops.domain.reasons import Reason
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.journal.models import Command, Event
from tradeops.kit import append_only
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import write_transaction
from tradeops.kit.heartbeat import heartbeat_key
from tradeops.kit.redis_client import redis_client
from tradeops.management.commands import doctor
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.reconcile_notes import remember
from tradeops.streams.models import StreamLease
from tradeops.watch import PROCESS_KEYS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is not a hanging part."""
    monkeypatch.setattr(doctor, "LIMIT_S", 60.0)
    monkeypatch.setattr(of_accounts, "VENUE_LIMIT_S", 60.0)


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


def rows_of(*options: str) -> tuple[int, list[dict[str, str]]]:
    """Exit code and everything that was said."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", *options, stdout=out)
    return int(str(ended.value.code)), [json.loads(line) for line in out.getvalue().splitlines()]


def examined(*options: str) -> tuple[int, dict[str, tuple[str, str]]]:
    """Exit code, and what each part said that is not well."""
    code, rows = rows_of(*options)
    assert all(row["number"] in set(Reason) for row in rows if row["health"] != "OK")
    return code, {
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


def test_doctor_deep_finds_what_lies_before_the_tail(
    healthy: ExchangeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_deployment, "TAIL", 1)
    now = SYSTEM_CLOCK.now()
    origin = Origin("cli:t", Source.CLI, now, uuid4(), uuid4())
    with write_transaction():
        append(healthy.pk, [Draft(EnginePaused("all", "a"), now)] * 2, origin)
    table = Event._meta.db_table
    append_only.remove(connection, table)
    Event.objects.filter(account_id=healthy.pk, seq=1).update(actor="somebody else")
    append_only.install(connection, table)

    assert examined() == (0, {})
    assert examined("--deep") == (
        1,
        {"journal chain": ("FAIL", f"account {healthy.pk} breaks at 1")},
    )


def test_doctor_says_the_worst_first_and_names_scopes_and_commands(
    healthy: ExchangeAccount,
) -> None:
    now = SYSTEM_CLOCK.now()
    long_ago = now - timedelta(minutes=3)
    EngineStatus.objects.create(
        scope="all", account_id=0, state="PAUSED", reason="lunch", actor="user:1", changed_at=now
    )
    for number, status in enumerate(("NEW", "SENT")):
        Command.objects.create(
            account_id=healthy.pk,
            kind="CancelAll",
            payload={},
            status=status,
            principal="user:1",
            source="api",
            created_at=long_ago,
            sent_at=long_ago,
            outcome_unknown=status == "SENT",
            idempotency_key=str(number),
        )
    remember(healthy.pk, now)

    code, rows = rows_of()

    bad = [(row["number"], row["health"]) for row in rows if row["health"] != "OK"]
    assert code == 1
    assert bad == [("T053", "FAIL"), ("T054", "FAIL"), ("T046", "WARN")]


def test_doctor_names_a_process_that_is_safe_and_a_build_that_differs(
    healthy: ExchangeAccount,
) -> None:
    word = {"kind": "orders", "pid": 7, "build": "other", "troubles": {"T012": "no room"}}
    redis_client().set(f"{PROCESS_KEYS}other:7", json.dumps(word), ex=15)
    try:
        code, rows = rows_of()
    finally:
        redis_client().delete(f"{PROCESS_KEYS}other:7")

    bad = {row["number"]: row["part"] for row in rows if row["health"] != "OK"}
    assert code == 1
    assert bad == {"T043": "process orders 7", "T044": "builds"}


def test_doctor_disk_that_is_nearly_full_is_named(
    healthy: ExchangeAccount, settings: Settings
) -> None:
    settings.MIN_FREE_MIB = 10**9

    code, rows = rows_of()

    assert (code, rows[0]["number"]) == (1, "T014")


def test_doctor_redis_that_evicts_is_named(healthy: ExchangeAccount) -> None:
    redis_client().config_set("maxmemory-policy", "allkeys-lru")
    try:
        code, rows = rows_of()
    finally:
        redis_client().config_set("maxmemory-policy", "noeviction")

    assert (code, rows[0]["number"]) == (1, "T031")


def test_doctor_ends_although_redis_hangs(
    healthy: ExchangeAccount, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "LIMIT_S", 1.0)

    with silent_redis(settings):
        code, trouble = examined()

    assert code == 1
    assert trouble["redis"] == ("FAIL", "no answer within 1.0 s")


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
