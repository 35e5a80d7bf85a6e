"""Positions: the sum of fills with unique trade ids (D7)."""

from django.db import models

from tradeops.domain.enums import MarginMode, PositionSide
from tradeops.kit.db import MoneyField, PriceField, QuantityField


class Position(models.Model):
    """One leg. `quantity` is signed; PnL and fees are running sums of the venue's own figures."""

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
    opened_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "symbol"], name="position_account_symbol")]

    def __str__(self) -> str:
        return f"{self.symbol} {self.quantity}"
