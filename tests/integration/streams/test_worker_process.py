"""`celery worker --streams` as a process: an end of any kind loses nothing and repeats nothing."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from django.db import connection

from accounts.models import ExchangeAccount
from orders.models import Fill, Order
from tests.integration.reconcile.fixtures import Desk
from tests.integration.streams.books import assert_equals_venue, equals_venue
from tradeops.domain.enums import OrderStatus, Side
from tradeops.domain.ids import client_order_id
from tradeops.journal.event_store import first_broken_link
from tradeops.journal.models import Event
from tradeops.reconcile.services.reconcile_now import reconcile_now
from tradeops.streams.models import DeadMan, FeedHealth, StreamLease

pytestmark = pytest.mark.stack

ROOT = Path(__file__).resolve().parents[3]
COMMAND = "-m celery -A tradeops worker -Q streams --streams --pool=threads --concurrency=1"


class Worker:
    """The streams worker of `make run` on this test's database, Redis and venue."""

    def __init__(self, log: IO[bytes]) -> None:
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **settings: str) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tradeops.settings.dev",
            "DATABASE_URL": _database_url(),
            "TRADEOPS_PAPER_URL": django_settings.PAPER_URL,
            "SEAL_PUBLIC_KEY": django_settings.SEAL_PUBLIC_KEY,
            "SEAL_PRIVATE_KEYS": ",".join(django_settings.SEAL_PRIVATE_KEYS),
            **settings,
        }
        self._process = subprocess.Popen(
            [sys.executable, *COMMAND.split(), "--without-gossip", "--without-mingle"],
            cwd=ROOT,
            env=environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def end(self, how: signal.Signals) -> int:
        """Send the signal and return the exit code."""
        assert self._process is not None
        self._process.send_signal(how)
        process, self._process = self._process, None
        try:
            return process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            raise

    def end_if_running(self) -> None:
        if self._process is not None:
            self.end(signal.SIGKILL)


def _database_url() -> str:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    with (tmp_path / "worker.log").open("w+b") as log:
        started = Worker(log)
        yield started
        started.end_if_running()


def eventually(is_so: Callable[[], Any], *, timeout_s: float = 45.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def connected(desk: Desk) -> Callable[[], bool]:
    return lambda: StreamLease.objects.filter(pk=desk.pk, state="CONNECTED").exists()


def healthy(desk: Desk) -> Callable[[], bool]:
    """The gap fill of the connection has ended: nothing of it is written any more."""
    return lambda: FeedHealth.objects.filter(pk=desk.pk, state="HEALTHY").exists()


def test_killed_worker_loses_no_fill_and_repeats_none(desk: Desk, worker: Worker) -> None:
    worker.start()
    eventually(connected(desk))
    token = StreamLease.objects.get(pk=desk.pk).token

    sides = [Side.BUY, Side.BUY, Side.SELL] * 4
    for number, side in enumerate(sides):
        desk.trade(side, "0.002")
        if number == len(sides) // 2:
            worker.end(signal.SIGKILL)
    worker.start()
    eventually(lambda: equals_venue(desk))

    assert_equals_venue(desk)
    repeats = Counter(Fill.objects.values_list("symbol", "trade_id")).most_common(1)
    assert repeats[0][1] == 1
    assert first_broken_link(desk.pk) is None
    assert StreamLease.objects.get(pk=desk.pk).token == token + 1


def test_killed_worker_without_successor_leaves_the_end_to_the_venue(
    desk: Desk, worker: Worker
) -> None:
    ExchangeAccount.objects.update(dead_man_enabled=True)
    worker.start(DEAD_MAN_COUNTDOWN_S="6")
    eventually(connected(desk))
    order_id = uuid4()
    resting = desk.trade(
        Side.BUY, "0.5", symbol="ETHUSDT", price="100", client_order_id=client_order_id(order_id)
    )
    eventually(lambda: Order.objects.filter(pk=order_id))
    Order.objects.filter(pk=order_id).update(is_external=False)
    eventually(lambda: DeadMan.objects.filter(account_id=desk.pk, symbol="ETHUSDT"))

    worker.end(signal.SIGKILL)

    def is_cancelled() -> bool:
        reconcile_now(desk.pk, scope="orders", trigger="test")
        return Order.objects.get(pk=order_id).status == OrderStatus.CANCELLED

    assert not is_cancelled()
    eventually(is_cancelled)
    theirs = {str(row["order_id"]): row["status"] for row in desk.truth()["orders"]}
    assert theirs[resting.venue_order_id] == "CANCELED"


def test_terminated_worker_leaves_in_order(desk: Desk, worker: Worker) -> None:
    worker.start()
    eventually(connected(desk))
    desk.trade(Side.BUY, "0.010")
    eventually(lambda: equals_venue(desk))
    eventually(healthy(desk))

    assert worker.end(signal.SIGTERM) == 0

    lease = StreamLease.objects.get(pk=desk.pk)
    assert lease.state == "DISCONNECTED"
    assert lease.expires_at == lease.state_at
    types = list(Event.objects.order_by("seq").values_list("type", flat=True))
    assert types[-2:] == ["WebSocketDisconnected", "QuarantineStarted"]
