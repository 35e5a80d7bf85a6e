"""What admin pages share: read-only ledgers, whose accounts one sees, confirmation, values.

Pages show and ask; they never write rows. A `change` permission on a ledger's model means "may ask
for changes of it by command" here, since nobody may edit the rows themselves.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminTextInputWidget

from tradeops.domain.errors import TradeOpsError
from tradeops.domain.money import plain
from tradeops.kit.db import write_transaction

EMPTY = "–"
MAX_COUNTED = 10_000
MAX_DIGITS = 18


class BoundedPaginator(Paginator[Any]):
    """Counts up to 10,000 rows and no further: counting millions costs more than the page."""

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[:MAX_COUNTED].count())


class AccountScopedAdmin(ModelAdmin):
    """Shows rows of the accounts that the user operates; superusers see all (I17).

    `account_field` is "" for models that belong to no account.
    """

    account_field = "account_id"
    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    list_fullwidth = True
    compressed_fields = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if request.user.is_superuser or not self.account_field:
            return rows
        own = request.user.exchange_accounts.values("pk")  # type: ignore[union-attr]  # staff only
        return rows.filter(**{f"{self.account_field}__in": own})

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse what no column holds: databases answer such values with an error of their own."""
        is_beyond = value.isdecimal() and len(value) > MAX_DIGITS
        if is_beyond or "\0" in value:
            return False
        return bool(super().lookup_allowed(lookup, value, request))

    def has_operate_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """Whether the user may ask for changes by command."""
        opts = self.model._meta
        return bool(request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}"))

    def the_object(self, request: HttpRequest, object_id: str) -> Any:
        """The row behind an action's address; 404 when it is not there or not the user's."""
        found = self.get_object(request, unquote(object_id))
        if found is None:
            raise Http404(f"no such {self.model._meta.verbose_name}")
        return found

    def action_url(self, name: str, pk: int | str | UUID) -> str:
        """Address of a detail action."""
        opts = self.model._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{name}", args=(quote(pk),))

    def action_links(self, pk: int | str | UUID, actions: Sequence[tuple[str, str]]) -> str:
        """Buttons of a row: `(action, label)`; each leads to its confirmation page."""
        return format_html_join(
            " ",
            '<a class="row-action" href="{}">{}</a>',
            ((self.action_url(name, pk), label) for name, label in actions),
        )


class ReadOnlyAdmin(AccountScopedAdmin):
    """A ledger: nobody adds, changes or deletes, superusers included (F78)."""

    sortable_by: Sequence[str] = ()
    actions: Sequence[Any] = ()

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False


class ServiceAdmin(AccountScopedAdmin):
    """A model that people edit through a service: subclasses give `save_form`, nothing else writes.

    `save_form` calls the service and returns its row; a refusal is shown and nothing is kept.
    """

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Queue with the other writers when saving; show a service's refusal."""
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        try:
            with write_transaction():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except TradeOpsError as error:
            tell_error(request, error)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, *_args: object) -> None:
        """Nothing: the service wrote it."""

    def save_related(self, *_args: object) -> None:
        """Nothing: the service wrote it."""


def tell_error(request: HttpRequest, error: TradeOpsError) -> None:
    """Show a refusal with its code."""
    messages.error(request, f"{error.code}: {error.detail}")


class ReadOnlyInline(TabularInline):
    """Rows of a ledger below the row that they belong to."""

    extra = 0
    can_delete = False
    show_change_link = True
    per_page = 50

    def has_add_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, _request: HttpRequest, _obj: Model | None = None) -> bool:
        return False


# Values -------------------------------------------------------------------------------------------

Column = Callable[[Any, Any], Any]


def decimals(name: str, description: str) -> Column:
    """A column with a decimal as it is, without trailing zeros. Not sortable: text on SQLite."""

    def column(_admin: object, row: object) -> str:
        value: Decimal | None = getattr(row, name)
        return EMPTY if value is None else plain(value)

    return _described(column, description)


def moment(name: str, description: str) -> Column:
    """A column with a time in UTC to the second."""

    def column(_admin: object, row: object) -> str:
        at = getattr(row, name)
        if at is None:
            return EMPTY
        return format_html(
            '<time datetime="{}">{}</time>', at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}"
        )

    return _described(column, f"{description} (UTC)")


def structure(name: str, description: str) -> Column:
    """A column with a JSON value, indented."""

    def column(_admin: object, row: object) -> str:
        return as_block(getattr(row, name))

    return _described(column, description)


def as_block(value: object) -> SafeString:
    """A JSON value as indented text."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre class="structure">{}</pre>', text)


def as_state(text: str, kind: str) -> SafeString:
    """A state as a coloured word; `kind` is ok, warn, danger, info or calm."""
    return format_html('<span class="state state-{}">{}</span>', kind, text)


def page_of(row: Model, text: str | None = None) -> SafeString:
    """A link to a row's page."""
    opts = row._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=(quote(row.pk),))
    return format_html('<a href="{}">{}</a>', url, text or str(row))


def list_of(model: type[Model], text: str, **query: object) -> SafeString:
    """A link to a filtered list."""
    opts = model._meta
    url = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
    return format_html('<a href="{}">{}</a>', f"{url}?{urlencode(query)}", text)


def _described(column: Column, description: str) -> Column:
    column.short_description = description  # type: ignore[attr-defined]  # Django reads it there
    return column


# Confirmation -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """What a confirmation page asks. `phrase` must be typed; `carry` goes through hidden fields."""

    title: str
    button: str
    lines: Sequence[str] = ()
    is_dangerous: bool = False
    asks_reason: bool = True
    reason_required: bool = True
    phrase: str = ""
    carry: Mapping[str, Sequence[str]] = field(default_factory=dict)


class ConfirmForm(forms.Form):
    """Reason and phrase; the token is drawn with the page, so a second click repeats it (F75)."""

    token = forms.UUIDField(widget=forms.HiddenInput)
    reason = forms.CharField(
        max_length=200, widget=UnfoldAdminTextInputWidget(attrs={"autofocus": True})
    )
    phrase = forms.CharField(widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}))

    def __init__(self, question: Question, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial={"token": uuid4()})
        self._phrase = question.phrase
        if not question.asks_reason:
            del self.fields["reason"]
        elif not question.reason_required:
            self.fields["reason"].required = False
        if question.phrase:
            self.fields["phrase"].label = f"Type “{question.phrase}”"
        else:
            del self.fields["phrase"]

    def clean_phrase(self) -> str:
        phrase: str = self.cleaned_data["phrase"]
        if phrase != self._phrase:
            raise forms.ValidationError(f"Type exactly: {self._phrase}")
        return phrase


@dataclass(frozen=True, slots=True)
class Answer:
    """A confirmed question. `token` identifies this one confirmation."""

    token: UUID
    reason: str
    values: Mapping[str, Any]


def confirm(
    request: HttpRequest,
    model_admin: Any,
    question: Question,
    *,
    form_class: type[ConfirmForm] = ConfirmForm,
) -> Answer | TemplateResponse:
    """The answer once it was posted and is valid, else the page that asks.

    Every change asked for in the admin passes here, so none happens on GET.

    Raises:
        PermissionDenied: the user may not ask for changes of this model.
    """
    if not model_admin.has_operate_permission(request):
        raise PermissionDenied
    posted = request.method == "POST" and "confirmed" in request.POST
    form = form_class(question, request.POST if posted else None)
    if posted and form.is_valid():
        values = form.cleaned_data
        return Answer(values["token"], values.get("reason", ""), values)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.model._meta,
        "title": question.title,
        "question": question,
        "form": form,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "admin/tradeops/confirm.html", context)
