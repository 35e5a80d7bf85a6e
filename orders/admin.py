"""Orders and fills: look, and ask for a cancel or for a comparison with the venue."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote, unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
)
from unfold.decorators import action

from accounts.models import ExchangeAccount
from orders.fill_admin import FillInline, shown_side
from orders.models import OPEN_STATUSES, Fill, Order
from tradeops.domain.commands import CancelOrder, RunReconcile
from tradeops.domain.enums import OrderStatus
from tradeops.domain.errors import TradeOpsError
from tradeops.domain.ids import command_id_of
from tradeops.domain.money import plain
from tradeops.journal.admin import as_uuid, ask, timeline, verdict_rows
from tradeops.journal.models import Command, Event
from tradeops.kit.admin import (
    Answer,
    Question,
    ReadOnlyAdmin,
    as_state,
    confirm,
    decimals,
    list_of,
    moment,
    page_of,
    tell_error,
)
from tradeops.kit.filters import AccountFilter, SymbolFilter

MAX_BULK = 100
_STATUS_KINDS = {
    OrderStatus.FILLED: "ok",
    OrderStatus.REJECTED: "danger",
    OrderStatus.CANCELLED: "calm",
    OrderStatus.EXPIRED: "calm",
}


class OpenFilter(DropdownFilter):
    """Orders that may still fill."""

    title = "open"
    parameter_name = "open"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        return [("yes", "Open"), ("no", "Ended")]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "yes":
            return queryset.filter(status__in=OPEN_STATUSES)
        return queryset.exclude(status__in=OPEN_STATUSES) if self.value() == "no" else queryset


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders, newest first; every change is asked for by a command."""

    list_display = (
        "at",
        "account",
        "symbol",
        shown_side,
        "order_type",
        "filled_of",
        "limit",
        "trigger",
        "average",
        "state",
        "more",
        "client_id",
    )
    list_select_related = ("account",)
    list_filter = (
        OpenFilter,
        ("status", ChoicesDropdownFilter),
        ("order_type", ChoicesDropdownFilter),
        ("side", ChoicesDropdownFilter),
        SymbolFilter,
        AccountFilter,
    )
    search_fields = ("pk",)
    search_help_text = "Order id, client order id (ae-…) or venue order id"
    ordering = ("-submitted_at", "id")
    actions = ("cancel_selected",)
    actions_detail = ("cancel", "query_venue", "close_position")
    inlines = (FillInline,)
    change_form_after_template = "admin/tradeops/order_detail.html"
    fieldsets = (
        (
            "Summary",
            {
                "fields": (
                    ("account", "symbol"),
                    ("shown_side_", "order_type"),
                    ("filled_of", "average"),
                    ("limit", "time_in_force"),
                    ("state", "reason"),
                    ("leverage", "reduce_only"),
                    ("fee", "pnl"),
                )
            },
        ),
        (
            "Trigger and end",
            {
                "fields": (
                    ("trigger", "working_type"),
                    ("callback", "activation"),
                    ("close_position", "triggered"),
                    ("algo_id", "ends"),
                )
            },
        ),
        (
            "Identity",
            {
                "fields": (
                    ("client_order_id", "venue_order_id"),
                    ("command", "events"),
                    ("at", "updated"),
                    ("is_external", "exchange_code"),
                )
            },
        ),
    )
    at = moment("submitted_at", "Time")
    updated = moment("updated_at", "Updated")
    triggered = moment("triggered_at", "Triggered")
    ends = moment("good_till", "Good till")
    limit = decimals("price", "Limit price")
    trigger = decimals("trigger_price", "Trigger")
    callback = decimals("callback_rate", "Callback, %")
    activation = decimals("activation_price", "Activation price")
    fee = decimals("commission", "Fees")
    pnl = decimals("realized_pnl", "Realized PnL")

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        order_id = command_id_of(text) or as_uuid(text)
        if order_id is not None:
            return queryset.filter(pk=order_id), False
        accounts = list(ExchangeAccount.objects.values_list("pk", flat=True))
        # The accounts are named because the index leads with them.
        return queryset.filter(account_id__in=accounts, venue_order_id=text), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - unfold is untyped
        """Add gate verdicts and the event timeline."""
        order = self.get_object(request, object_id)
        if order is not None:
            extra_context = {
                **(extra_context or {}),
                "verdicts": verdict_rows(order.verdicts),
                "timeline": timeline(order.command_id or order.pk),
            }
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="Side")
    def shown_side_(self, row: Order) -> str:
        return shown_side(row)

    @admin.display(description="Filled / quantity")
    def filled_of(self, row: Order) -> str:
        whole = "position" if row.close_position and not row.quantity else plain(row.quantity)
        return f"{plain(row.filled_quantity)} / {whole}"

    @admin.display(description="Average price")
    def average(self, row: Order) -> str:
        if not row.filled_quantity:
            return "–"
        return plain(round(row.filled_notional / row.filled_quantity, 8))

    @admin.display(description="Status")
    def state(self, row: Order) -> str:
        return as_state(row.status, _STATUS_KINDS.get(OrderStatus(row.status), "info"))

    @admin.display(description="Client id")
    def client_id(self, row: Order) -> str:
        return format_html(
            '<span title="{}">{}…</span>', row.client_order_id, row.client_order_id[:11]
        )

    @admin.display(description="")
    def more(self, row: Order) -> str:
        links = [("cancel", "Cancel…")] if row.is_open else []
        return format_html(
            "{} {} {}",
            self.action_links(row.pk, links),
            list_of(Fill, "fills", order__id__exact=row.pk),
            self.events(row),
        )

    @admin.display(description="Command")
    def command(self, row: Order) -> str:
        if row.command_id is None:
            return "none: found at the venue"
        return page_of(Command(pk=row.command_id), str(row.command_id))

    @admin.display(description="Events")
    def events(self, row: Order) -> str:
        return list_of(Event, "events", q=row.command_id or row.pk)

    # Asking --------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what this order can still take."""
        order = self.get_object(request, unquote(object_id))
        useless = "cancel" if order is None or not order.is_open else None
        offered: list[Any] = super().get_actions_detail(request, object_id)
        return [item for item in offered if item.path != useless]

    @action(description="Cancel…", permissions=["operate"])
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a cancel of one order."""
        order: Order = self.the_object(request, object_id)
        question = Question(
            title=f"Cancel {order.order_type} {order.side} {order.symbol}?",
            button="Cancel the order",
            lines=(f"Status {order.status}, filled {self.filled_of(order)}.",),
            reason_required=False,
        )
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        command = CancelOrder(order.pk, answer.reason)
        try:
            ask(request, [(order.account_id, command)], token=answer.token, what="Cancel")
        except TradeOpsError as error:
            tell_error(request, error)
        return HttpResponseRedirect(self.action_url("change", order.pk))

    @action(description="Query venue…", permissions=["operate"])
    def query_venue(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a comparison of the order's account with the venue."""
        order: Order = self.the_object(request, object_id)
        question = Question(
            title=f"Compare account {order.account} with the venue now?",
            button="Query the venue",
            lines=("Orders, fills, positions and balances; differences are healed or shown.",),
            asks_reason=False,
        )
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        command = RunReconcile(f"order {order.client_order_id}")
        ask(request, [(order.account_id, command)], token=answer.token, what="Query venue")
        return HttpResponseRedirect(self.action_url("change", order.pk))

    @action(description="Close position…", permissions=["operate"])
    def close_position(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Lead to the question of the position that the order belongs to."""
        order: Order = self.the_object(request, object_id)
        position = f"{order.account_id}:{order.symbol}:{order.position_side}"
        return HttpResponseRedirect(
            reverse("admin:positions_position_close", args=(quote(position),))
        )

    @action(description="Cancel selected…", permissions=["operate"])
    def cancel_selected(
        self, request: HttpRequest, queryset: QuerySet[Order]
    ) -> HttpResponse | None:
        """Ask for a cancel of each open order among the selected, up to 100."""
        orders = list(queryset.filter(status__in=OPEN_STATUSES)[:MAX_BULK])
        if not orders:
            self.message_user(request, "None of the selected orders is open.")
            return None
        chosen = [str(order.pk) for order in orders]
        question = Question(
            title=f"Cancel {len(orders)} open orders?",
            button="Cancel them",
            lines=[f"{order}, account {order.account_id}" for order in orders],
            is_dangerous=True,
            carry={"action": ["cancel_selected"], "_selected_action": chosen},
        )
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        ask(
            request,
            [(order.account_id, CancelOrder(order.pk, answer.reason)) for order in orders],
            token=answer.token,
            what="Cancel",
        )
        return None
