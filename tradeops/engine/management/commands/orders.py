"""`manage.py orders`: the newest orders."""

from argparse import ArgumentParser
from typing import Any

from accounts.auth import ALL_SCOPES, Principal, readable_ids
from orders.schemas import OrderFilter, OrderOut
from orders.selectors import orders_of
from tradeops.domain.enums import OrderStatus
from tradeops.engine.console import EngineCommand
from tradeops.kit.paging import page

COLUMNS = (
    "submitted_at",
    "account",
    "symbol",
    "side",
    "type",
    "quantity",
    "filled_quantity",
    "price",
    "trigger_price",
    "average_price",
    "status",
    "id",
)


class Command(EngineCommand):
    """List orders."""

    help = "List orders, newest first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Filters."""
        super().add_arguments(parser)
        parser.add_argument("--symbol")
        parser.add_argument("--status", action="append", choices=list(OrderStatus), default=[])
        parser.add_argument("--limit", type=int, default=20)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Show them."""
        if options["account"] is not None:
            self.account(options)
        names = ("symbol", "status", "limit")
        asked = self.checked(OrderFilter, {name: options[name] for name in names})
        ids = readable_ids(Principal("cli", ALL_SCOPES), options["account"])
        rows = orders_of(ids, symbol=asked.symbol, status=options["status"])
        found, _ = page(rows, time_field="submitted_at", cursor=None, limit=asked.limit)
        shown = [OrderOut.of(row, row.account.name).model_dump(mode="json") for row in found]
        self.show(shown, COLUMNS, options)
