"""Accounts, their write-only keys, wallets and API keys."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from accounts.models import ApiToken, Balance, Credential, ExchangeAccount
from accounts.services.account_change import change_account
from accounts.services.account_create import create_account
from accounts.services.credential_rotate import replace_credential
from tradeops.domain.commands import (
    DomainCommand,
    PauseEngine,
    ResumeEngine,
    RunReconcile,
    SetEngineMode,
)
from tradeops.domain.enums import EngineState, Source
from tradeops.domain.errors import TradeOpsError
from tradeops.domain.money import plain
from tradeops.journal.admin import ask
from tradeops.journal.models import Command, Event
from tradeops.kit.admin import (
    EMPTY,
    Answer,
    ConfirmForm,
    Question,
    ReadOnlyAdmin,
    ServiceAdmin,
    as_state,
    confirm,
    decimals,
    list_of,
    moment,
    tell_error,
)
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.filters import AccountFilter

SCOPE = "account"
_SECRET = UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"})


class NewAccountForm(forms.ModelForm[ExchangeAccount]):
    """Create an account with its key."""

    api_key = forms.CharField(widget=_SECRET, help_text="Stored sealed; never shown again.")
    api_secret = forms.CharField(widget=_SECRET, help_text="Stored sealed; never shown again.")

    class Meta:
        model = ExchangeAccount
        fields = ("name",)


class AccountForm(forms.ModelForm[ExchangeAccount]):
    """Change who operates an account and whether it is served."""

    reason = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)

    class Meta:
        model = ExchangeAccount
        fields = ("is_active", "dead_man_enabled", "operators")


class RotateForm(ConfirmForm):
    """A new key; neither part is ever rendered back."""

    api_key = forms.CharField(widget=_SECRET)
    api_secret = forms.CharField(widget=_SECRET)


@admin.register(ExchangeAccount)
class ExchangeAccountAdmin(ServiceAdmin):
    """Accounts: who operates them, their sealed key, and asking the engine to stop or go."""

    account_field = "pk"
    list_display = ("name", "venue", "active", "key", "wallet", "position_mode", "more")
    list_filter = ("is_active",)
    ordering = ("name",)
    actions_detail = ("sync_now", "pause", "resume", "halt", "rotate_key")
    readonly_fields = ("venue", "key", "wallet", "position_mode", "since", "links")
    since = moment("created_at", "Created")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ExchangeAccount]:
        current = Credential.objects.filter(is_current=True).only("account_id", "hint")
        rows: QuerySet[ExchangeAccount] = super().get_queryset(request)
        return rows.prefetch_related(
            Prefetch("credentials", queryset=current, to_attr="current_keys"), "balances"
        )

    def get_form(
        self, request: HttpRequest, obj: ExchangeAccount | None = None, **kwargs: object
    ) -> type[forms.ModelForm[ExchangeAccount]]:
        kwargs["form"] = AccountForm if obj else NewAccountForm
        form: type[forms.ModelForm[ExchangeAccount]] = super().get_form(request, obj, **kwargs)
        return form

    def get_fields(
        self, _request: HttpRequest, obj: ExchangeAccount | None = None
    ) -> tuple[str | tuple[str, ...], ...]:
        if obj is None:
            return ("name", "api_key", "api_secret")
        return (
            ("name", "venue"),
            ("key", "wallet"),
            ("position_mode", "since"),
            "links",
            "is_active",
            "dead_man_enabled",
            "operators",
            "reason",
        )

    def get_readonly_fields(
        self, _request: HttpRequest, obj: ExchangeAccount | None = None
    ) -> tuple[str, ...]:
        return ("name", *self.readonly_fields) if obj else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, _obj: object = None) -> bool:
        """Who may operate what is for superusers; operators only ask for commands."""
        return bool(request.user.is_superuser)

    def save_form(
        self, request: HttpRequest, form: forms.ModelForm[ExchangeAccount], *, change: bool
    ) -> ExchangeAccount:
        """Hand the form to the service; the row that it returns is saved already."""
        values = form.cleaned_data
        actor, now = f"user:{request.user.pk}", SYSTEM_CLOCK.now()
        if not change:
            return create_account(
                name=values["name"],
                api_key=values["api_key"],
                api_secret=values["api_secret"],
                actor=actor,
                source=Source.ADMIN,
                now=now,
            )
        return change_account(
            account_id=form.instance.pk,
            is_active=values["is_active"],
            operator_ids=[user.pk for user in values["operators"]],
            dead_man_enabled=values["dead_man_enabled"],
            actor=actor,
            source=Source.ADMIN,
            reason=values["reason"],
            now=now,
        )

    @admin.display(description="Active")
    def active(self, row: ExchangeAccount) -> str:
        return as_state("ACTIVE", "ok") if row.is_active else as_state("INACTIVE", "calm")

    @admin.display(description="Key")
    def key(self, row: ExchangeAccount) -> str:
        keys = row.current_keys  # type: ignore[attr-defined]  # prefetched above
        return str(keys[0]) if keys else as_state("NO KEY", "danger")

    @admin.display(description="Wallet")
    def wallet(self, row: ExchangeAccount) -> str:
        wallets = [f"{plain(b.wallet_balance)} {b.asset}" for b in row.balances.all()]
        return ", ".join(wallets) or EMPTY

    @admin.display(description="More")
    def links(self, row: ExchangeAccount) -> str:
        return format_html(
            "{} · {}",
            list_of(Command, "commands", account_id=row.pk),
            list_of(Event, "events", account_id=row.pk),
        )

    @admin.display(description="")
    def more(self, row: ExchangeAccount) -> str:
        return self.action_links(
            row.pk,
            [
                ("sync_now", "Sync now…"),
                ("pause", "Pause…"),
                ("resume", "Resume…"),
                ("halt", "HALT…"),
            ],
        )

    # Asking --------------------------------------------------------------------------------------

    @action(description="Sync now…", permissions=["operate"], icon="sync")
    def sync_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for a comparison with the venue."""
        account: ExchangeAccount = self.the_object(request, object_id)
        question = Question(
            title=f"Compare {account} with its venue now?", button="Sync now", asks_reason=False
        )
        return self._ask(request, account, question, lambda _: RunReconcile("asked in the admin"))

    @action(description="Pause…", permissions=["operate"], icon="pause")
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for openings to be refused."""
        account: ExchangeAccount = self.the_object(request, object_id)
        question = Question(
            title=f"Pause {account}?",
            button="Pause",
            lines=("Openings are refused; exits and cancels pass.",),
            reason_required=False,
        )
        return self._ask(request, account, question, lambda reason: PauseEngine(SCOPE, reason))

    @action(description="Resume…", permissions=["operate"], icon="play_arrow")
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for openings to be admitted again."""
        account: ExchangeAccount = self.the_object(request, object_id)
        question = Question(
            title=f"Resume {account}?", button="Resume", lines=("Openings are admitted again.",)
        )
        return self._ask(request, account, question, lambda reason: ResumeEngine(SCOPE, reason))

    @action(
        description="HALT…", permissions=["operate"], icon="dangerous", variant=ActionVariant.DANGER
    )
    def halt(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask for the account's kill switch."""
        account: ExchangeAccount = self.the_object(request, object_id)
        question = Question(
            title=f"HALT {account}?",
            button=f"HALT {account}",
            lines=(
                "Openings are refused and resting orders are cancelled.",
                "Reduce-only orders and cancels still pass. Stays until somebody resumes.",
            ),
            is_dangerous=True,
            reason_required=False,  # stopping must be easier than starting
            phrase=f"HALT {account}",
        )
        return self._ask(
            request,
            account,
            question,
            lambda reason: SetEngineMode(SCOPE, EngineState.HALTED, reason),
        )

    def _ask(
        self,
        request: HttpRequest,
        account: ExchangeAccount,
        question: Question,
        command: Callable[[str], DomainCommand],
    ) -> HttpResponse:
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        asked = command(answer.reason or "asked in the admin")
        ask(request, [(account.pk, asked)], token=answer.token, what=question.button)
        return HttpResponseRedirect(self.action_url("change", account.pk))

    @action(description="Rotate key…", permissions=["operate"], icon="key")
    def rotate_key(self, request: HttpRequest, object_id: str) -> HttpResponse | TemplateResponse:
        """Replace the venue key by another one."""
        account: ExchangeAccount = self.the_object(request, object_id)
        question = Question(
            title=f"Replace the venue key of {account}?",
            button="Rotate key",
            lines=("The key in use is revoked here; delete it at the venue afterwards.",),
            is_dangerous=True,
            phrase=f"rotate {account}",
        )
        answer = confirm(request, self, question, form_class=RotateForm)
        if not isinstance(answer, Answer):
            return answer
        try:
            self._rotate(request, account, answer.values)
        except TradeOpsError as error:
            tell_error(request, error)
            return HttpResponseRedirect(request.get_full_path())
        return HttpResponseRedirect(self.action_url("change", account.pk))

    def _rotate(
        self, request: HttpRequest, account: ExchangeAccount, values: Mapping[str, Any]
    ) -> None:
        fresh = replace_credential(
            account=account,
            api_key=values["api_key"],
            api_secret=values["api_secret"],
            actor=f"user:{request.user.pk}",
            source=Source.ADMIN,
            reason=values["reason"],
            now=SYSTEM_CLOCK.now(),
        )
        self.message_user(request, f"{account} uses the key {fresh} now.")


@admin.register(Balance)
class BalanceAdmin(ReadOnlyAdmin):
    """Wallets as the journal says."""

    list_display = ("account", "asset", "amount", "updated")
    list_display_links = None
    list_select_related = ("account",)
    list_filter = (AccountFilter,)
    ordering = ("account_id", "asset", "id")
    fields = ("account", "asset", "amount", "updated")
    amount = decimals("wallet_balance", "Wallet balance")
    updated = moment("updated_at", "Updated")


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """API keys without their secret; `manage.py apikey` makes and revokes them."""

    list_display = ("name", "prefix", "owner", "scopes", "created", "expires", "state")
    list_select_related = ("owner",)
    ordering = ("-created_at", "-id")
    fields = (
        ("name", "prefix"),
        ("owner", "scopes"),
        ("accounts", "allowed_networks"),
        "writes_per_minute",
        ("created", "expires", "state"),
    )
    created = moment("created_at", "Created")
    expires = moment("expires_at", "Expires")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiToken]:
        rows = ApiToken.objects.all()
        return rows if request.user.is_superuser else rows.filter(owner=request.user.pk)

    @admin.display(description="State")
    def state(self, row: ApiToken) -> str:
        if row.revoked_at is not None:
            return as_state("REVOKED", "calm")
        if row.expires_at is not None and row.expires_at <= SYSTEM_CLOCK.now():
            return as_state("EXPIRED", "calm")
        return as_state("VALID", "ok")
