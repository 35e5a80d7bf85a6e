"""A process whose database fails claims nothing, tells its number, and comes back by itself."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from decimal import Decimal
from pathlib import Path
from time import sleep
from uuid import UUID

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import Error as DatabaseError
from django.db import IntegrityError, connection
from django.test import Client
from pytest_django import Settings

from accounts.models import ExchangeAccount
from tests.integration.engine.desk import Desk, open_desk
from tests.integration.engine.reports import fill_report
from tests.integration.safety.conftest import full, gone, read_only, served_by
from tests.integration.safety.test_start import ROOT, environment
from tests.support.postgres import start_postgres
from tradeops.domain.commands import CommandStatus, PauseEngine, PlaceOrder
from tradeops.domain.enums import OrderType, Side, Source
from tradeops.domain.reasons import Reason
from tradeops.engine.ingest import ingest
from tradeops.journal.command_store import claim
from tradeops.journal.event_store import first_broken_link
from tradeops.journal.models import Command, Event
from tradeops.kit import safe_mode
from tradeops.kit.db import write_transaction
from tradeops.models import Deployment
from tradeops.watch import Watch

pytestmark = pytest.mark.usefixtures("committed_db")

D = Decimal
BUY = PlaceOrder("BTCUSDT", Side.BUY, quantity=D("0.01"))
Broken = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """It looks when the test says so; a busy machine is no database that hangs."""
    monkeypatch.setattr("tradeops.watch.HANGS_AFTER_S", 60.0)
    return Watch("test", ends=False)


def stopped_by() -> Reason | None:
    trouble = safe_mode.stopped_by()
    return trouble.reason if trouble is not None else None


def _stopped_after_a_look(watch: Watch) -> Reason | None:
    watch.look()
    return stopped_by()


def ask_until_refused(desk: Desk) -> list[UUID]:
    """Commands that were accepted before the database refused one."""
    accepted: list[UUID] = []
    for _ in range(3000):
        try:
            accepted.append(desk.ask(BUY))
        except DatabaseError:
            return accepted
    raise AssertionError("the database takes everything")


@pytest.mark.parametrize(
    ("breaks", "reason"),
    [
        (full, Reason.DATABASE_FULL),
        (read_only, Reason.DATABASE_READ_ONLY),
        (gone, Reason.DATABASE_GONE),
    ],
)
def test_database_that_fails_stops_claims_and_nothing_is_lost(
    breaks: Broken, reason: Reason, watch: Watch
) -> None:
    desk = open_desk()
    before = desk.ask(BUY)

    with breaks():
        accepted = [before, *ask_until_refused(desk)]
        if breaks is not gone:  # the pool says only that it has no connection
            assert stopped_by() is reason
        watch.look()
        assert stopped_by() is reason
        assert claim(before, worker="w", now=desk.clock.now()) is None
        assert (desk.port.calls, desk.port.submitted) == (0, [])
        watch.look()
        assert stopped_by() is reason  # still

    watch.look()
    assert stopped_by() is None
    rows = Command.objects.filter(account_id=desk.account.pk)
    assert set(rows.values_list("pk", flat=True)) == set(accepted)
    submitted = Event.objects.filter(account_id=desk.account.pk, type="CommandSubmitted")
    assert submitted.count() == len(accepted)  # nothing half-written
    assert first_broken_link(desk.account.pk) is None
    assert desk.execute(before).status == CommandStatus.ACK
    assert len(desk.port.submitted) == 1


def test_web_refuses_writes_with_the_number_and_still_reads() -> None:
    headers = {"Authorization": f"Bearer {django_settings.AUTH_TOKEN}", "Idempotency-Key": "1"}
    open_desk()
    safe_mode.enter(Reason.DATABASE_FULL, "no room")

    refused = Client().post(
        "/api/trade", {"symbol": "BTCUSDT"}, content_type="application/json", headers=headers
    )
    page = Client().post("/admin/login/", {"username": "x", "password": "y"})

    assert refused.status_code == page.status_code == 503
    assert (refused.headers["Retry-After"], refused.json()["code"]) == ("5", "SAFE")
    assert refused.json()["detail"].startswith("T012: ")
    assert page.content.startswith(b"T012: ")
    assert Client().get("/api/v1/system/limits", headers=headers).status_code == 200
    assert not Command.objects.exists()


def test_web_names_the_database_that_fails_under_a_request(watch: Watch) -> None:
    with gone():
        watch.look()
        answer = Client().get(
            "/api/v1/orders", headers={"Authorization": f"Bearer {django_settings.AUTH_TOKEN}"}
        )

    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("T010: ")


def test_disk_that_is_nearly_full_refuses_openings_and_lets_exits_pass(
    watch: Watch, settings: Settings
) -> None:
    desk = open_desk()
    bought = fill_report(1, 1, quantity="0.02")
    ingest(desk.account.pk, [bought], source=Source.REST, actor="test", now=desk.clock.now())
    settings.MIN_FREE_MIB = 10**9
    watch.look()

    opening = desk.run(BUY)
    exit_ = desk.run(
        PlaceOrder(
            "BTCUSDT",
            Side.SELL,
            order_type=OrderType.MARKET,
            quantity=D("0.01"),
            reduce_only=True,
        )
    )
    settings.MIN_FREE_MIB = 1
    watch.look()

    assert (opening.status, opening.code) == (CommandStatus.FAILED, "SAFE")
    assert "T014" in opening.detail
    assert exit_.status == CommandStatus.ACK
    assert desk.run(BUY).status == CommandStatus.ACK


def test_postgres_that_is_stopped_hangs_or_comes_back_is_noticed(
    monkeypatch: pytest.MonkeyPatch, watch: Watch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    folder = Path(tempfile.mkdtemp(prefix="tradeops-test-"))  # the server's user must reach it
    server = start_postgres(folder / "postgres")
    try:
        with served_by(server.url):
            call_command("migrate", verbosity=0)
            desk = open_desk()
            before = desk.ask(BUY)

            server.process.send_signal(signal.SIGSTOP)
            monkeypatch.setattr("tradeops.watch.HANGS_AFTER_S", 1.0)
            watch.look()
            assert stopped_by() is Reason.DATABASE_GONE
            server.process.send_signal(signal.SIGCONT)
            monkeypatch.setattr("tradeops.watch.HANGS_AFTER_S", 60.0)
            _wait_until(lambda: _stopped_after_a_look(watch) is None)

            server.stop()
            with pytest.raises(DatabaseError):
                desk.ask(BUY)
            watch.look()
            assert stopped_by() is Reason.DATABASE_GONE
            connection.close()  # as between two requests
            server = server.restarted()
            watch.look()

            assert stopped_by() is None
            assert Command.objects.get().pk == before
            assert desk.execute(before).status == CommandStatus.ACK
    finally:
        server.process.send_signal(signal.SIGCONT)
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_constraint_that_fails_makes_nothing_safe() -> None:
    """Only what lasts does."""
    account = open_desk().account

    with pytest.raises(IntegrityError), write_transaction():
        ExchangeAccount.objects.create(name=account.name)

    assert stopped_by() is None


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_worker_that_no_longer_fits_ends_and_claims_nothing(tmp_path: Path) -> None:
    desk = open_desk()
    log = tmp_path / "worker.log"
    worker = _worker(log)
    try:
        _wait_for(log, "ready.")
        first = desk.ask(PauseEngine("all", "a try"), account_id=0)
        _wait_until(lambda: Command.objects.get(pk=first).status == CommandStatus.ACK)

        Deployment.objects.update(schema="another")
        assert worker.wait(120) == 0

        waiting = desk.ask(PauseEngine("all", "another try"), account_id=0)
        assert "T017" in log.read_text()
        worker = _worker(log)
        assert worker.wait(120) == 1  # not even started
        assert Command.objects.get(pk=waiting).status == CommandStatus.NEW

        Deployment.objects.all().delete()
        Watch("test", ends=False).look()  # an empty word stops nobody
        assert stopped_by() is None
    finally:
        worker.kill()
        worker.wait()


def _worker(log: Path) -> "subprocess.Popen[bytes]":
    command = "celery -A tradeops worker -Q orders --pool=threads --concurrency=1 --without-mingle"
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", *command.split()],
            cwd=ROOT,
            env={**os.environ, **environment()},
            stdout=out,
            stderr=subprocess.STDOUT,
        )


def _wait_for(log: Path, text: str) -> None:
    _wait_until(lambda: text in log.read_text())


def _wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(1200):
        if is_so():
            return
        sleep(0.05)
    raise AssertionError("not within 60 s")
