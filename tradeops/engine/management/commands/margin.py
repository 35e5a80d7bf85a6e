"""`manage.py margin mode|add|remove|leverage BTCUSDT …`: how a symbol is backed."""

from argparse import ArgumentParser
from typing import Any

from positions.schemas import LeverageIn, MarginIn, MarginModeIn
from tradeops.domain.enums import MarginMode, PositionSide
from tradeops.engine.api.asking import Answer
from tradeops.engine.api.positions import change_margin, set_leverage, set_margin_mode
from tradeops.engine.console import EngineCommand
from tradeops.kit.http import request_hash

COLUMNS = ("id", "symbol", "status", "result")


class Command(EngineCommand):
    """Set margin mode, isolated margin and leverage of a symbol."""

    help = "Set the margin mode or the leverage of a symbol, or move isolated margin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to set, and to what."""
        super().add_arguments(parser)
        parser.add_argument("what", choices=("mode", "leverage", "add", "remove"))
        parser.add_argument("symbol")
        parser.add_argument("value", help=f"{'|'.join(MarginMode)}, a leverage, or an amount")
        parser.add_argument("--position-side", choices=list(PositionSide), default="BOTH")
        parser.add_argument("--key", help="idempotency key: the same one moves nothing twice")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Confirm, ask, show."""
        what, symbol = options["what"], self.symbol(options["symbol"])
        body = self._body(options)
        account = self.account(options)
        wanted = {"symbol": symbol, "account": account.pk, **body.model_dump(mode="json")}
        ask = self.ask("margin", key=options["key"], body_hash=request_hash(wanted))
        self.confirm(f"{what} {symbol} {options['value']} on {account.name}?", options)

        def submit() -> Answer:
            if isinstance(body, MarginModeIn):
                return set_margin_mode(ask, account, symbol, body.margin_mode)
            if isinstance(body, LeverageIn):
                return set_leverage(ask, account, symbol, body.leverage)
            return change_margin(ask, account, symbol, body)

        self.end(self.asked(submit), COLUMNS, options)

    def _body(self, options: dict[str, Any]) -> MarginModeIn | LeverageIn | MarginIn:
        value: str = options["value"]
        if options["what"] == "mode":
            return self.checked(MarginModeIn, {"margin_mode": value})
        if options["what"] == "leverage":
            number = int(value) if value.isdecimal() else value
            return self.checked(LeverageIn, {"leverage": number})
        fields = {
            "amount": value,
            "direction": options["what"].upper(),
            "position_side": options["position_side"],
        }
        return self.checked(MarginIn, fields)
