"""The admin site: its look, its menu, its first page. Pages themselves live in the slices."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import reverse
from django_celery_beat.admin import ClockedScheduleAdmin, CrontabScheduleAdmin, PeriodicTaskAdmin
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from unfold.admin import ModelAdmin
from unfold.dataclasses import SearchResult
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.sites import UnfoldAdminSite

from accounts.models import ApiToken, Balance, ExchangeAccount
from orders.models import OPEN_STATUSES, Fill, Order
from positions.admin import attach_marks, unrealized
from positions.models import Position
from risk.admin import scope_names
from risk.models import EngineStatus, RiskLimit
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import EngineState, StreamState
from tradeops.domain.ids import command_id_of
from tradeops.domain.money import ZERO, plain
from tradeops.journal.admin import as_uuid
from tradeops.journal.models import Command, Event
from tradeops.kit.admin import page_of
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.people import names_of
from tradeops.market.models import Instrument
from tradeops.reconcile.models import Drift, ReconcileRun
from tradeops.reconcile.services.reconcile_notes import last_reconciled
from tradeops.streams.models import StreamLease

DAY = timedelta(days=1)
STALE_RECONCILE = timedelta(seconds=60)
STUCK_COMMAND = timedelta(seconds=10)
MAX_COUNTED = 1000
RECENT_COMMANDS = 10
_BADGES = {"paper": "info", "testnet": "warning", "mainnet": "danger"}

# Title, icon, model: the menu in the order of ux.md.
_MENU: tuple[tuple[str, tuple[tuple[str, str, Any], ...]], ...] = (
    (
        "Desk",
        (
            ("Orders", "receipt_long", Order),
            ("Positions", "stacked_line_chart", Position),
            ("Fills", "done_all", Fill),
            ("Commands", "terminal", Command),
        ),
    ),
    (
        "Risk",
        (("Limits", "shield", RiskLimit), ("Engine & halts", "emergency_home", EngineStatus)),
    ),
    ("Data", (("Instruments", "straighten", Instrument), ("Balances", "wallet", Balance))),
    (
        "Ops",
        (
            ("Accounts", "account_balance", ExchangeAccount),
            ("API keys", "key", ApiToken),
            ("Streams", "sensors", StreamLease),
            ("Drift", "compare_arrows", Drift),
            ("Reconcile runs", "sync", ReconcileRun),
            ("Schedules", "schedule", PeriodicTask),
        ),
    ),
    ("Audit", (("Events", "history", Event), ("Users", "group", User), ("Roles", "badge", Group))),
)


def _list_url(model: type[Any]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


class TradeopsAdminSite(UnfoldAdminSite):
    """Unfold with the deployment's badge, our menu and an index that says what needs somebody."""

    site_title = "tradeops"
    index_title = "Operations"

    def _get_config(self, key: str, *args: Any) -> Any:  # noqa: ANN401 - unfold's signature
        look: dict[str, Any] = {
            "SITE_TITLE": "tradeops",
            "SITE_HEADER": "tradeops",
            "SITE_SUBHEADER": f"{settings.TRADEOPS_ENV} desk",
            "SITE_URL": "/desk/",
            "SITE_SYMBOL": "candlestick_chart",
            "SHOW_HISTORY": False,  # the journal is the history
            "ENVIRONMENT": (
                settings.TRADEOPS_ENV.upper(),
                _BADGES[settings.TRADEOPS_ENV],
            ),
            "ENVIRONMENT_TITLE_PREFIX": f"[{settings.TRADEOPS_ENV.upper()}]",
            "SIDEBAR": {
                "show_search": True,
                "command_search": True,
                "show_all_applications": False,
                "navigation": self._navigation,
            },
        }
        return look[key] if key in look else super()._get_config(key, *args)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context: dict[str, Any] = super().each_context(request)
        context["styles"] = [static("admin_tradeops/admin.css")]
        context["is_mainnet"] = settings.TRADEOPS_ENV == "mainnet"
        return context

    def _navigation(self, request: HttpRequest) -> list[dict[str, Any]]:
        counts = self._open_counts(request)
        desk = {"title": "Live dashboard ↗", "icon": "monitoring", "link": "/desk/"}
        groups = []
        for title, entries in _MENU:
            items = [
                {
                    "title": name,
                    "icon": icon,
                    "link": _list_url(model),
                    "badge": str(counts[model]) if counts.get(model) else "",
                    "badge_variant": "danger" if model is Drift else "info",
                    "permission": lambda req, m=model: self._may_view(req, m),
                }
                for name, icon, model in entries
            ]
            groups.append({"title": title, "items": [desk, *items] if title == "Desk" else items})
        return groups

    def _may_view(self, request: HttpRequest, model: type[Any]) -> bool:
        return bool(self.get_model_admin(model).has_view_permission(request))

    def _open_counts(self, request: HttpRequest) -> dict[type[Any], int]:
        open_rows: dict[type[Any], dict[str, Any]] = {
            Order: {"status__in": OPEN_STATUSES},
            Drift: {"status": "OPEN"},
        }
        counts = {
            model: self.rows(request, model).filter(**query).order_by()[:MAX_COUNTED].count()
            for model, query in open_rows.items()
        }
        positions = self.rows(request, Position).exclude(quantity=ZERO)
        return {**counts, Position: positions[:MAX_COUNTED].count()}

    def rows(self, request: HttpRequest, model: type[Any]) -> Any:  # noqa: ANN401 - a queryset
        """Rows of a model that the user may see."""
        return self.get_model_admin(model).get_queryset(request)

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        """Show what needs somebody, the numbers of the desk, streams and the last commands."""
        now = SYSTEM_CLOCK.now()
        positions = list(self.rows(request, Position).exclude(quantity=ZERO))
        attach_marks(positions)
        context = {
            "needs": list(self._needs(request, now)),
            "kpis": list(self._kpis(request, positions, now)),
            "leases": list(self.rows(request, StreamLease).select_related("account")),
            "recent": _recent(self.rows(request, Command)),
            "accounts_url": _list_url(ExchangeAccount),
        }
        page: TemplateResponse = super().index(request, {**(extra_context or {}), **context})
        return page

    def _needs(self, request: HttpRequest, now: datetime) -> Iterator[dict[str, str]]:
        """What somebody should look at, with the page that shows it."""
        stopped = self.rows(request, EngineStatus).exclude(state=EngineState.RUNNING)
        shown = list(stopped[:10])
        for status, scope in zip(shown, scope_names(shown), strict=True):
            text = f"{scope} {status.state}: {status.reason or 'no reason given'}"
            yield {"text": text, "url": _list_url(EngineStatus)}
        drifts = self.rows(request, Drift).filter(status="OPEN")[:MAX_COUNTED].count()
        if drifts:
            yield {"text": f"{drifts} open drift{'s' * (drifts > 1)}", "url": _list_url(Drift)}
        commands = self.rows(request, Command)
        unknown = commands.filter(status=CommandStatus.SENT, outcome_unknown=True)
        if count := unknown[:MAX_COUNTED].count():
            yield {"text": f"{count} with unknown outcome", "url": _list_url(Command)}
        stuck = commands.filter(status=CommandStatus.NEW, created_at__lt=now - STUCK_COMMAND)
        if count := stuck[:MAX_COUNTED].count():
            yield {"text": f"{count} commands wait for a worker", "url": _list_url(Command)}
        yield from self._unserved(request, now)

    def _unserved(self, request: HttpRequest, now: datetime) -> Iterator[dict[str, str]]:
        leases = {lease.account_id: lease for lease in self.rows(request, StreamLease)}
        accounts = list(self.rows(request, ExchangeAccount).filter(is_active=True))
        compared = last_reconciled([account.pk for account in accounts])
        for account in accounts:
            lease = leases.get(account.pk)
            if lease is None or lease.expires_at < now or lease.state != StreamState.CONNECTED:
                state = lease.state if lease and lease.expires_at >= now else "not served"
                yield {"text": f"stream of {account}: {state}", "url": _list_url(StreamLease)}
            at = compared.get(account.pk)
            if at is None or now - at > STALE_RECONCILE:
                text = f"{account} not reconciled for 60 s"
                yield {"text": text, "url": _list_url(ReconcileRun)}

    def _kpis(
        self, request: HttpRequest, positions: list[Any], now: datetime
    ) -> Iterator[dict[str, str]]:
        wallets = self.rows(request, Balance).filter(asset="USDT")
        wallet = sum((row.wallet_balance for row in wallets), ZERO)
        yield _kpi("Wallets", f"{plain(round(wallet, 2))} USDT", "without open PnL", Balance)
        known = [value for value in map(unrealized, positions) if value is not None]
        note = f"{len(positions)} open" if len(known) == len(positions) else "some marks missing"
        yield _kpi("Open PnL", f"{plain(round(sum(known, ZERO), 2))} USDT", note, Position)
        orders = str(self._open_counts(request)[Order])
        yield _kpi("Open orders", orders, "working at the venue", Order)
        today = self.rows(request, Command).filter(created_at__gte=now - DAY)
        failed = today.filter(status=CommandStatus.FAILED)[:MAX_COUNTED].count()
        asked = today[:MAX_COUNTED].count()
        yield _kpi(
            "Commands, 24 h", f"{asked}{'+' * (asked == MAX_COUNTED)}", f"{failed} failed", Command
        )

    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Lead to the index when nothing else was asked for: unfold's form carries no `next`."""
        if REDIRECT_FIELD_NAME not in request.GET and REDIRECT_FIELD_NAME not in request.POST:
            query = request.GET.copy()
            query[REDIRECT_FIELD_NAME] = reverse("admin:index")
            request.GET = query  # type: ignore[assignment]  # a mutable copy serves as well
        page: HttpResponse = super().login(request, extra_context)
        return page

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Ctrl+K: pages by name, and orders, commands and events by their ids.

        Unfold's own search keeps its results in the cache, which takes JSON only.
        """
        term = request.GET.get("s", "").strip().lower()
        if not term:
            return HttpResponse()
        pages = [
            SearchResult(name, group, _list_url(model), icon)
            for group, entries in _MENU
            for name, icon, model in entries
            if term in name.lower() and self._may_view(request, model)
        ]
        extended = "extended" in request.GET
        results = [*pages, *self._by_id(request, term)]
        kind = "command_results" if extended else "search_results"
        pages_of = Paginator(results, max(len(results), 1))
        context = {
            "results": pages_of.page(1),
            "page_obj": pages_of,
            "page_counter": 0,
            "execution_time": 0,
        }
        response = TemplateResponse(request, f"unfold/helpers/{kind}.html", context)
        response["HX-Trigger"] = "search"
        return response

    def _by_id(self, request: HttpRequest, term: str) -> Iterator[SearchResult]:
        found_id = command_id_of(term) or as_uuid(term)
        if found_id is None:
            return
        for model, icon in ((Order, "receipt_long"), (Command, "terminal")):
            row = self.rows(request, model).filter(pk=found_id).first()
            if row is not None and self._may_view(request, model):
                opts = model._meta
                url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=(row.pk,))
                yield SearchResult(str(row), str(opts.verbose_name), url, icon)
        yield SearchResult(
            "Events of this chain", "Audit", f"{_list_url(Event)}?q={found_id}", "history"
        )


def _kpi(name: str, value: str, note: str, model: type[Any]) -> dict[str, str]:
    return {"name": name, "value": value, "note": note, "url": _list_url(model)}


def _recent(commands: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a queryset
    rows = list(commands.order_by("-created_at", "-id")[:RECENT_COMMANDS])
    names = names_of(row.principal for row in rows)
    return [
        {
            "at": row.created_at,
            "what": page_of(row, f"{row.kind} {row.symbol}".strip()),
            "state": row.status,
            "detail": f"{row.code} {row.detail}".strip(),
            "who": names[row.principal],
        }
        for row in rows
    ]


class DeskUserAdmin(UserAdmin[User], ModelAdmin):
    """People, with unfold's forms."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


class DeskGroupAdmin(GroupAdmin, ModelAdmin):
    """Roles: named sets of permissions."""


class DeskPeriodicTaskAdmin(PeriodicTaskAdmin, ModelAdmin):
    """Periods of the beat process."""


class DeskCrontabAdmin(CrontabScheduleAdmin, ModelAdmin):
    """Times of day."""


class DeskClockedAdmin(ClockedScheduleAdmin, ModelAdmin):
    """Single moments."""


def _build() -> TradeopsAdminSite:
    """The site with every page that the slices registered, and those of other packages here."""
    built = TradeopsAdminSite()
    for model in apps.get_models():
        if admin.site.is_registered(model):
            page = admin.site.get_model_admin(model)
            if isinstance(page, ModelAdmin):
                built.register(model, type(page))
    built.register(User, DeskUserAdmin)
    built.register(Group, DeskGroupAdmin)
    built.register(PeriodicTask, DeskPeriodicTaskAdmin)
    built.register(CrontabSchedule, DeskCrontabAdmin)
    built.register(ClockedSchedule, DeskClockedAdmin)
    built.register(IntervalSchedule, ModelAdmin)
    built.register(SolarSchedule, ModelAdmin)
    return built


site = _build()
