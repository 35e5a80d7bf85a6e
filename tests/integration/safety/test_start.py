"""A process that does not fit its database does not start, and says the number."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from accounts.sealing.envelope import generate_keypair
from tests.integration.safety.conftest import full, gone, read_only
from tradeops.checks import unfit_database
from tradeops.deployment import fingerprint, seal_canary
from tradeops.launch.ports import free_port
from tradeops.models import Deployment

pytestmark = pytest.mark.usefixtures("committed_db")

ROOT = Path(__file__).resolve().parents[3]
SERVERS = {
    "worker": (
        "celery",
        "-A",
        "tradeops",
        "worker",
        "-Q",
        "orders",
        "--pool=threads",
        "--concurrency=1",
    ),
    "web": ("daphne", "--port", "{port}", "tradeops.asgi:application"),
}


def numbers() -> list[str]:
    return [str(item.reason) for item in unfit_database()]


@contextmanager
def migration_row(app: str, name: str) -> Iterator[None]:
    """A migration counts as applied that this code does not have."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)",
            [app, name, "2026-11-20T12:00:00+00:00"],
        )
        try:
            yield
        finally:
            cursor.execute(
                "DELETE FROM django_migrations WHERE app = %s AND name = %s", [app, name]
            )


def test_database_that_fits_is_taken() -> None:
    row = Deployment.objects.get()

    assert numbers() == []
    assert (row.environment, row.schema) == ("paper", fingerprint().schema)
    assert row.probe == ""


@pytest.mark.parametrize(
    ("app", "name"), [("orders", "0099_future"), ("strategies", "0001_initial")]
)
def test_migration_that_this_code_does_not_know_is_t016(app: str, name: str) -> None:
    with migration_row(app, name):
        assert numbers() == ["T016"]
        with pytest.raises(CommandError, match=f"T016.*{app}.{name}"):
            call_command("migrate", verbosity=0)


def test_migration_that_is_missing_is_t015_until_it_is_applied() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET app = 'admin' WHERE app = 'tradeops'")
        try:
            assert numbers() == ["T015"]
        finally:
            cursor.execute(
                "UPDATE django_migrations SET app = 'tradeops' WHERE name = '0001_deployment'"
            )

    assert numbers() == []


def test_other_environment_is_t018_and_never_overwritten() -> None:
    Deployment.objects.update(environment="mainnet")

    assert numbers() == ["T018"]
    with pytest.raises(CommandError, match=r"T018.*belongs to mainnet, this is paper"):
        call_command("migrate", verbosity=0)

    assert Deployment.objects.get().environment == "mainnet"
    Deployment.objects.update(environment="paper")


def test_build_of_another_schema_is_t017_until_this_one_is_deployed() -> None:
    Deployment.objects.update(schema="another")

    assert numbers() == ["T017"]
    call_command("migrate", verbosity=0)

    assert numbers() == []


def test_build_that_differs_in_code_only_is_taken() -> None:
    Deployment.objects.update(build="another")

    assert numbers() == []


def test_database_without_a_word_is_t020() -> None:
    Deployment.objects.all().delete()

    assert numbers() == ["T020"]
    call_command("migrate", verbosity=0)
    assert numbers() == []


def test_wrong_seal_key_is_t019_and_a_rotated_one_is_not(settings: Settings) -> None:
    (old_public, old_private), (public, private) = generate_keypair(), generate_keypair()
    settings.SEAL_PUBLIC_KEY = old_public
    seal_canary()

    settings.SEAL_PRIVATE_KEYS = (private,)
    assert numbers() == ["T019"]
    settings.SEAL_PUBLIC_KEY = public
    with pytest.raises(CommandError, match="T019"):
        seal_canary()  # whoever lost the old key must say so
    settings.SEAL_PRIVATE_KEYS = (private, old_private)
    assert numbers() == []
    seal_canary()
    settings.SEAL_PRIVATE_KEYS = (private,)
    assert numbers() == []
    settings.SEAL_PRIVATE_KEYS = ()  # the web process
    assert numbers() == []


def test_database_that_cannot_be_written_or_reached_is_named() -> None:
    with read_only():
        assert numbers() == ["T011"]
    with gone():
        assert numbers() == ["T010"]

    assert numbers() == []


def test_database_that_is_full_is_t012() -> None:
    with full():
        assert numbers() == ["T012"]

    assert numbers() == []


@pytest.mark.once
def test_file_that_is_no_database_is_t013(tmp_path: Path) -> None:
    file = tmp_path / "paper.sqlite3"
    file.write_bytes(b"this is no database " * 1000)
    usual = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(file)
    try:
        assert numbers() == ["T013"]
    finally:
        connection.settings_dict["NAME"] = usual


def test_doctor_names_what_the_start_refuses() -> None:
    for breaks, number in ((read_only, "T011"), (gone, "T010")):
        with breaks():
            rows = _doctor()
            assert {"number": number, "health": "FAIL"}.items() <= rows["database"].items()
    with migration_row("orders", "0099_future"):
        assert _doctor()["database"]["number"] == "T016"


def _doctor() -> dict[str, dict[str, str]]:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    assert ended.value.code == 1
    return {row["part"]: row for row in map(json.loads, out.getvalue().splitlines())}


@pytest.mark.stack
@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", SERVERS)
def test_server_ends_with_the_number(kind: str) -> None:
    Deployment.objects.update(schema="another")
    command = [word.format(port=free_port()) for word in SERVERS[kind]]

    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env={**os.environ, **environment()},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )

    assert done.returncode == 1
    assert "T017: " in done.stderr


def environment() -> dict[str, str]:
    """What a process of this test's database runs in."""
    name = str(connection.settings_dict["NAME"])
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    return {"DJANGO_SETTINGS_MODULE": "tradeops.settings.dev", "DATABASE_URL": url}
