"""The state in which every run begins, made once for each database and copied."""

import json
import os
import secrets
import shutil
import signal
import sys
import uuid
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections

from accounts.models import ExchangeAccount
from tests.crash.broker import Broker
from tests.crash.runs import ACCOUNT, ASKER, MARK, SYMBOL, use_database
from tests.crash.venue import ForkedVenue
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import Side
from tradeops.journal.command_store import enqueue
from tradeops.journal.models import Command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.reconcile.services.reconcile_now import reconcile_now

HELD = Decimal("0.020")


class Template:
    """A bootstrapped database and a venue's books, both with one position of 0.020 BTC."""

    def __init__(self, folder: Path, postgres: str) -> None:
        folder.mkdir(parents=True)
        self.venue_state = folder / "venue.json"
        self.log = folder / "build.log"
        self._folder = folder
        self._postgres = postgres
        self._number = 0
        self._name = f"crash_{secrets.token_hex(6)}" if postgres else str(folder / "db.sqlite3")
        if postgres:
            self._admin(f"CREATE DATABASE {self._name}")

    @property
    def account_id(self) -> int:
        """The account's primary key in every copy."""
        return int((self._folder / "account").read_text())

    def build(self) -> None:
        """Fill the template; in a process of its own, which ends afterwards."""
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT, 0o600)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(descriptor, stream.fileno())
        venue = ForkedVenue(self._folder, self.venue_state)
        venue.start()
        use_database(self._name)
        settings.PAPER_URL = venue.url
        venue.set_price(SYMBOL, MARK)
        call_command("bootstrap")
        # One account is enough to look after.
        ExchangeAccount.objects.exclude(name=ACCOUNT).update(is_active=False)
        account_id = ExchangeAccount.objects.get(name=ACCOUNT).pk
        (self._folder / "account").write_text(json.dumps(account_id))
        reconcile_now(account_id, scope="all", trigger="template")
        _buy(account_id)
        reconcile_now(account_id, scope="all", trigger="template")
        connections.close_all()
        venue.stop(signal.SIGTERM)

    def copy(self) -> str:
        """Make a database that is equal to the template; its name or path."""
        self._number += 1
        if self._postgres:
            name = f"{self._name}_{self._number}"
            self._admin(f"CREATE DATABASE {name} TEMPLATE {self._name}")
            return name
        path = self._folder / f"run-{self._number}.sqlite3"
        shutil.copy(self._name, path)
        return str(path)

    def discard(self, database: str) -> None:
        """Remove a copy that is no longer needed."""
        if self._postgres:
            self._admin(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")
            return
        for path in self._folder.glob(f"{Path(database).name}*"):
            path.unlink()

    def drop(self) -> None:
        """Remove the template itself."""
        if self._postgres:
            self._admin(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")

    def _admin(self, statement: str) -> None:
        parts = urlsplit(self._postgres)
        with psycopg.connect(parts.geturl(), autocommit=True) as connection:
            connection.execute(statement.encode())


def _buy(account_id: int) -> None:
    order = PlaceOrder(symbol=SYMBOL, side=Side.BUY, quantity=HELD, leverage=10)
    command, _ = enqueue(
        order,
        account_id=account_id,
        command_id=uuid.uuid4(),
        asker=ASKER,
        now=SYSTEM_CLOCK.now(),
    )
    Broker(settings.REDIS_URL).run_waiting()
    command = Command.objects.get(pk=command.pk)
    if command.status != "ACK":
        message = f"the first order ended {command.status} {command.code} {command.detail}"
        raise RuntimeError(message)
