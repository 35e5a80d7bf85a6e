"""Risk limits, edited through their service, and whether the engine may open."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import ForeignKey, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import ExchangeAccount
from risk.models import EngineStatus, RiskLimit
from risk.services.limit_change import CHANGE_FIELDS, CREATE_FIELDS, change_limit, validated
from tradeops.domain.commands import DomainCommand, PauseEngine, ResumeEngine, SetEngineMode
from tradeops.domain.enums import EngineState, Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.journal.admin import ask
from tradeops.journal.models import SYSTEM_ACCOUNT_ID, Event
from tradeops.kit.admin import (
    Answer,
    Question,
    ReadOnlyAdmin,
    ServiceAdmin,
    as_state,
    confirm,
    decimals,
    moment,
    page_of,
)
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.filters import AccountFilter
from tradeops.kit.people import ShowsWho, names_of

SHOWN_CHANGES = 20
_STATE_KINDS = {
    EngineState.RUNNING: "ok",
    EngineState.PAUSED: "warn",
    EngineState.SAFE: "warn",
    EngineState.HALTED: "danger",
}


class LimitForm(forms.ModelForm[RiskLimit]):
    """A limit with the reason of its change and the version that the person saw."""

    value = forms.CharField(
        max_length=32, widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})
    )
    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = RiskLimit
        fields = ("account", "symbol", "metric", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's signature
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["value"] = decimals("value", "")(None, self.instance)
            self.initial["seen_version"] = self.instance.version

    def clean(self) -> dict[str, Any]:
        """Let the service judge, so that its sentence stands beside the field."""
        values = super().clean() or self.cleaned_data
        try:
            self.changes = validated(self._changes(values), self._admitted())
        except TradeOpsError as error:
            name = error.details.get("field", "")
            name = "account" if name == "account_id" else name
            self.add_error(name if name in self.fields else None, error.detail)
        return values

    def _admitted(self) -> frozenset[str]:
        return CHANGE_FIELDS if self.instance.pk else CREATE_FIELDS

    def _changes(self, values: dict[str, Any]) -> dict[str, Any]:
        changes = {name: values[name] for name in self._admitted() & values.keys()}
        if not self.instance.pk and values.get("account"):
            changes["account_id"] = values["account"].pk
        return changes


@admin.register(RiskLimit)
class RiskLimitAdmin(ShowsWho, ServiceAdmin):
    """Limits: scope is identity, value and switch change with a reason, every change is kept."""

    form = LimitForm
    actor_field = "updated_by"
    list_display = ("scope", "metric", "shown_value", "switch", "version", "updated", "who")
    list_select_related = ("account",)
    list_filter = (
        ("metric", ChoicesDropdownFilter),
        "is_enabled",
        AccountFilter,
    )
    ordering = ("metric", "account_id", "symbol", "id")
    sortable_by = ()
    change_form_after_template = "admin/tradeops/changes.html"
    shown_value = decimals("value", "Value (USDT)")
    updated = moment("updated_at", "Updated")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RiskLimit]:
        """Limits of the user's accounts, and those of the desk, which bind everybody."""
        rows = RiskLimit.objects.select_related("account")
        if request.user.is_superuser:
            return rows
        own = request.user.exchange_accounts.values("pk")  # type: ignore[union-attr]  # staff only
        return rows.filter(Q(account_id=None) | Q(account_id__in=own))

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: object
    ) -> Any:  # noqa: ANN401 - unfold is untyped
        """Offer the accounts that the user operates."""
        accounts = ExchangeAccount.objects.order_by("name")
        if not request.user.is_superuser:
            accounts = accounts.filter(operators=request.user.pk)
        return super().formfield_for_foreignkey(db_field, request, queryset=accounts, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: RiskLimit | None = None) -> bool:
        """The desk's own limits are a superuser's."""
        if obj is not None and obj.account_id is None and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    def get_fields(
        self, _request: HttpRequest, obj: RiskLimit | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        if obj is None:
            return ("account", "symbol", "metric", "value", "is_enabled", "reason")
        return (
            ("scope", "metric"),
            ("value", "is_enabled"),
            "reason",
            "seen_version",
            ("version", "updated", "who"),
        )

    def get_readonly_fields(
        self, _request: HttpRequest, obj: RiskLimit | None = None
    ) -> tuple[str, ...]:
        return ("scope", "metric", "version", "updated", "who") if obj else ()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - unfold is untyped
        """Add the history of the limit."""
        limit = self.get_object(request, object_id)
        if limit is not None:
            extra_context = {**(extra_context or {}), "changes": _changes_of(limit)}
        return super().change_view(request, object_id, form_url, extra_context)

    def save_form(self, request: HttpRequest, form: LimitForm, *, change: bool) -> RiskLimit:
        """Hand the form to the service."""
        if not (change or request.user.is_superuser or "account_id" in form.changes):
            raise TradeOpsError(ErrorCode.FORBIDDEN, "Limits of the whole desk are a superuser's.")
        return change_limit(
            limit_id=form.instance.pk if change else None,
            changes=form.changes,
            actor=f"user:{request.user.pk}",
            source=Source.ADMIN,
            reason=form.cleaned_data["reason"],
            now=SYSTEM_CLOCK.now(),
            expected_version=form.cleaned_data["seen_version"] if change else None,
        )

    @admin.display(description="Scope")
    def scope(self, row: RiskLimit) -> str:
        return f"{row.account or 'all accounts'} · {row.symbol or 'all symbols'}"

    @admin.display(description="State")
    def switch(self, row: RiskLimit) -> str:
        return as_state("ON", "ok") if row.is_enabled else as_state("OFF", "warn")


def _changes_of(limit: RiskLimit) -> list[dict[str, Any]]:
    found = Event.objects.filter(
        account_id=limit.account_id or SYSTEM_ACCOUNT_ID,
        type="ConfigChanged",
        payload__subject="risk_limit",
        payload__subject_id=str(limit.pk),
    ).order_by("-id")
    rows = list(found[:SHOWN_CHANGES])
    names = names_of(row.actor for row in rows)
    return [
        {
            "at": row.occurred_at,
            "version": row.payload["version"],
            "lines": _differences(row.payload["old"], row.payload["new"]),
            "reason": row.payload["reason"],
            "event": page_of(row, names[row.actor]),
        }
        for row in rows
    ]


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [
        f"{name}: {old.get(name, '–')} → {value}"
        for name, value in new.items()
        if old.get(name) != value and not (name not in old and value == "")
    ]


def scope_names(rows: Sequence[EngineStatus]) -> list[str]:
    """The scopes as people call them: `account:1` is "main"."""
    accounts = ExchangeAccount.objects.filter(pk__in={row.account_id for row in rows})
    names = dict(accounts.values_list("pk", "name"))
    found = []
    for row in rows:
        _, _, rest = row.scope.partition(":")
        whose = names.get(row.account_id, "the whole desk")
        found.append(f"{whose} {rest.partition(':')[2]}".strip())
    return found


@admin.register(EngineStatus)
class EngineStatusAdmin(ShowsWho, ReadOnlyAdmin):
    """Scopes that were paused, halted or resumed; a scope without a row runs."""

    list_display = ("scope_name", "shown_state", "reason", "who", "changed", "more")
    list_filter = (("state", ChoicesDropdownFilter),)
    ordering = ("scope",)
    fields = (("scope_name", "shown_state"), "reason", ("who", "changed"))
    actions_list = ("pause_all", "resume_all", "halt_all")
    actions_detail = ("resume_scope",)
    changed = moment("changed_at", "Changed")

    def attach_names(self, rows: Sequence[EngineStatus]) -> None:
        super().attach_names(rows)
        for row, name in zip(rows, scope_names(rows), strict=True):
            row.scope_text = name  # type: ignore[attr-defined]  # for the pages

    @admin.display(description="Scope")
    def scope_name(self, row: Any) -> str:  # noqa: ANN401 - a row with names attached
        return str(row.scope_text)

    @admin.display(description="State")
    def shown_state(self, row: EngineStatus) -> str:
        return as_state(row.state, _STATE_KINDS.get(EngineState(row.state), "info"))

    @admin.display(description="")
    def more(self, row: EngineStatus) -> str:
        if row.state == EngineState.RUNNING:
            return ""
        return self.action_links(row.pk, [("resume_scope", "Resume…")])

    @action(description="Pause all…", permissions=["operate"], icon="pause")
    def pause_all(self, request: HttpRequest) -> HttpResponse:
        """Ask for openings to be refused everywhere."""
        question = Question(
            title="Pause every account?",
            button="Pause all",
            lines=("Openings are refused; exits and cancels pass.",),
        )
        return self._ask(request, question, PauseEngine("all", ""))

    @action(description="Resume all…", permissions=["operate"], icon="play_arrow")
    def resume_all(self, request: HttpRequest) -> HttpResponse:
        """Ask for the desk-wide pause or halt to end; those of accounts and symbols stay."""
        question = Question(
            title="Resume the desk?",
            button="Resume all",
            lines=("Accounts and symbols that were stopped by themselves stay stopped.",),
        )
        return self._ask(request, question, ResumeEngine("all", ""))

    @action(
        description="HALT ALL…",
        permissions=["operate"],
        icon="dangerous",
        variant=ActionVariant.DANGER,
    )
    def halt_all(self, request: HttpRequest) -> HttpResponse:
        """Ask for the desk's kill switch."""
        question = Question(
            title="HALT every account?",
            button="HALT all",
            lines=("Openings are refused and resting orders are cancelled, on every account.",),
            is_dangerous=True,
            reason_required=False,  # stopping must be easier than starting
            phrase="HALT all",
        )
        return self._ask(request, question, SetEngineMode("all", EngineState.HALTED, ""))

    @action(description="Resume…", permissions=["operate"], icon="play_arrow")
    def resume_scope(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for one scope to open again."""
        status: EngineStatus = self.the_object(request, object_id)
        kind, _, rest = status.scope.partition(":")
        symbol, who = rest.partition(":")[2], self.who(status)
        question = Question(
            title=f"Resume {self.scope_name(status)}?",
            button="Resume",
            lines=(f"{status.state} since {status.changed_at:%F %H:%M} UTC by {who}.",),
        )
        command = ResumeEngine(kind, "", symbol)
        return self._ask(request, question, command, account_id=status.account_id)

    def _ask(
        self,
        request: HttpRequest,
        question: Question,
        command: PauseEngine | ResumeEngine | SetEngineMode,
        account_id: int = SYSTEM_ACCOUNT_ID,
    ) -> HttpResponse:
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        asked: DomainCommand = replace(command, reason=answer.reason or "asked in the admin")
        ask(request, [(account_id, asked)], token=answer.token, what=question.button)
        return HttpResponseRedirect(reverse("admin:risk_enginestatus_changelist"))
