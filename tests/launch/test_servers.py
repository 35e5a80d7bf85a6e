"""The servers that a test session and `make run` start."""

import socket
from decimal import Decimal, FloatOperation
from pathlib import Path
from threading import Thread

import pytest
import redis
from django.core.cache import cache
from django.db import connection

from tests.conftest import OutsideError
from tradeops.launch.redis import write_config


def test_redis_refuses_without_password(redis_url: str) -> None:
    open_url = "redis://" + redis_url.split("@")[1]

    with redis.Redis.from_url(open_url) as client, pytest.raises(redis.AuthenticationError):
        client.ping()


def test_redis_keeps_everything_and_appends(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        settings = client.config_get("*")

    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["bind"] == "127.0.0.1"


def test_redis_config_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    config = write_config(tmp_path, port=6379, password="secret")

    assert config.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db
def test_database_has_the_settings_that_reliability_asks_for() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone() == ("wal",)
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone() == (2,)
            cursor.execute("SELECT sqlite_version()")
            assert tuple(map(int, cursor.fetchone()[0].split("."))) >= (3, 51, 3)
        else:
            bounds = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
            shown = ", ".join(f"current_setting('{name}')" for name in bounds)
            cursor.execute(f"SELECT {shown}")
            assert cursor.fetchone() == ("5s", "15s", "30s")


def test_cache_refuses_what_json_cannot_hold() -> None:
    cache.set("price", {"mark": "68000.10"}, 5)

    assert cache.get("price") == {"mark": "68000.10"}
    with pytest.raises(TypeError):
        cache.set("object", object(), 5)


def test_float_in_money_raises_in_a_new_thread_too() -> None:
    caught: list[type[BaseException]] = []

    def add() -> None:
        try:
            Decimal(0) + Decimal(0.1)  # noqa: RUF032 - the float is what is tried
        except FloatOperation as error:
            caught.append(type(error))

    thread = Thread(target=add)
    thread.start()
    thread.join()

    assert caught == [FloatOperation]


def test_socket_to_another_machine_is_refused() -> None:
    with socket.socket() as outside, pytest.raises(OutsideError):
        outside.connect(("192.0.2.1", 80))
