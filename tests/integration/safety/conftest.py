"""Ways to break a database for real, on both engines.

Imports of models stand inside the fixtures: pytest loads this file before Django is set up.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from django.db import connection

from tests.integration.reconcile.fixtures import committed_db

__all__ = ["committed_db"]


@contextmanager
def database_with(pragma: str) -> Iterator[None]:
    """Every SQLite connection of this process, open or new, runs under `pragma`."""
    options = connection.settings_dict["OPTIONS"]
    usual = options["init_command"]
    options["init_command"] = f"{usual}{pragma};"
    connection.close()
    try:
        yield
    finally:
        options["init_command"] = usual
        connection.close()


@contextmanager
def read_only() -> Iterator[None]:
    """The database takes no write from any new connection."""
    if connection.vendor == "sqlite":
        with database_with("PRAGMA query_only=ON"):
            yield
        return
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())
        _forget_connections()
        try:
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())
            _forget_connections()


@contextmanager
def full() -> Iterator[None]:
    """The database may not grow: a quota that says "database or disk is full"."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has no quota that a test could set")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA page_count")
        pages = int(cursor.fetchone()[0])
    with database_with(f"PRAGMA max_page_count={pages}"):
        yield


@contextmanager
def gone() -> Iterator[None]:
    """Nobody answers where the database was."""
    settings = connection.settings_dict
    name, value = ("NAME", "/nowhere/at.sqlite3") if connection.vendor == "sqlite" else ("PORT", 1)
    usual, settings[name] = settings[name], value
    _forget_connections()
    try:
        yield
    finally:
        settings[name] = usual
        _forget_connections()


@contextmanager
def served_by(url: str) -> Iterator[None]:
    """This process's database is the one at a PostgreSQL URL."""
    settings, parts = connection.settings_dict, urlsplit(url)
    theirs = {
        "NAME": parts.path.strip("/"),
        "USER": parts.username,
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname,
        "PORT": parts.port,
    }
    usual = {name: settings[name] for name in theirs}
    settings.update(theirs)
    _forget_connections()
    try:
        yield
    finally:
        settings.update(usual)
        _forget_connections()


def _forget_connections() -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's
