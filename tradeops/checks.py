"""Numbered checks that stop a wrong start; each message says what is wrong, each hint what to do.

E001 SECRET_KEY  E002 AUTH_TOKEN  E003 environment contradiction  E004 mainnet not allowed
E005 time zone   E006 seal keys   E007 SQLite too old on mainnet (W001 elsewhere)
E008 database of another environment
"""

import sqlite3
import sys
from collections.abc import Iterator, Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from tradeops.settings.env import ENVIRONMENTS
from tradeops.settings.sqlite import SAFE_SQLITE

SECRET_LENGTH = 32  # characters


@register()
def check_settings(
    app_configs: Sequence[AppConfig] | None = None,
    **_kwargs: object,
) -> list[CheckMessage]:
    """Return what is missing or contradictory in the settings of this deployment."""
    return [*_secrets(), *_environment(), *_sealing(), *_database()]


def refuse_wrong_settings() -> None:
    """End this process when a setting is wrong: for servers, which Django does not check."""
    errors = [message for message in check_settings() if message.is_serious()]
    if errors:
        sys.stderr.write("\n".join(map(str, errors)) + "\n")
        raise SystemExit(1)


def _secrets() -> Iterator[CheckMessage]:
    try:
        short = len(settings.SECRET_KEY) < SECRET_LENGTH
    except ImproperlyConfigured:  # Django refuses to hand out an empty one
        short = True
    if short:
        yield Error(
            f"SECRET_KEY is missing or shorter than {SECRET_LENGTH} characters.",
            hint="`make run` writes one into .env; elsewhere set SECRET_KEY or SECRET_KEY_FILE.",
            id="tradeops.E001",
        )
    if len(settings.AUTH_TOKEN) < SECRET_LENGTH:
        yield Error(
            f"AUTH_TOKEN is missing or shorter than {SECRET_LENGTH} characters.",
            hint="`make run` writes one into .env; elsewhere set AUTH_TOKEN or AUTH_TOKEN_FILE.",
            id="tradeops.E002",
        )


def _environment() -> Iterator[CheckMessage]:
    if settings.TRADEOPS_USE_TESTNET and settings.TRADEOPS_ENV != "testnet":
        yield Error(
            f"USE_TESTNET=true contradicts TRADEOPS_ENV={settings.TRADEOPS_ENV}.",
            hint="Remove USE_TESTNET, or set TRADEOPS_ENV=testnet.",
            id="tradeops.E003",
        )
    if settings.TRADEOPS_ENV == "mainnet" and not settings.TRADEOPS_ALLOW_MAINNET:
        yield Error(
            "TRADEOPS_ENV=mainnet trades real money and is not allowed yet.",
            hint="Set TRADEOPS_ALLOW_MAINNET=true as well, when that is what you want.",
            id="tradeops.E004",
        )
    if not settings.USE_TZ or settings.TIME_ZONE != "UTC":
        yield Error(
            "Times must be aware and UTC: day limits and the journal depend on it.",
            hint="Leave USE_TZ=True and TIME_ZONE='UTC' in the settings.",
            id="tradeops.E005",
        )


def _sealing() -> Iterator[CheckMessage]:
    if not settings.SEAL_PUBLIC_KEY and settings.TRADEOPS_ENV != "paper":
        yield Error(
            "SEAL_PUBLIC_KEY is missing: venue credentials cannot be sealed.",
            hint="`make run` writes the pair into .env; SEAL_PRIVATE_KEYS goes to workers only.",
            id="tradeops.E006",
        )


def _database() -> Iterator[CheckMessage]:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3") and sqlite3.sqlite_version_info < SAFE_SQLITE:
        kind = Error if settings.TRADEOPS_ENV == "mainnet" else checks.Warning
        yield kind(
            f"SQLite {sqlite3.sqlite_version} can corrupt a WAL database.",
            hint="Install pysqlite3 (SQLite 3.51.3 or newer), or set DATABASE_URL to PostgreSQL.",
            id="tradeops.E007" if kind is Error else "tradeops.W001",
        )
    name = str(database["NAME"]).rsplit("/", maxsplit=1)[-1].lower()
    others = [word for word in ENVIRONMENTS if word in name and word != settings.TRADEOPS_ENV]
    if others and settings.TRADEOPS_ENV not in name:
        yield Error(
            f"The database {name!r} belongs to {others[0]}, this is {settings.TRADEOPS_ENV}.",
            hint="One database never mixes environments: give each its own DATABASE_URL.",
            id="tradeops.E008",
        )
