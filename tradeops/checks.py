"""What stops a wrong start, each with its number (`tradeops.domain.reasons`)."""

import sqlite3
import sys
from collections.abc import Iterator, Sequence

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError

from tradeops.deployment import examine, link_to_database, opens_canary, read_word
from tradeops.domain.reasons import REASONS, Effect, Reason
from tradeops.kit.safe_mode import Trouble
from tradeops.settings.env import ENVIRONMENTS
from tradeops.settings.sqlite import SAFE_SQLITE

SECRET_LENGTH = 32  # characters


@register()
def check_settings(
    app_configs: Sequence[AppConfig] | None = None,
    **_kwargs: object,
) -> list[CheckMessage]:
    """Return what is missing or contradictory in the settings of this deployment."""
    return [_message(item) for item in wrong_settings()]


def wrong_settings() -> list[Trouble]:
    """Everything that the settings alone show; nothing connects."""
    return [*_secrets(), *_environment(), *_sealing(), *_database()]


def refuse_wrong_settings() -> None:
    """End this process when a setting is wrong: for servers, which Django does not check."""
    _end_with([item for item in wrong_settings() if REASONS[item.reason].effect is Effect.REFUSES])


def refuse_wrong_start() -> None:
    """End this process when it cannot work: settings, database, build, seal keys.

    Whoever holds private seal keys tries them. Redis and the venue may come later.
    """
    refuse_wrong_settings()
    _end_with(unfit_database())


def unfit_database() -> list[Trouble]:
    """What keeps this process from working with its database."""
    link = link_to_database()
    try:
        found = examine(link)
        if not found and settings.SEAL_PRIVATE_KEYS:
            word = read_word(link)
            trouble = opens_canary(word) if word is not None else None
            found += [trouble] if trouble is not None else []
    except DatabaseError as error:
        found = [Trouble(Reason.DATABASE_GONE, str(error).strip())]
    finally:
        link.close()
    return found


def _end_with(wrong: list[Trouble]) -> None:
    if wrong:
        sys.stderr.write("".join(f"{item} {REASONS[item.reason].remedy}\n" for item in wrong))
        raise SystemExit(1)


def _message(item: Trouble) -> CheckMessage:
    entry = REASONS[item.reason]
    kind = Error if entry.effect is Effect.REFUSES else checks.Warning
    text = f"{entry.meaning} {item.detail}".strip()
    return kind(text, hint=entry.remedy, id=f"tradeops.{item.reason}")


def _secrets() -> Iterator[Trouble]:
    try:
        short = len(settings.SECRET_KEY) < SECRET_LENGTH
    except ImproperlyConfigured:  # Django refuses to hand out an empty one
        short = True
    least = f"At least {SECRET_LENGTH} characters."
    if short:
        yield Trouble(Reason.SECRET_KEY_SHORT, least)
    if len(settings.AUTH_TOKEN) < SECRET_LENGTH:
        yield Trouble(Reason.AUTH_TOKEN_SHORT, least)


def _environment() -> Iterator[Trouble]:
    if settings.TRADEOPS_USE_TESTNET and settings.TRADEOPS_ENV != "testnet":
        detail = f"USE_TESTNET=true, TRADEOPS_ENV={settings.TRADEOPS_ENV}."
        yield Trouble(Reason.ENVIRONMENT_CONTRADICTION, detail)
    if settings.TRADEOPS_ENV == "mainnet" and not settings.TRADEOPS_ALLOW_MAINNET:
        yield Trouble(Reason.MAINNET_NOT_ALLOWED, "")
    if not settings.USE_TZ or settings.TIME_ZONE != "UTC":
        yield Trouble(Reason.TIME_ZONE_WRONG, f"TIME_ZONE is {settings.TIME_ZONE}.")
    if settings.DEBUG and settings.TRADEOPS_ENV != "paper":
        yield Trouble(Reason.DEBUG_ON, "")


def _sealing() -> Iterator[Trouble]:
    if not settings.SEAL_PUBLIC_KEY and settings.TRADEOPS_ENV != "paper":
        yield Trouble(Reason.SEAL_KEY_MISSING, "")


def _database() -> Iterator[Trouble]:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3") and sqlite3.sqlite_version_info < SAFE_SQLITE:
        is_mainnet = settings.TRADEOPS_ENV == "mainnet"
        reason = Reason.SQLITE_UNSAFE if is_mainnet else Reason.SQLITE_OLD
        yield Trouble(reason, f"It is {sqlite3.sqlite_version}.")
    name = str(database["NAME"]).rsplit("/", maxsplit=1)[-1].lower()
    others = [word for word in ENVIRONMENTS if word in name and word != settings.TRADEOPS_ENV]
    if others and settings.TRADEOPS_ENV not in name:
        detail = f"{name!r} says {others[0]}, this is {settings.TRADEOPS_ENV}."
        yield Trouble(Reason.DATABASE_NAME_FOREIGN, detail)
