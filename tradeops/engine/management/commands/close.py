"""`manage.py close BTCUSDT --reason …`: end a position, or a fraction of it, at the market."""

from argparse import ArgumentParser
from typing import Any

from positions.schemas import CloseIn
from tradeops.engine.api.positions import close_position
from tradeops.engine.console import EngineCommand

COLUMNS = ("id", "symbol", "side", "status", "filled_quantity", "average_price", "realized_pnl")


class Command(EngineCommand):
    """Close a position."""

    help = "Close a position, or a fraction of it, by a reduce-only market order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which, how much, why."""
        super().add_arguments(parser)
        parser.add_argument("symbol")
        parser.add_argument("--fraction", default="1", help="above 0 and at most 1")
        parser.add_argument("--reason", required=True)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Confirm, close, show."""
        values = {"fraction": options["fraction"], "reason": options["reason"]}
        body = self.checked(CloseIn, values)
        symbol = self.symbol(options["symbol"])
        account = self.account(options)
        question = f"Close {body.fraction} of {symbol} on {account.name}?"
        self.confirm(question, options)
        answer = close_position(self.ask("close"), account, symbol, body)
        self.end(answer, COLUMNS, options)
