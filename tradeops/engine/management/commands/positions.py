"""`manage.py positions`: what is held, at the last mark prices."""

from typing import Any

from accounts.auth import ALL_SCOPES, Principal, readable_ids
from positions.schemas import PositionOut
from positions.selectors import open_positions
from tradeops.engine.console import EngineCommand
from tradeops.market.cache import marks

COLUMNS = (
    "account",
    "symbol",
    "direction",
    "quantity",
    "entry_price",
    "mark_price",
    "unrealized_pnl",
    "realized_pnl",
    "leverage",
    "margin_mode",
    "isolated_margin",
    "adl_quantile",
)


class Command(EngineCommand):
    """List open positions."""

    help = "List open positions."

    def handle(self, *_args: Any, **options: Any) -> None:
        """Show them."""
        if options["account"] is not None:
            self.account(options)
        rows = open_positions(readable_ids(Principal("cli", ALL_SCOPES), options["account"]))
        prices = {symbol: mark.mark_price for symbol, mark in marks(_symbols(rows)).items()}
        shown = [
            PositionOut.of(row, prices.get(row.symbol)).model_dump(mode="json") for row in rows
        ]
        self.show(shown, COLUMNS, options)


def _symbols(rows: Any) -> list[str]:
    return sorted({row.symbol for row in rows})
