"""Positions: the sum of fills with unique trade ids (D7)."""

from django.db import models

from tradeops.domain.enums import MarginMode, PositionSide
from tradeops.domain.money import ZERO
from tradeops.kit.db import MoneyField, PriceField, QuantityField


class Position(models.Model):
    """One leg. `quantity` is signed; PnL and fees are running sums of the venue's own figures.

    Quantity = sum of the signed fills + `adjusted_quantity` (I3).
    """

    id = models.CharField(primary_key=True, max_length=64)
    account = models.ForeignKey(
        "accounts.ExchangeAccount", on_delete=models.PROTECT, related_name="positions"
    )
    symbol = models.CharField(max_length=32)
    position_side = models.CharField(
        max_length=5, choices=[(s.value, s.value) for s in PositionSide]
    )
    quantity = QuantityField()
    entry_price = PriceField()
    realized_pnl = MoneyField()
    commission = MoneyField()
    leverage = models.PositiveSmallIntegerField(null=True)
    margin_mode = models.CharField(
        max_length=8, blank=True, choices=[(m.value, m.value) for m in MarginMode]
    )
    isolated_margin = MoneyField(null=True)
    adl_quantile = models.PositiveSmallIntegerField(null=True)
    last_trade_id = models.BigIntegerField(default=0)
    # Taken over from the venue without a fill, as long as the fill is missing; see Adjustment.
    adjusted_quantity = QuantityField(default=ZERO, db_default=ZERO)
    adjusted_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "symbol"], name="position_account_symbol")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.quantity}"


class Adjustment(models.Model):
    """A quantity that an operator took over from the venue because no fill explains it (F25).

    It stands for whatever was traded up to `adjusted_at` and is not booked: each such fill that
    arrives later is taken off `remaining`. In the leg's history it follows `after_trade_id`.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey("accounts.ExchangeAccount", on_delete=models.PROTECT)
    drift_id = models.UUIDField()
    symbol = models.CharField(max_length=32)
    position_side = models.CharField(
        max_length=5, choices=[(s.value, s.value) for s in PositionSide]
    )
    quantity = QuantityField()
    remaining = QuantityField()
    entry_price = PriceField()
    after_trade_id = models.BigIntegerField()
    adjusted_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "symbol"], name="adjustment_account_symbol")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.quantity} without a fill"
