"""What the processes of one run share, and how each of them becomes part of it."""

import logging
import os
import sys
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from tests.crash.matrix import Case
from tests.crash.venue import ForkedVenue
from tradeops.domain.commands import DomainCommand
from tradeops.domain.enums import Source
from tradeops.journal.command_store import Asker, Idempotency, enqueue
from tradeops.kit.clock import SYSTEM_CLOCK, SystemClock
from tradeops.kit.lease_clock import DatabaseClock, LeaseTime

ACCOUNT = "main"
SYMBOL = "BTCUSDT"
MARK = "60000"
ASKER = Asker("user:1", Source.API)


@dataclass(slots=True)
class Run:
    """One crash and its recovery. Made before the fork: every process has the same."""

    case: Case
    folder: Path
    database: str
    redis_url: str
    account_id: int
    venue: ForkedVenue

    def id_of(self, what: str) -> uuid.UUID:
        """Command id of the order under test, its stop and so on; the same in every process."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self.case}/{what}")

    def ask(self, what: str, command: DomainCommand) -> uuid.UUID:
        """What a client does, and does again when it got no answer: the same key, the same body."""
        key = Idempotency(key=f"key-{self.id_of(what)}", route="POST /orders", request_hash=what)
        now = SYSTEM_CLOCK.now()
        row, _ = enqueue(
            command,
            account_id=self.account_id,
            command_id=self.id_of(what),
            asker=ASKER,
            now=now,
            idempotency=key,
        )
        return row.pk


class AheadClock:
    """The system's clock of this process, and the venue's, running ahead together."""

    def __init__(self, venue: ForkedVenue) -> None:
        self._venue = venue
        self._ahead = timedelta(0)

    def install(self) -> None:
        """From now on everybody in this process reads this clock, leases as well."""
        read_database = DatabaseClock.read

        def now(_clock: SystemClock) -> datetime:
            return datetime.now(UTC) + self._ahead

        def read(database: DatabaseClock) -> LeaseTime:
            at = read_database(database)
            return LeaseTime(at.clock, at.ms + self._ahead // timedelta(milliseconds=1))

        for owner, name, method in ((SystemClock, "now", now), (DatabaseClock, "read", read)):
            setattr(owner, name, method)

    def advance(self, seconds: int) -> None:
        """Let `seconds` pass at once, here and at the venue."""
        self._ahead += timedelta(seconds=seconds)
        offset_ms = round(self._ahead.total_seconds() * 1000)
        self._venue.request("POST", "/paper/clock", {"offset_ms": offset_ms})


def enter(run: Run, log: str) -> AheadClock:
    """Make this freshly forked process part of the run: its database, venue, clock and log."""
    descriptor = os.open(run.folder / f"{log}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        os.dup2(descriptor, stream.fileno())
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(threadName)s %(message)s")
    use_database(run.database)
    settings.PAPER_URL = run.venue.url
    clock = AheadClock(run.venue)
    clock.install()
    return clock


def use_database(name: str) -> None:
    """Let every connection of this process, of whatever thread, be one to the database `name`."""
    connections.close_all()
    own: dict[str, Any] = connections.settings["default"]
    own["NAME"] = name
    del connections["default"]
