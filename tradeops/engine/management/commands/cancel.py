"""`manage.py cancel <order id>`, or everything that rests for a symbol or an account."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from accounts.auth import ALL_SCOPES, Principal
from tradeops.domain.errors import TradeOpsError
from tradeops.engine.api.orders import cancel_all, cancel_order, own_order
from tradeops.engine.console import EXIT_USAGE, EngineCommand

COLUMNS = ("id", "symbol", "side", "status", "filled_quantity")
ALL_COLUMNS = ("id", "symbol", "status", "result")


class Command(EngineCommand):
    """Cancel one order, all of a symbol, or all of an account."""

    help = "Cancel one order, or with --symbol or --all everything that rests or waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which ones, and why."""
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("order", nargs="?", type=UUID, help="id of the order")
        which.add_argument("--symbol", help="cancel everything that rests for it")
        which.add_argument("--all", action="store_true", help="cancel everything of the account")
        parser.add_argument("--reason", default="")
        parser.add_argument("--confirm", default="", help='"cancel <symbol>", "cancel <account>"')

    def handle(self, *_args: Any, **options: Any) -> None:
        """Cancel and show what became of it."""
        if options["symbol"] or options["all"]:
            self._cancel_all(options)
            return
        try:
            order = own_order(Principal("cli", ALL_SCOPES), options["order"])
        except TradeOpsError as error:
            raise CommandError(error.detail, returncode=EXIT_USAGE) from error
        answer = cancel_order(self.ask("cancel"), order, reason=options["reason"])
        self.end(answer, COLUMNS, options)

    def _cancel_all(self, options: dict[str, Any]) -> None:
        account = self.account(options)
        symbol = self.symbol(options["symbol"]) if options["symbol"] else ""
        phrase = f"cancel {symbol or account.name}"
        if options["confirm"] != phrase:
            message = f'This cancels every resting order: add --confirm "{phrase}".'
            raise CommandError(message, returncode=EXIT_USAGE)
        answer = cancel_all(self.ask("cancel"), account, symbol, reason=options["reason"])
        self.end(answer, ALL_COLUMNS, options)
