"""What the desk allows, and whether it is open for business."""

from django.db import models

from tradeops.domain.enums import EngineState
from tradeops.kit.db import MoneyField


class LimitMetric(models.TextChoices):
    """What a limit bounds; values in USDT."""

    MAX_ORDER_NOTIONAL = "max_order_notional", "Notional of one order"
    MAX_POSITION_NOTIONAL = "max_position_notional", "Notional of one position"


class RiskLimit(models.Model):
    """An upper bound; the narrowest scope that matches an order applies.

    Narrowest first: account and symbol, account, symbol, all.
    """

    account = models.ForeignKey(
        "accounts.ExchangeAccount", null=True, blank=True, on_delete=models.PROTECT
    )
    symbol = models.CharField(max_length=32, blank=True)
    metric = models.CharField(max_length=32, choices=LimitMetric.choices)
    value = MoneyField()
    is_enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField()
    updated_by = models.CharField(max_length=80)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "symbol", "metric"], name="risk_limit_account_unique"
            ),
            models.UniqueConstraint(
                fields=["symbol", "metric"],
                condition=models.Q(account=None),
                name="risk_limit_desk_unique",
            ),
        ]

    def __str__(self) -> str:
        scope = f"{self.account or 'all accounts'}, {self.symbol or 'all symbols'}"
        return f"{self.get_metric_display()}, {scope}"


class EngineStatus(models.Model):
    """Whether a scope may open: a projection.

    `scope` is "all", "account:1" or "symbol:1:BTCUSDT" where people decide, or one of the
    holds that the system places and lifts itself (`risk.domain.holds`).
    """

    scope = models.CharField(primary_key=True, max_length=60)
    account_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=[(s.value, s.value) for s in EngineState])
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=80)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "engine statuses"

    def __str__(self) -> str:
        return f"{self.scope} {self.state}"
