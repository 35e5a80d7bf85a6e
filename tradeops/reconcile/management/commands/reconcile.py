"""`manage.py reconcile`: compare with the venue now, on this terminal.

Exit codes: 0 both sides agree · 1 error · 3 they differ · 5 venue unreachable.
"""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from accounts.models import ExchangeAccount
from tradeops.domain.errors import TradeOpsError
from tradeops.exchange.errors import ExchangeError
from tradeops.reconcile import selectors
from tradeops.reconcile.services.account_reconcile import Scope
from tradeops.reconcile.services.reconcile_now import reconcile_now

SCOPES = ("orders", "strangers", "positions", "balances", "income", "settings", "all")
TRIGGER = "cli"
EXIT_DRIFT = 3
EXIT_VENUE = 5


class Command(BaseCommand):
    """Compare accounts with their venue, take over what it knows, list what differs."""

    help = "Compare accounts with their venue, take over what it knows, list what differs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which accounts, how much, in which shape."""
        parser.add_argument("--account", help="name or id; default: every active account")
        parser.add_argument("--scope", choices=SCOPES, default="all")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Compare, print, and leave with the exit code of the worst finding."""
        rows = [_compare(account, options["scope"]) for account in _accounts(options["account"])]
        if options["json"]:
            for row in rows:
                self.stdout.write(json.dumps(row))
        else:
            Console(file=sys.stdout).print(_table(rows))
        if any(row["error"] for row in rows):
            sys.exit(EXIT_VENUE)
        if any(row["drifts"] for row in rows):
            sys.exit(EXIT_DRIFT)


def _accounts(wanted: str | None) -> list[ExchangeAccount]:
    if wanted is None:
        return list(
            ExchangeAccount.objects.filter(pk__in=selectors.active_account_ids()).order_by("pk")
        )
    by = {"pk": int(wanted)} if wanted.isascii() and wanted.isdigit() else {"name": wanted}
    account = ExchangeAccount.objects.filter(**by).first()
    if account is None:
        message = f"There is no account {wanted}."
        raise CommandError(message)
    return [account]


def _compare(account: ExchangeAccount, scope: Scope) -> dict[str, Any]:
    row: dict[str, Any] = {"account": account.name, "scope": scope, "healed": 0, "error": ""}
    try:
        result = reconcile_now(account.pk, scope=scope, trigger=TRIGGER)
        row |= {"healed": result.healed, "error": result.error}
    except ExchangeError as error:
        row["error"] = f"{type(error).__name__}: {error}"
    except TradeOpsError as error:
        message = f"{account.name}: {error}"
        raise CommandError(message) from error
    row["drifts"] = [
        {
            "kind": drift.kind,
            "subject": drift.subject,
            "status": drift.status,
            "local": drift.local,
            "venue": drift.venue,
            "first_seen_at": drift.first_seen_at.isoformat(),
        }
        for drift in selectors.open_drifts(account.pk)
    ]
    return row


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("account", "scope", "healed", "drift", "here", "venue")
    for row in rows:
        head = (row["account"], row["scope"], str(row["healed"]))
        if row["error"]:
            table.add_row(*head, f"venue unreachable: {row['error']}", "", "")
        elif not row["drifts"]:
            table.add_row(*head, "none", "", "")
        for drift in row["drifts"]:
            table.add_row(
                *head,
                f"{drift['kind']} {drift['subject']} {drift['status']}",
                json.dumps(drift["local"]),
                json.dumps(drift["venue"]),
            )
    return table
