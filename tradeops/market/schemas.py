"""Instruments as the API gives them."""

from datetime import datetime

from ninja import Schema

from tradeops.kit.fields import DecimalText
from tradeops.market.models import Instrument


class InstrumentOut(Schema):
    """Filters of one contract; `market_*` bounds apply to market orders."""

    venue: str
    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: DecimalText
    step_size: DecimalText
    min_quantity: DecimalText
    max_quantity: DecimalText
    market_step_size: DecimalText
    market_min_quantity: DecimalText
    market_max_quantity: DecimalText
    min_notional: DecimalText
    is_trading: bool
    is_allowed: bool
    updated_at: datetime

    @classmethod
    def of(cls, row: Instrument, *, is_allowed: bool) -> "InstrumentOut":
        """The row for the outside; `is_allowed`: this desk trades it."""
        return cls(
            venue=row.venue,
            symbol=row.symbol,
            base_asset=row.base_asset,
            quote_asset=row.quote_asset,
            tick_size=row.tick_size,
            step_size=row.step_size,
            min_quantity=row.min_quantity,
            max_quantity=row.max_quantity,
            market_step_size=row.market_step_size,
            market_min_quantity=row.market_min_quantity,
            market_max_quantity=row.market_max_quantity,
            min_notional=row.min_notional,
            is_trading=row.is_trading,
            is_allowed=is_allowed,
            updated_at=row.updated_at,
        )


class InstrumentList(Schema):
    """All instruments that the venue's exchange information named."""

    items: list[InstrumentOut]
