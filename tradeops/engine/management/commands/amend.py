"""`manage.py amend <order id> --price …`: another quantity or price for a resting LIMIT order."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from accounts.auth import ALL_SCOPES, Principal
from orders.requests import AmendIn
from tradeops.domain.errors import TradeOpsError
from tradeops.domain.money import plain
from tradeops.engine.api.orders import amend_order, own_order
from tradeops.engine.console import EXIT_USAGE, EngineCommand
from tradeops.kit.http import request_hash

COLUMNS = ("id", "symbol", "side", "status", "quantity", "price", "filled_quantity")


class Command(EngineCommand):
    """Amend one order."""

    help = "Change quantity, price or both of a resting LIMIT order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which one, and how it shall be."""
        super().add_arguments(parser)
        parser.add_argument("order", type=UUID, help="id of the order")
        parser.add_argument("--quantity", help="base units in all, filled ones included")
        parser.add_argument("--price")
        parser.add_argument("--reason", default="")
        parser.add_argument("--key", help="idempotency key: the same one sends nothing twice")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Confirm, amend, show."""
        body = self.checked(AmendIn, {name: options[name] for name in AmendIn.model_fields})
        try:
            order = own_order(Principal("cli", ALL_SCOPES), options["order"])
        except TradeOpsError as error:
            raise CommandError(error.detail, returncode=EXIT_USAGE) from error
        wanted = {"order": str(order.pk), **body.model_dump(mode="json")}
        ask = self.ask("amend", key=options["key"], body_hash=request_hash(wanted))
        quantity, price = body.quantity or order.quantity, body.price or order.price
        shown = f"{plain(quantity)} at {plain(price) if price else 'the market'}"
        self.confirm(f"Make {order} of {order.account.name} {shown}?", options)
        answer = self.asked(lambda: amend_order(ask, order, body))
        self.end(answer, COLUMNS, options)
