"""Orders and fills: projections of the journal."""

from django.db import models

from tradeops.domain.enums import (
    CONDITIONAL_TYPES,
    LiquidityRole,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)
from tradeops.kit.db import MoneyField, PriceField, QuantityField


def _choices(vocabulary: type) -> list[tuple[str, str]]:
    return [(item.value, item.value) for item in vocabulary]  # type: ignore[attr-defined]  # StrEnum


OPEN_STATUSES = (
    OrderStatus.NEW,
    OrderStatus.SUBMITTED,
    OrderStatus.ACKNOWLEDGED,
    OrderStatus.PARTIALLY_FILLED,
)
# The venue filled further than the booked fills say. Both columns are canonical text on SQLite and
# numerics on PostgreSQL: equality is exact.
UNBOOKED = ~models.Q(venue_filled_quantity=models.F("filled_quantity"))


class Order(models.Model):
    """An intent at the venue. The id is the command's, or derived for external orders."""

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(
        "accounts.ExchangeAccount", on_delete=models.PROTECT, related_name="orders"
    )
    client_order_id = models.CharField(max_length=64)
    venue_order_id = models.CharField(max_length=32, blank=True)
    command_id = models.UUIDField(null=True)
    symbol = models.CharField(max_length=32)
    side = models.CharField(max_length=4, choices=_choices(Side))
    order_type = models.CharField(max_length=24, choices=_choices(OrderType))
    time_in_force = models.CharField(max_length=6, blank=True, choices=_choices(TimeInForce))
    position_side = models.CharField(max_length=5, choices=_choices(PositionSide))
    reduce_only = models.BooleanField(default=False)
    close_position = models.BooleanField(default=False, db_default=False)
    algo_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    trigger_price = PriceField(null=True)
    working_type = models.CharField(
        max_length=16, blank=True, choices=_choices(WorkingType), default="", db_default=""
    )
    callback_rate = QuantityField(null=True)
    activation_price = PriceField(null=True)
    good_till = models.DateTimeField(null=True)
    triggered_at = models.DateTimeField(null=True)
    is_external = models.BooleanField(default=False)
    quantity = QuantityField()
    price = PriceField(null=True)
    reference_price = PriceField(null=True)
    leverage = models.PositiveSmallIntegerField(null=True)
    status = models.CharField(max_length=16, choices=_choices(OrderStatus))
    venue_filled_quantity = QuantityField()
    filled_quantity = QuantityField()
    filled_notional = MoneyField()
    commission = MoneyField()
    realized_pnl = MoneyField()
    reason = models.CharField(max_length=200, blank=True)
    exchange_code = models.IntegerField(default=0)
    verdicts = models.JSONField(default=list)
    submitted_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["account", "-submitted_at"], name="order_account_newest"),
            models.Index(fields=["-submitted_at", "id"], name="order_newest"),
            models.Index(fields=["account", "venue_order_id"], name="order_venue_id"),
            # Open orders, of one account and of all. Not partial: SQLite does not see that bound
            # parameters fit an index's condition, and reads the whole table instead.
            models.Index(fields=["account", "status"], name="order_account_status"),
            models.Index(fields=["status", "-submitted_at"], name="order_status_newest"),
            models.Index(fields=["symbol", "-submitted_at"], name="order_symbol_newest"),
            # A condition without parameters is seen by SQLite as well. It holds few rows, of all
            # accounts: ask for them by UNBOOKED alone, a second condition finds a worse index.
            models.Index(fields=["submitted_at"], condition=UNBOOKED, name="order_unbooked"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} {self.status}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_conditional(self) -> bool:
        """Whether the venue keeps it in the service of conditional orders (F5)."""
        return self.order_type in CONDITIONAL_TYPES


class Fill(models.Model):
    """One execution. `commission` > 0 is a cost."""

    id = models.UUIDField(primary_key=True, editable=False)
    account = models.ForeignKey(
        "accounts.ExchangeAccount", on_delete=models.PROTECT, related_name="fills"
    )
    order = models.ForeignKey(
        Order, on_delete=models.PROTECT, related_name="fills", db_constraint=False
    )
    symbol = models.CharField(max_length=32)
    trade_id = models.BigIntegerField()
    side = models.CharField(max_length=4, choices=_choices(Side))
    position_side = models.CharField(max_length=5, choices=_choices(PositionSide))
    price = PriceField()
    quantity = QuantityField()
    commission = MoneyField()
    commission_asset = models.CharField(max_length=16)
    realized_pnl = MoneyField()
    liquidity = models.CharField(max_length=5, choices=_choices(LiquidityRole))
    traded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "symbol", "trade_id"], name="fill_trade_id_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["-traded_at", "id"], name="fill_newest"),
            models.Index(fields=["account", "-traded_at"], name="fill_account_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} @ {self.price}"


class TradeCursor(models.Model):
    """Up to which trade id REST has confirmed the fills of a symbol, without a gap."""

    account = models.ForeignKey("accounts.ExchangeAccount", on_delete=models.PROTECT)
    symbol = models.CharField(max_length=32)
    trade_id = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "symbol"], name="trade_cursor_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} up to {self.trade_id}"
