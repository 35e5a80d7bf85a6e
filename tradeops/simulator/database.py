"""One database in memory for the whole simulated desk, and the yield points around it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tradeops.journal.models import Event
from tradeops.kit import db
from tradeops.schedule import install_periods
from tradeops.simulator.schedule import Process, Schedule

_READ_YIELDS = 0.1
_JOURNAL = f'INSERT INTO "{Event._meta.db_table}"'
_READ_S = 0.0004
_COMMIT_S = 0.003


class MemoryDatabase:
    """A migrated template and its copies: `fresh` gives each seed its own in a millisecond."""

    def __init__(self) -> None:
        settings = connections.databases["default"]
        settings["ENGINE"] = "django.db.backends.sqlite3"
        settings["NAME"] = ":memory:"
        options = dict(settings.get("OPTIONS", {}))
        options.pop("pool", None)
        settings["OPTIONS"] = options | {"transaction_mode": "IMMEDIATE"}
        settings["CONN_MAX_AGE"] = None
        del connections["default"]
        call_command("migrate", verbosity=0, interactive=False)
        install_periods()
        self._template = sqlite3.connect(":memory:")
        connection.ensure_connection()
        connection.connection.backup(self._template)

    def fresh(self) -> None:
        """Back to what `bootstrap` leaves behind."""
        connection.ensure_connection()
        self._template.backup(connection.connection)


@contextmanager
def yield_points(
    schedule: Schedule,
    note: Callable[[str, str], None],
    *,
    lock_errors: Callable[[], bool],
    committed: Callable[[Process], None],
) -> Iterator[None]:
    """Let processes change places, and die, at every transaction and before many reads.

    Within a transaction nobody else runs, as on SQLite, but a process may die there. `lock_errors`
    says whether this transaction is to fail as a locked database does (F55); `committed` is told of
    each commit before anybody else runs.
    """

    def around_query(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        if schedule.current is not None:
            if sql.startswith(_JOURNAL):
                schedule.current.memory["journalled"] = True
            if not connection.in_atomic_block and schedule.rng.random() < _READ_YIELDS:
                schedule.pause(schedule.rng.random() * _READ_S)
            else:
                schedule.breathe()
        return execute(sql, params, many, context)

    @contextmanager
    def around_transaction(_connection: BaseDatabaseWrapper) -> Iterator[None]:
        schedule.pause(schedule.rng.random() * _COMMIT_S)
        if schedule.current is not None and lock_errors():
            note(schedule.current.name, "database is locked")
            raise OperationalError("database is locked")
        yield
        if schedule.current is not None:
            committed(schedule.current)
        schedule.pause(schedule.rng.random() * _COMMIT_S)

    real = db.writers_queue
    db.writers_queue = around_transaction
    try:
        with connection.execute_wrapper(around_query):
            yield
    finally:
        db.writers_queue = real
