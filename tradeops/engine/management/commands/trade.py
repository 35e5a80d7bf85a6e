"""`manage.py trade BUY BTCUSDT --amount 50 --leverage 10`: one order, with a look before it."""

import json
import sys
from argparse import ArgumentParser
from typing import Any, get_args

from orders.requests import OrderIn, ServedTimeInForce, ServedType
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import PositionSide, WorkingType
from tradeops.engine.api.orders import place_order
from tradeops.engine.console import EXIT_REFUSED, EngineCommand, refused_gates
from tradeops.engine.preview import preview_order
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.http import request_hash

COLUMNS = (
    "id",
    "symbol",
    "side",
    "type",
    "status",
    "trigger_price",
    "filled_quantity",
    "average_price",
    "leverage",
)
PREVIEW = ("accepted", "code", "quantity", "notional", "margin", "fee", "liquidation_price")


class Command(EngineCommand):
    """Place one order."""

    help = "Place one order and wait for its outcome."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The order, as POST /orders takes it."""
        super().add_arguments(parser)
        parser.add_argument("side", choices=("BUY", "SELL"))
        parser.add_argument("symbol")
        size = parser.add_mutually_exclusive_group()
        size.add_argument("--amount", help="margin in USDT; notional = amount x leverage")
        size.add_argument("--notional", help="value in USDT")
        size.add_argument("--quantity", help="base units")
        size.add_argument(
            "--close-position", action="store_true", help="whatever is held when it triggers"
        )
        parser.add_argument("--leverage", type=int)
        parser.add_argument("--type", choices=get_args(ServedType), default="MARKET")
        parser.add_argument("--price", help="of LIMIT, STOP and TAKE_PROFIT")
        parser.add_argument("--time-in-force", choices=get_args(ServedTimeInForce))
        parser.add_argument("--good-till", help="end of a GTD order, such as 2026-11-20T18:00:00Z")
        parser.add_argument("--reduce-only", action="store_true")
        parser.add_argument("--position-side", choices=list(PositionSide), default="BOTH")
        trigger = parser.add_argument_group("conditional orders")
        trigger.add_argument("--trigger-price", help="where STOP* and TAKE_PROFIT* wake up")
        trigger.add_argument("--working-type", choices=list(WorkingType), help="watched price")
        trigger.add_argument("--callback-rate", help="percent, of a TRAILING_STOP_MARKET")
        trigger.add_argument("--activation-price", help="where a trailing stop begins")
        parser.add_argument("--key", help="idempotency key: the same one sends nothing twice")
        parser.add_argument("--dry-run", action="store_true", help="show the gates, send nothing")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Preview, confirm, send, show."""
        fields = {name: options.get(name) for name in OrderIn.model_fields}
        body = self.checked(OrderIn, fields | {"account": None})
        account = self.account(options)
        ask = self.ask(
            "trade",
            key=options["key"],
            body_hash=request_hash({**body.model_dump(mode="json"), "account": account.pk}),
        )
        if options["dry_run"] or not options["yes"]:
            self._preview(account.pk, body.command(), options)
        if options["dry_run"]:
            return
        self.confirm(f"{body.side} {body.symbol} on {account.name}?", options)
        answer = self.asked(lambda: place_order(ask, account, body))
        self.end(answer, COLUMNS, options)

    def _preview(self, account_id: int, command: PlaceOrder, options: dict[str, Any]) -> None:
        """Show what would become of the order; a dry run of a refused one leaves with 4."""
        found = preview_order(account_id=account_id, command=command, now=SYSTEM_CLOCK.now())
        if options["json"] and options["dry_run"]:
            self.stdout.write(json.dumps(found))
        else:
            # With --json stdout is for the outcome alone.
            self.table([found], PREVIEW, on_stderr=options["json"])
            out = self.stderr if options["json"] else self.stdout
            for line in refused_gates(found["verdicts"]):
                out.write(line)
        if options["dry_run"] and not found["accepted"]:
            sys.exit(EXIT_REFUSED)
