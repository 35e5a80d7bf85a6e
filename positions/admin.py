"""Positions to look at, with the mark prices of now, and to ask for a smaller one."""

from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action
from unfold.views import ChangeList

from orders.models import Fill, Order
from positions.models import Position
from tradeops.domain.commands import ClosePosition
from tradeops.domain.enums import PositionSide
from tradeops.domain.errors import TradeOpsError
from tradeops.domain.money import ONE, ZERO, plain, round_money
from tradeops.journal.admin import ask
from tradeops.kit.admin import (
    EMPTY,
    Answer,
    Question,
    ReadOnlyAdmin,
    confirm,
    decimals,
    list_of,
    moment,
    tell_error,
)
from tradeops.kit.filters import AccountFilter, SymbolFilter
from tradeops.market.cache import Mark, marks

HALF = Decimal("0.5")
MAX_BULK = 50


class OpenFilter(DropdownFilter):
    """Open positions unless asked otherwise."""

    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        return [("open", "Open"), ("flat", "Flat"), ("all", "All")]

    def value(self) -> str:
        return super().value() or "open"

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "open":
            return queryset.exclude(quantity=ZERO)
        return queryset.filter(quantity=ZERO) if self.value() == "flat" else queryset


class MarkedChangeList(ChangeList):
    """The page's rows with their mark prices, read at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        attach_marks(list(self.result_list))


def attach_marks(rows: list[Any]) -> None:
    """Give each row the `mark` of its symbol, or None."""
    found = marks(sorted({row.symbol for row in rows}))
    for row in rows:
        row.mark = found.get(row.symbol)


def unrealized(row: Any) -> Decimal | None:  # noqa: ANN401 - a position with a mark attached
    """(mark − entry) × signed quantity, in quote; None without a mark price."""
    mark: Mark | None = row.mark
    if mark is None:
        return None
    return round_money((mark.mark_price - row.entry_price) * row.quantity)


@admin.register(Position)
class PositionAdmin(ReadOnlyAdmin):
    """Open positions; Close and Reduce send reduce-only orders by command."""

    list_display = (
        "account",
        "symbol",
        "direction",
        "shown_quantity",
        "entry",
        "mark_now",
        "pnl_now",
        "more",
        "notional_now",
        "realized",
        "leverage",
        "margin_mode",
        "adl",
        "opened",
    )
    list_display_links = ("symbol",)
    list_select_related = ("account",)
    list_filter = (OpenFilter, SymbolFilter, AccountFilter)
    ordering = ("account_id", "symbol", "id")
    actions = ("close_selected",)
    actions_detail = ("close", "reduce_half")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("account", "symbol"),
                    ("direction", "shown_quantity"),
                    ("entry", "mark_now"),
                    ("pnl_now", "notional_now"),
                    ("realized", "fees"),
                    ("leverage", "margin_mode"),
                    ("isolated", "adl"),
                    ("opened", "updated"),
                    ("orders", "fills"),
                )
            },
        ),
    )
    shown_quantity = decimals("quantity", "Quantity")
    entry = decimals("entry_price", "Entry price")
    realized = decimals("realized_pnl", "Realized PnL")
    fees = decimals("commission", "Fees")
    isolated = decimals("isolated_margin", "Isolated margin")
    opened = moment("opened_at", "Opened")
    updated = moment("updated_at", "Updated")

    def get_changelist(self, _request: HttpRequest, **_kwargs: object) -> type[ChangeList]:
        return MarkedChangeList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Position | None:
        row: Position | None = super().get_object(request, object_id, from_field)
        if row is not None:
            attach_marks([row])
        return row

    @admin.display(description="Side")
    def direction(self, row: Position) -> str:
        if row.quantity == ZERO:
            return "FLAT"
        arrow, word, kind = ("▲", "LONG", "up") if row.quantity > 0 else ("▼", "SHORT", "down")
        return format_html('<span class="side-{}">{} {}</span>', kind, word, arrow)

    @admin.display(description="Mark price")
    def mark_now(self, row: Any) -> str:  # noqa: ANN401 - as in `unrealized`
        if row.mark is None:
            return EMPTY
        title = f"as of {row.mark.at:%H:%M:%S} UTC"
        return format_html('<span title="{}">{}</span>', title, plain(row.mark.mark_price))

    @admin.display(description="Unrealized PnL")
    def pnl_now(self, row: Any) -> str:  # noqa: ANN401 - as in `unrealized`
        value = unrealized(row)
        if value is None or row.quantity == ZERO:
            return EMPTY
        kind, sign = ("up", "+") if value > 0 else ("down", "")
        return format_html('<span class="side-{}">{}{}</span>', kind, sign, plain(value))

    @admin.display(description="Notional")
    def notional_now(self, row: Any) -> str:  # noqa: ANN401 - as in `unrealized`
        if row.mark is None:
            return EMPTY
        return plain(round(abs(row.quantity) * row.mark.mark_price, 2))

    @admin.display(description="ADL queue")
    def adl(self, row: Position) -> str:
        """0 is last in the venue's queue for deleveraging, 4 first."""
        return EMPTY if row.adl_quantile is None else f"{row.adl_quantile} / 4"

    @admin.display(description="Orders")
    def orders(self, row: Position) -> str:
        return list_of(Order, f"orders of {row.symbol}", symbol=row.symbol, account=row.account_id)

    @admin.display(description="Fills")
    def fills(self, row: Position) -> str:
        return list_of(Fill, f"fills of {row.symbol}", symbol=row.symbol, account=row.account_id)

    @admin.display(description="")
    def more(self, row: Position) -> str:
        if row.quantity == ZERO:
            return ""
        return self.action_links(row.pk, [("close", "Close…"), ("reduce_half", "Reduce 50 %…")])

    # Asking --------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer nothing for a position that is flat."""
        row = self.get_object(request, unquote(object_id))
        if row is None or row.quantity == ZERO:
            return []
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return offered

    @action(description="Close…", permissions=["operate"])
    def close(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the whole position to be closed at market."""
        return self._ask_to_reduce(request, self.the_object(request, object_id), ONE)

    @action(description="Reduce 50 %…", permissions=["operate"])
    def reduce_half(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for half of the position to be closed at market."""
        return self._ask_to_reduce(request, self.the_object(request, object_id), HALF)

    def _ask_to_reduce(
        self, request: HttpRequest, position: Position, fraction: Decimal
    ) -> HttpResponse:
        if position.quantity == ZERO:
            self.message_user(request, f"{position.symbol} is flat: there is nothing to close.")
            return HttpResponseRedirect(self.action_url("change", position.pk))
        verb = "Close" if fraction == ONE else "Reduce by half"
        question = Question(
            title=f"{verb}: {position.symbol} {plain(position.quantity)}?",
            button=verb,
            lines=(
                f"Account {position.account}, entry price {plain(position.entry_price)}.",
                "Sends a reduce-only market order.",
            ),
            is_dangerous=True,
        )
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        command = _close(position, fraction, answer.reason)
        try:
            ask(request, [(position.account_id, command)], token=answer.token, what=verb)
        except TradeOpsError as error:
            tell_error(request, error)
        return HttpResponseRedirect(self.action_url("change", position.pk))

    @action(description="Close selected…", permissions=["operate"])
    def close_selected(
        self, request: HttpRequest, queryset: QuerySet[Position]
    ) -> HttpResponse | None:
        """Ask for each open position among the selected to be closed."""
        rows = list(queryset.exclude(quantity=ZERO).select_related("account")[:MAX_BULK])
        if not rows:
            self.message_user(request, "None of the selected positions is open.")
            return None
        question = Question(
            title=f"Close {len(rows)} positions at market?",
            button="Close them",
            lines=[f"{row.symbol} {plain(row.quantity)} of {row.account}" for row in rows],
            is_dangerous=True,
            phrase="close all",
            carry={
                "action": ["close_selected"],
                "_selected_action": [str(row.pk) for row in rows],
            },
        )
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        ask(
            request,
            [(row.account_id, _close(row, ONE, answer.reason)) for row in rows],
            token=answer.token,
            what="Close",
        )
        return None


def _close(position: Position, fraction: Decimal, reason: str) -> ClosePosition:
    side = PositionSide(position.position_side)
    return ClosePosition(position.symbol, fraction, reason, side)
