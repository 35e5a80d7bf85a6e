"""`manage.py bootstrap`: bring the database of a deployment to where a start may begin.

Idempotent, and harmless beside a running system: what is there already is left alone, and a
migration that does not get its lock soon lets the others pass and tries again. Prints one line of
JSON on stdout, `{"operator": name, "password": one-time password or null}`; all else on stderr.
"""

import json
import secrets
import threading
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection

from accounts.models import ExchangeAccount
from accounts.services.account_create import create_account
from risk.models import LimitMetric, RiskLimit
from risk.services.limit_change import change_limit
from tradeops.deployment import seal_canary
from tradeops.domain.enums import Source
from tradeops.domain.reasons import REASONS, Reason
from tradeops.exchange.errors import ExchangeError
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.market.services.instruments_sync import sync_instruments
from tradeops.schedule import install_periods

LOCK_TRIES = 10
LOCK_PAUSE_S = 1.0
LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL
OPERATOR = "operator"
ACTOR = "bootstrap"
# The paper venue's own documented accounts: its keys open nothing but the play money.
PAPER_ACCOUNTS = ("main", "second")
# USDT, for all accounts until the desk sets its own.
FIRST_LIMITS = {
    "paper": {
        LimitMetric.MAX_ORDER_NOTIONAL: "50000",
        LimitMetric.MAX_POSITION_NOTIONAL: "100000",
    },
    "other": {
        LimitMetric.MAX_ORDER_NOTIONAL: "500",
        LimitMetric.MAX_POSITION_NOTIONAL: "1000",
    },
}


class Command(BaseCommand):
    """Migrate, then make what a new desk needs."""

    help = "Migrate, and make the first operator, accounts, limits and periods where missing."
    requires_system_checks = "__all__"
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do when the private seal key is lost for good."""
        parser.add_argument(
            "--seal-key-lost",
            action="store_true",
            help="begin with SEAL_PUBLIC_KEY as it is now: every venue key must be entered again",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run every step in order."""
        now = SYSTEM_CLOCK.now()
        if not settings.SEAL_PUBLIC_KEY:
            entry = REASONS[Reason.SEAL_KEY_MISSING]
            raise CommandError(f"{Reason.SEAL_KEY_MISSING}: {entry.meaning} {entry.remedy}")
        migrate(self.stderr.write)
        seal_canary(is_old_key_lost=options["seal_key_lost"])
        name, password = first_operator()
        for account, api_key, api_secret in wanted_accounts():
            if not ExchangeAccount.objects.filter(name=account).exists():
                create_account(
                    name=account, api_key=api_key, api_secret=api_secret, actor=ACTOR, now=now
                )
        first_limits(now)
        install_periods()
        try:
            sync_instruments(now=now)
        except (ExchangeError, TimeoutError) as error:  # the periodic task tries again
            self.stderr.write(f"The venue's instruments are not known yet: {error}")
        self.stdout.write(json.dumps({"operator": name, "password": password}))


def migrate(tell: Callable[[str], object]) -> None:
    """Apply what is missing; after each lock that was not free in time, wait and try again.

    Raises:
        CommandError: with the number of what does not fit, or when the lock never was free.
    """
    pause = threading.Event()
    for left in reversed(range(LOCK_TRIES)):
        try:
            call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                raise
            connection.close()
            if left == 0:
                raise CommandError(f"A table was never free to be migrated: {error}") from error
            tell(f"A table is in use, {left} more tries: {error}")
            pause.wait(LOCK_PAUSE_S)
        else:
            return


def first_operator() -> tuple[str, str | None]:
    """Return the first operator's name, and the password when this call made the operator."""
    users = get_user_model().objects
    existing = users.filter(is_superuser=True).order_by("pk").first()
    if existing is not None:
        return existing.get_username(), None
    password = secrets.token_urlsafe(12)
    users.create_superuser(OPERATOR, password=password)
    return OPERATOR, password


def wanted_accounts() -> list[tuple[str, str, str]]:
    """Return name, key and secret of the accounts that this deployment should start with."""
    if settings.TRADEOPS_ENV == "paper":
        return [(name, f"paper-{name}-key", f"paper-{name}-secret") for name in PAPER_ACCOUNTS]
    if settings.BINANCE_API_KEY and settings.BINANCE_API_SECRET:
        return [("main", settings.BINANCE_API_KEY, settings.BINANCE_API_SECRET)]
    return []


def first_limits(now: datetime) -> None:
    """Bound orders and positions of a desk that has no limit at all."""
    if RiskLimit.objects.exists():
        return
    limits = FIRST_LIMITS["paper" if settings.TRADEOPS_ENV == "paper" else "other"]
    for metric, value in limits.items():
        change_limit(
            limit_id=None,
            changes={"metric": metric.value, "value": value},
            actor=ACTOR,
            source=Source.CLI,
            reason="first start",
            now=now,
        )
