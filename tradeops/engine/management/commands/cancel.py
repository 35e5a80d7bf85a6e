"""`manage.py cancel <order id>`, or everything that rests for a symbol."""

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
    """Cancel one order, or all of a symbol."""

    help = "Cancel one order, or with --symbol everything that rests for it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which ones, and why."""
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("order", nargs="?", type=UUID, help="id of the order")
        which.add_argument("--symbol", help="cancel everything that rests for it")
        parser.add_argument("--reason", default="")
        parser.add_argument("--confirm", default="", help='for --symbol: "cancel <symbol>"')

    def handle(self, *_args: Any, **options: Any) -> None:
        """Cancel and show what became of it."""
        if options["symbol"]:
            self._cancel_all(options)
            return
        try:
            order = own_order(Principal("cli", ALL_SCOPES), options["order"])
        except TradeOpsError as error:
            raise CommandError(error.detail, returncode=EXIT_USAGE) from error
        answer = cancel_order(self.ask("cancel"), order, reason=options["reason"])
        self.end(answer, COLUMNS, options)

    def _cancel_all(self, options: dict[str, Any]) -> None:
        phrase = f"cancel {options['symbol']}"
        if options["confirm"] != phrase:
            message = f'This cancels every resting order: add --confirm "{phrase}".'
            raise CommandError(message, returncode=EXIT_USAGE)
        symbol, account = self.symbol(options["symbol"]), self.account(options)
        answer = cancel_all(self.ask("cancel"), account, symbol, reason=options["reason"])
        self.end(answer, ALL_COLUMNS, options)
