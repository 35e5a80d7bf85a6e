"""Instruments as the venue describes them."""

from django.contrib import admin

from tradeops.kit.admin import ReadOnlyAdmin, decimals, moment
from tradeops.market.models import Instrument


@admin.register(Instrument)
class InstrumentAdmin(ReadOnlyAdmin):
    """Filters of each contract; refreshed by the market task."""

    account_field = ""
    list_display = ("symbol", "venue", "is_trading", "tick", "step", "least", "notional", "updated")
    list_filter = ("is_trading",)
    search_fields = ("symbol__istartswith",)
    ordering = ("symbol", "id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("symbol", "venue"),
                    ("base_asset", "quote_asset"),
                    ("is_trading", "updated"),
                )
            },
        ),
        ("Price", {"fields": (("tick", "lowest", "highest"), ("up", "down"))}),
        (
            "Quantity",
            {
                "fields": (
                    ("step", "least", "most"),
                    ("market_step", "market_least", "market_most"),
                    "notional",
                )
            },
        ),
    )
    tick = decimals("tick_size", "Tick")
    lowest = decimals("min_price", "Lowest price")
    highest = decimals("max_price", "Highest price")
    up = decimals("multiplier_up", "Multiplier up")
    down = decimals("multiplier_down", "Multiplier down")
    step = decimals("step_size", "Step")
    least = decimals("min_quantity", "Min quantity")
    most = decimals("max_quantity", "Max quantity")
    market_step = decimals("market_step_size", "Step, market orders")
    market_least = decimals("market_min_quantity", "Min quantity, market orders")
    market_most = decimals("market_max_quantity", "Max quantity, market orders")
    notional = decimals("min_notional", "Min notional")
    updated = moment("updated_at", "Updated")
