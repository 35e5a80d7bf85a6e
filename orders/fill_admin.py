"""Fills as the admin shows them: their own list, and below the order that they belong to."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from orders.models import Fill, Order
from tradeops.domain.enums import Side
from tradeops.domain.money import plain
from tradeops.kit.admin import ReadOnlyAdmin, ReadOnlyInline, decimals, moment, page_of
from tradeops.kit.filters import AccountFilter, SymbolFilter


@admin.display(description="Side")
def shown_side(row: Order | Fill) -> str:
    """BUY ▲ or SELL ▼, with a colour."""
    arrow, kind = ("▲", "up") if row.side == Side.BUY else ("▼", "down")
    return format_html('<span class="side-{}">{} {}</span>', kind, row.side, arrow)


class FillInline(ReadOnlyInline):
    """Fills of one order."""

    model = Fill
    ordering = ("traded_at", "id")
    fields = ("at", "shown_quantity", "shown_price", "fee", "pnl", "liquidity", "trade_id")
    readonly_fields = fields
    at = moment("traded_at", "Time")
    shown_quantity = decimals("quantity", "Quantity")
    shown_price = decimals("price", "Price")
    pnl = decimals("realized_pnl", "Realized PnL")

    @admin.display(description="Fee")
    def fee(self, row: Fill) -> str:
        return f"{plain(row.commission)} {row.commission_asset}"


@admin.register(Fill)
class FillAdmin(ReadOnlyAdmin):
    """Executions, newest first."""

    list_display = (
        "at",
        "account",
        "symbol",
        shown_side,
        "shown_quantity",
        "shown_price",
        "fee",
        "pnl",
        "liquidity",
        "trade_id",
        "of_order",
    )
    list_select_related = ("account",)
    list_filter = (
        SymbolFilter,
        ("side", ChoicesDropdownFilter),
        ("liquidity", ChoicesDropdownFilter),
        AccountFilter,
    )
    ordering = ("-traded_at", "id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("account", "symbol"),
                    ("shown_quantity", "shown_price"),
                    ("fee", "pnl"),
                    ("liquidity", "position_side"),
                    ("at", "trade_id"),
                    "of_order",
                )
            },
        ),
    )
    at = moment("traded_at", "Time")
    shown_quantity = decimals("quantity", "Quantity")
    shown_price = decimals("price", "Price")
    pnl = decimals("realized_pnl", "Realized PnL")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Admit the list of one order's fills, which other pages link to."""
        return lookup == "order__id__exact" or super().lookup_allowed(lookup, value, request)

    @admin.display(description="Fee")
    def fee(self, row: Fill) -> str:
        return f"{plain(row.commission)} {row.commission_asset}"

    @admin.display(description="Order")
    def of_order(self, row: Fill) -> str:
        return page_of(Order(pk=row.order_id), str(row.order_id)[:8])
