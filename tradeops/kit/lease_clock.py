"""The clock that leases run by: one for all who can write the same row, and never a wall clock.

Who holds a lease and who wants it must agree on the time, and a wall clock that is set back or
forth must change nothing (F66). On PostgreSQL it is the server's. On SQLite, where everybody runs
on one machine, it is the time since that machine started, together with which start that was: a
lease from before a restart is free, since its holder cannot live.
"""

from dataclasses import dataclass
from typing import Protocol

from django.db import connection

from tradeops.kit.clock import boot_id, since_boot_ms

SERVER = "server"


@dataclass(frozen=True, slots=True)
class LeaseTime:
    """Milliseconds of the clock that `clock` names; times of two clocks do not compare."""

    clock: str
    ms: int


class LeaseClock(Protocol):
    """Where leases take the time from."""

    def read(self) -> LeaseTime:
        """The time now. In PostgreSQL a query on the current connection."""
        ...


class DatabaseClock:
    """`LeaseClock` of the database in use."""

    def read(self) -> LeaseTime:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                # Not now(): that is when the transaction began.
                cursor.execute("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint")
                return LeaseTime(SERVER, cursor.fetchone()[0])
        return LeaseTime(boot_id(), since_boot_ms())


DATABASE_CLOCK = DatabaseClock()
