"""What every test runs in: loopback only, no float in money, one real Redis, one real database.

The servers start before Django reads its settings, so this file sets the environment first and
names the settings module last. `TRADEOPS_TEST_DB=pg` runs against PostgreSQL (`TEST_DATABASE_URL`,
else an embedded server) and only the tests that use the database or the processes.
"""

import decimal
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django
import hypothesis
import pytest

from tests.support.postgres import PostgresServer, start_postgres
from tests.support.redis import RedisServer, start_redis

PG_LEG = os.environ.get("TRADEOPS_TEST_DB") == "pg"
LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104 - compared, not bound

_home: Path | None = None
_redis: RedisServer | None = None
_postgres: PostgresServer | None = None
_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


# A busy machine is not a failure; CI runs the same examples each time.
hypothesis.settings.register_profile(
    "tradeops", deadline=None, derandomize=os.environ.get("CI") == "true"
)
hypothesis.settings.load_profile("tradeops")


class OutsideError(RuntimeError):
    """A test tried to reach a machine other than this one."""


def _refuse_outside(sock: socket.socket, address: Any) -> None:
    if sock.family == socket.AF_UNIX or str(address[0]).startswith(LOOPBACK):
        return
    message = f"tests may not leave this machine: {address!r}"
    raise OutsideError(message)


def _guarded_connect(sock: socket.socket, address: Any) -> None:
    _refuse_outside(sock, address)
    _connect(sock, address)


def _guarded_connect_ex(sock: socket.socket, address: Any) -> int:
    _refuse_outside(sock, address)
    return _connect_ex(sock, address)


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers, then let pytest-django load the settings."""
    global _home, _redis, _postgres  # noqa: PLW0603 - one session, one set of servers
    # New threads copy DefaultContext, the running one has its own.
    decimal.DefaultContext.traps[decimal.FloatOperation] = True
    decimal.getcontext().traps[decimal.FloatOperation] = True
    if config.option.markexpr != "live":
        socket.socket.connect = _guarded_connect  # type: ignore[method-assign,assignment]
        socket.socket.connect_ex = _guarded_connect_ex  # type: ignore[method-assign,assignment]
    if config.option.collectonly or config.option.help:
        _load_django()
        return
    _home = Path(tempfile.mkdtemp(prefix="tradeops-test-"))
    if PG_LEG and not os.environ.get("TEST_DATABASE_URL"):
        _postgres = start_postgres(_home / "postgres")
        os.environ["TEST_DATABASE_URL"] = _postgres.url  # pytest-xdist's workers share the server
    if _hands_out_tests(config):
        # Its workers inherit the environment: with the settings' name in it, pytest-django would
        # load them before each has set up its own Redis and files.
        return
    _redis = start_redis(_home / "redis")
    os.environ.update(TRADEOPS_HOME=str(_home), TRADEOPS_DOTENV=os.devnull, REDIS_URL=_redis.url)
    if PG_LEG:
        os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    else:
        os.environ.pop("DATABASE_URL", None)
    _load_django()


def _hands_out_tests(config: pytest.Config) -> bool:
    is_worker = hasattr(config, "workerinput")
    return bool(getattr(config.option, "numprocesses", None)) and not is_worker


def _load_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tradeops.settings.test"
    django.setup()


def pytest_unconfigure() -> None:
    """End the servers and remove their files."""
    logging.getLogger("tradeops.kit.wakeups").disabled = True  # it would miss its Redis
    for server in (_redis, _postgres):
        if server is not None:
            server.stop()
    if _home is not None:
        shutil.rmtree(_home, ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what waits for processes; on PostgreSQL keep only what can differ there."""
    if PG_LEG:
        kept = [item for item in items if _uses_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    items.sort(key=lambda item: item.get_closest_marker("stack") is None)


def _uses_database(item: pytest.Item) -> bool:
    if item.get_closest_marker("once"):
        return False
    if item.get_closest_marker("django_db") or item.get_closest_marker("stack"):
        return True
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(fixtures & {"db", "transactional_db", "stack"})


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Return the URL of the session's Redis (the one that the settings use, too)."""
    assert _redis is not None
    return _redis.url


@pytest.fixture(scope="session")
def database_url() -> str | None:
    """Return the URL of the PostgreSQL server of this leg, None on the SQLite leg."""
    return os.environ.get("DATABASE_URL")


@pytest.fixture(autouse=True)
def _not_safe() -> Iterator[None]:
    """Leave what a test made SAFE: the state belongs to the process."""
    from tradeops.kit import safe_mode  # noqa: PLC0415 - Django must be set up

    yield
    for trouble in safe_mode.troubles():
        safe_mode.leave(trouble.reason)


@pytest.fixture(autouse=True)
def _no_brackets() -> None:
    """Whether a test asks for brackets must not depend on the test before it."""
    from tradeops.engine.brackets import forget_brackets  # noqa: PLC0415 - Django must be set up

    forget_brackets()
