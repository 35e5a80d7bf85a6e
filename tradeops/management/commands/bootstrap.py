"""`manage.py bootstrap`: bring the database of a deployment to where a start may begin.

Idempotent: what is there already is left alone. Prints one line of JSON on stdout,
`{"operator": name, "password": one-time password or null}`; everything else goes to stderr.
"""

import json
import secrets
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.models import ExchangeAccount
from accounts.services.account_create import create_account
from risk.models import LimitMetric, RiskLimit
from risk.services.limit_change import change_limit
from tradeops.domain.enums import Source
from tradeops.exchange.errors import ExchangeError
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.market.services.instruments_sync import sync_instruments
from tradeops.schedule import install_periods

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
        """Take no argument."""

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run every step in order."""
        now = SYSTEM_CLOCK.now()
        call_command("migrate", interactive=False, verbosity=0)
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
