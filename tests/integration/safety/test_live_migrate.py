"""Migrations arrive while processes of the old build write: nothing is lost, nobody waits long."""

import os
import secrets
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps.registry import Apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.conninfo import make_conninfo

from tradeops.checks import unfit_database
from tradeops.deployment import OURS
from tradeops.kit.db import write_transaction
from tradeops.management.commands import bootstrap

# The first generation: what runs while the rest arrives.
pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WRITERS = 2
MORE = 20  # what each still writes when the migrations are done


@pytest.fixture
def old_build(tmp_path: Path) -> Iterator[Apps]:
    """The models of the first generation on a database of their own that stands there."""
    settings, usual = connection.settings_dict, connection.settings_dict["NAME"]
    settings["NAME"] = name = _new_database(tmp_path)
    _forget_connections()
    try:
        yield _first_generation()
    finally:
        settings["NAME"] = usual
        _forget_connections()
        _drop_database(name)


def _new_database(folder: Path) -> str:
    if connection.vendor == "sqlite":
        return str(folder / "paper.sqlite3")
    name = f"live_{secrets.token_hex(6)}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
    return name


def _drop_database(name: str) -> None:
    if connection.vendor == "postgresql":
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _forget_connections() -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's


def _first_generation() -> Apps:
    executor = MigrationExecutor(connection)
    wanted = []
    for app, name in executor.loader.graph.leaf_nodes():
        is_ours = executor.loader.disk_migrations[app, name].__module__.split(".")[0] in OURS
        if app == "tradeops":
            continue
        first = "0002_event_append_only" if app == "journal" else "0001_initial"
        wanted.append((app, first if is_ours else name))
    state: Any = executor.migrate(wanted)
    apps: Apps = state.apps
    return apps


class Writer:
    """A process of the old build that writes until it is told to end."""

    def __init__(self, old: Apps, account_id: int) -> None:
        self._old = old
        self._account_id = account_id
        self.begun = threading.Event()
        self.ending = threading.Event()
        self.written: list[uuid.UUID] = []

    def run(self) -> None:
        """Write one command and its order at a time."""
        left = MORE
        try:
            while left:
                self._write()
                self.begun.set()
                left -= self.ending.is_set()
        finally:
            connection.close()

    def _write(self) -> None:
        key = uuid.uuid4()
        with write_transaction():
            self._old.get_model("journal", "Command").objects.create(
                id=key,
                account_id=self._account_id,
                kind="PlaceOrder",
                payload={},
                principal="user:1",
                source="api",
                created_at=NOW,
                idempotency_key=str(key),
            )
            self._old.get_model("orders", "Order").objects.create(
                id=key,
                account_id=self._account_id,
                client_order_id=f"ae-{key.hex}",
                symbol="BTCUSDT",
                side="BUY",
                order_type="MARKET",
                quantity=1,
                venue_filled_quantity=0,
                filled_quantity=0,
                filled_notional=0,
                commission=0,
                realized_pnl=0,
                position_side="BOTH",
                status="SUBMITTED",
                submitted_at=NOW,
                updated_at=NOW,
            )
        self.written.append(key)


def test_old_processes_write_through_a_migration(old_build: Apps) -> None:
    account = old_build.get_model("accounts", "ExchangeAccount").objects.create(name="main")
    writers = [Writer(old_build, account.pk) for _ in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as threads:
        running = [threads.submit(writer.run) for writer in writers]
        assert all(writer.begun.wait(60) for writer in writers)
        try:
            bootstrap.migrate(lambda _text: None)
        finally:
            for writer in writers:
                writer.ending.set()
        for future in running:
            future.result(60)  # no writer waited beyond its lock or statement timeout

    written = {key for writer in writers for key in writer.written}
    assert _ids("journal_command") == _ids("orders_order") == written
    assert unfit_database() == []


def _ids(table: str) -> set[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id FROM "{table}"')  # noqa: S608 - our own names
        return {uuid.UUID(str(row[0])) for row in cursor.fetchall()}


def test_table_in_use_lets_the_others_pass_and_is_migrated_later(old_build: Apps) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite's readers lock nothing")
    settings = connection.settings_dict
    text = make_conninfo(os.environ["DATABASE_URL"], dbname=settings["NAME"])
    refusals: list[str] = []
    with psycopg.connect(text) as report:
        report.execute("SELECT count(*) FROM orders_order")  # and stays open

        def tell(refusal: str) -> None:
            refusals.append(refusal)
            with psycopg.connect(text) as other:  # nobody waits behind the one that gave up
                other.execute("SET lock_timeout = '1s'")
                other.execute("SELECT count(*) FROM orders_order")
            assert [str(item.reason) for item in unfit_database()] == ["T015"]
            report.rollback()

        bootstrap.migrate(tell)

    assert len(refusals) == 1
    assert unfit_database() == []


def test_bootstrap_beside_a_running_system_changes_nothing(old_build: Apps) -> None:
    bootstrap.migrate(lambda _text: None)
    before = _applied()

    for _ in range(2):
        call_command("migrate", verbosity=0)

    assert _applied() == before


def _applied() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name, applied FROM django_migrations ORDER BY id")
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.execute("SELECT environment, schema, build, recorded_at FROM tradeops_deployment")
        return rows + list(cursor.fetchall())
