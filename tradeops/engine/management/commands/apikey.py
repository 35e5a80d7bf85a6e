"""`manage.py apikey create|list|revoke`: keys of programs. A key is shown once."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandError

from accounts.models import ApiToken
from accounts.services.api_token_create import SCOPES, create_api_token
from accounts.services.api_token_revoke import revoke_api_token
from tradeops.domain.errors import TradeOpsError
from tradeops.engine.console import EXIT_USAGE, EngineCommand
from tradeops.kit.clock import SYSTEM_CLOCK

COLUMNS = ("prefix", "name", "owner", "scopes", "accounts", "expires_at", "revoked_at")
MAX_DAYS, MAX_DIGITS = 3650, 4


class Command(EngineCommand):
    """Create, list and revoke API keys."""

    help = "Create, list and revoke API keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One verb, and what it needs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a key and show it, once")
        create.add_argument("name")
        create.add_argument("--scope", action="append", choices=SCOPES, required=True)
        create.add_argument("--owner", help="operator's name; the first administrator when absent")
        create.add_argument("--account", action="append", default=[], help="only this; repeatable")
        create.add_argument("--network", action="append", default=[], help="only from; repeatable")
        create.add_argument("--writes-per-minute", type=int)
        create.add_argument("--days", type=_days, help="ends after so many days")
        revoke = verbs.add_parser("revoke", help="end a key for good")
        revoke.add_argument("prefix")
        revoke.add_argument("--reason", default="")
        for parser_ in (create, revoke, verbs.add_parser("list", help="show all keys")):
            parser_.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it."""
        try:
            if options["verb"] == "create":
                self._create(options)
            elif options["verb"] == "revoke":
                actor = self.ask("apikey").principal.name
                row = revoke_api_token(
                    prefix=options["prefix"],
                    actor=actor,
                    now=SYSTEM_CLOCK.now(),
                    reason=options["reason"],
                )
                self.show([_row(row)], COLUMNS, options)
            else:
                rows = ApiToken.objects.select_related("owner").prefetch_related("accounts")
                self.show([_row(row) for row in rows.order_by("pk")], COLUMNS, options)
        except TradeOpsError as error:
            raise CommandError(error.detail, returncode=EXIT_USAGE) from error

    def _create(self, options: dict[str, Any]) -> None:
        now = SYSTEM_CLOCK.now()
        row, key = create_api_token(
            name=options["name"],
            owner=_owner(options["owner"]),
            scopes=options["scope"],
            accounts=[self.account({"account": name}) for name in options["account"]],
            allowed_networks=options["network"],
            writes_per_minute=options["writes_per_minute"],
            expires_at=now + timedelta(days=options["days"]) if options["days"] else None,
            actor=self.ask("apikey").principal.name,
            now=now,
        )
        self.show([{**_row(row), "key": key}], (*COLUMNS[:-1], "key"), options)


def _days(text: str) -> int:
    days = int(text) if text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS else 0
    if not 0 < days <= MAX_DAYS:
        raise ArgumentTypeError(f"a key ends after 1 to {MAX_DAYS} days, or never")
    return days


def _owner(name: str | None) -> User:
    rows = User.objects.filter(is_active=True)
    rows = rows.filter(is_superuser=True) if name is None else rows.filter(username=name)
    owner = rows.order_by("pk").first()
    if owner is None:
        message = f"There is no operator {name or 'with every right'}."
        raise CommandError(message, returncode=EXIT_USAGE)
    return owner


def _row(row: ApiToken) -> dict[str, Any]:
    return {
        "prefix": row.prefix,
        "name": row.name,
        "owner": row.owner.get_username(),
        "scopes": " ".join(row.scopes),
        "accounts": " ".join(account.name for account in row.accounts.all()) or "all",
        "allowed_networks": " ".join(row.allowed_networks),
        "writes_per_minute": row.writes_per_minute,
        "expires_at": row.expires_at.isoformat() if row.expires_at else None,
        "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
    }
