"""What may be traded and on which grid."""

from dataclasses import dataclass
from decimal import Decimal

from tradeops.domain.money import ZERO


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """Filters of one linear contract; prices and notionals in quote, quantities in base.

    `market_*` bounds apply to MARKET orders. Source: GET /fapi/v1/exchangeInfo.
    """

    symbol: str
    base_asset: str
    quote_asset: str
    tick_size: Decimal
    step_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    market_step_size: Decimal
    market_min_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    min_price: Decimal = ZERO
    max_price: Decimal = ZERO
    multiplier_up: Decimal = ZERO
    multiplier_down: Decimal = ZERO
    is_trading: bool = True

    def notional(self, quantity: Decimal, price: Decimal) -> Decimal:
        """|quantity| x price, in quote."""
        return abs(quantity) * price
