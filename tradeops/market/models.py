"""Instruments as the venue describes them."""

from django.db import models

from tradeops.domain.enums import Venue
from tradeops.domain.instrument import InstrumentSpec
from tradeops.kit.db import MoneyField, PriceField, QuantityField


class Instrument(models.Model):
    """Filters of one contract (GET /fapi/v1/exchangeInfo), refreshed by `instruments_sync`."""

    venue = models.CharField(max_length=20, choices=[(v.value, v.value) for v in Venue])
    symbol = models.CharField(max_length=32)
    base_asset = models.CharField(max_length=16)
    quote_asset = models.CharField(max_length=16)
    tick_size = PriceField()
    step_size = QuantityField()
    min_quantity = QuantityField()
    max_quantity = QuantityField()
    market_step_size = QuantityField()
    market_min_quantity = QuantityField()
    market_max_quantity = QuantityField()
    min_notional = MoneyField()
    min_price = PriceField()
    max_price = PriceField()
    multiplier_up = PriceField()
    multiplier_down = PriceField()
    is_trading = models.BooleanField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["venue", "symbol"], name="instrument_unique"),
        ]

    def __str__(self) -> str:
        return self.symbol

    def spec(self) -> InstrumentSpec:
        """The row as the pure rules want it."""
        return InstrumentSpec(
            symbol=self.symbol,
            base_asset=self.base_asset,
            quote_asset=self.quote_asset,
            tick_size=self.tick_size,
            step_size=self.step_size,
            min_quantity=self.min_quantity,
            max_quantity=self.max_quantity,
            market_step_size=self.market_step_size,
            market_min_quantity=self.market_min_quantity,
            market_max_quantity=self.market_max_quantity,
            min_notional=self.min_notional,
            min_price=self.min_price,
            max_price=self.max_price,
            multiplier_up=self.multiplier_up,
            multiplier_down=self.multiplier_down,
            is_trading=self.is_trading,
        )
