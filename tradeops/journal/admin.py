"""The journal to look at, and how every admin page asks for something: by a command."""

import uuid
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from tradeops.domain.commands import COMMAND_TYPES, CommandStatus, DomainCommand
from tradeops.domain.enums import Source
from tradeops.domain.events import EVENT_TYPES
from tradeops.journal.command_store import Asker, enqueue, wait
from tradeops.journal.models import SYSTEM_ACCOUNT_ID, Command, Event, JournalHead
from tradeops.kit.admin import (
    ReadOnlyAdmin,
    as_state,
    list_of,
    moment,
    page_of,
    structure,
)
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.people import ShowsWho, names_of

# A worker answers in milliseconds; whoever waits longer reads the command's page.
ANSWER_WAIT_S = 1.5
_SHORT_PAYLOAD = 160
_STATE_KINDS = {CommandStatus.ACK: "ok", CommandStatus.FAILED: "danger"}


def ask(
    request: HttpRequest,
    commands: Sequence[tuple[int, DomainCommand]],
    *,
    token: UUID,
    what: str,
) -> list[Command]:
    """Enqueue commands, `(account id, command)`, as the request's user, and tell how they ended.

    `token` is the confirmation's: repeating the same confirmation finds the same commands.

    Raises:
        PermissionDenied: one of the accounts is not the user's, or the desk as a whole is meant
            and the user is no superuser.
    """
    _check_accounts(request, {account_id for account_id, _ in commands})
    asker = Asker(f"user:{request.user.pk}", Source.ADMIN, getattr(request, "request_id", ""))
    rows = [
        enqueue(
            command,
            account_id=account_id,
            command_id=uuid.uuid5(token, f"{account_id} {command!r}"),
            asker=asker,
            now=SYSTEM_CLOCK.now(),
        )[0]
        for account_id, command in commands
    ]
    if len(rows) == 1:
        _tell(request, wait(rows[0].pk, timeout_s=ANSWER_WAIT_S), what)
    elif rows:
        link = list_of(Command, "commands", status__exact=CommandStatus.NEW)
        messages.info(request, format_html("{}: {} {} asked for.", what, len(rows), link))
    return rows


def _check_accounts(request: HttpRequest, account_ids: set[int]) -> None:
    user = request.user
    if user.is_superuser:
        return
    own = set(user.exchange_accounts.values_list("pk", flat=True))  # type: ignore[union-attr]
    if not account_ids <= own:
        raise PermissionDenied


def _tell(request: HttpRequest, command: Command, what: str) -> None:
    link = page_of(command, "command")
    if command.status == CommandStatus.ACK:
        messages.success(request, format_html("{}: done ({}).", what, link))
    elif command.status == CommandStatus.FAILED:
        reason = f"{command.code} {command.detail}".strip()
        messages.error(request, format_html("{}: failed, {} ({}).", what, reason, link))
    else:
        messages.info(request, format_html("{}: asked for, follow the {}.", what, link))


class JournalAccountFilter(DropdownFilter):
    """Accounts by the number that the journal knows them by."""

    title = "account"
    parameter_name = "account_id"

    def lookups(self, request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        heads = JournalHead.objects.order_by("pk").values_list("pk", flat=True)
        if not request.user.is_superuser:
            own = request.user.exchange_accounts.values_list("pk", flat=True)  # type: ignore[union-attr]
            heads = heads.filter(pk__in=own)
        return [(str(pk), name) for pk, name in _account_names(list(heads)).items()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(account_id=int(value)) if value.isdecimal() else queryset


class TypeFilter(DropdownFilter):
    """One type of the closed list."""

    title = "type"
    parameter_name = "type"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(EVENT_TYPES)]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() in EVENT_TYPES else queryset


class KindFilter(DropdownFilter):
    """One kind of the closed list."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(COMMAND_TYPES)]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(kind=self.value()) if self.value() in COMMAND_TYPES else queryset


def _account_names(account_ids: Sequence[int]) -> dict[int, str]:
    # By its name, since the journal lies below the accounts.
    accounts = apps.get_model("accounts", "ExchangeAccount")._default_manager
    found = dict(accounts.filter(pk__in=set(account_ids)).values_list("pk", "name"))
    found[SYSTEM_ACCOUNT_ID] = "desk"
    return {pk: found.get(pk, f"account {pk}") for pk in account_ids}


class JournalAdmin(ShowsWho, ReadOnlyAdmin):
    """A ledger whose rows know their account and actor by number."""

    def attach_names(self, rows: Sequence[Any]) -> None:
        super().attach_names(rows)
        names = _account_names([row.account_id for row in rows])
        for row in rows:
            row.account_name = names[row.account_id]

    @admin.display(description="Account")
    def account(self, row: Any) -> str:  # noqa: ANN401 - a row with names attached
        return str(row.account_name)


def as_uuid(text: str) -> UUID | None:
    """A UUID that somebody typed, None for anything else."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


@admin.register(Event)
class EventAdmin(JournalAdmin):
    """Facts, newest first; the chain of one request is found by its correlation id."""

    list_display = ("at", "account", "seq", "type", "what", "who", "source")
    list_filter = (TypeFilter, JournalAccountFilter)  # each has an index
    search_fields = ("pk",)
    search_help_text = "Correlation id (the command's id)"
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("type", "content", "at", "recorded", "who", "source")}),
        ("Chain", {"fields": ("account", "seq", "chain_of", "previous_hash", "hash", "dedup_key")}),
    )
    at = moment("occurred_at", "Time")
    recorded = moment("recorded_at", "Recorded")
    content = structure("payload", "Content")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first; within one account along its chain, where the index is."""
        return ("-seq", "-id") if request.GET.get("account_id") else ("-id",)

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        if not search_term:
            return queryset, False
        chain = as_uuid(search_term)
        return (queryset.filter(correlation_id=chain) if chain else queryset.none()), False

    @admin.display(description="What")
    def what(self, row: Event) -> str:
        return brief(row.payload)

    @admin.display(description="Whole chain")
    def chain_of(self, row: Event) -> str:
        if row.correlation_id is None:
            return "–"
        return list_of(Event, str(row.correlation_id), q=row.correlation_id)


def brief(payload: dict[str, Any]) -> str:
    """The scalar values of a payload on one line; ids and times give way to what happened."""
    short = {key: value for key, value in payload.items() if _is_short(value)}
    telling = {key: value for key, value in short.items() if not _is_reference(key, value)}
    words = [f"{key}={value}" for key, value in (telling or short).items()]
    text = " ".join(words)
    return text if len(text) <= _SHORT_PAYLOAD else f"{text[:_SHORT_PAYLOAD]}…"


def _is_short(value: object) -> bool:
    return value not in (None, "", False) and not isinstance(value, dict | list)


def _is_reference(key: str, value: object) -> bool:
    is_id = key.endswith("_id") and key != "subject_id"
    return is_id or key.endswith("_at") or as_uuid(str(value)) is not None


def verdict_rows(verdicts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Gate verdicts as the templates show them: numbers on one line."""
    return [
        {
            "gate": verdict.get("gate", ""),
            "passed": bool(verdict.get("passed")),
            "code": verdict.get("code", ""),
            "detail": verdict.get("detail", ""),
            "numbers": brief(verdict.get("numbers") or {}),
        }
        for verdict in verdicts
    ]


@admin.register(Command)
class CommandAdmin(JournalAdmin):
    """Requests and their fate, newest first."""

    actor_field = "principal"
    list_display = ("at", "account", "kind", "symbol", "state", "outcome", "who", "source")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        KindFilter,
        JournalAccountFilter,
    )
    search_fields = ("pk",)
    search_help_text = "Command id"
    ordering = ("-created_at", "-id")
    fieldsets = (
        (None, {"fields": ("id", "account", "kind", "content", "state", "outcome", "answer")}),
        ("Asked", {"fields": ("at", "who", "source", "request_id", "expires")}),
        ("Worked on", {"fields": ("claimed_by", "attempts", "sent", "queries", "completed")}),
    )
    change_form_after_template = "admin/tradeops/command_detail.html"
    at = moment("created_at", "Asked")
    expires = moment("expires_at", "Expires")
    sent = moment("sent_at", "Sent")
    completed = moment("completed_at", "Completed")
    content = structure("payload", "Content")
    answer = structure("result", "Result")

    def get_search_results(
        self, _request: HttpRequest, queryset: QuerySet[Command], search_term: str
    ) -> tuple[QuerySet[Command], bool]:
        if not search_term:
            return queryset, False
        command_id = as_uuid(search_term)
        return (queryset.filter(pk=command_id) if command_id else queryset.none()), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - unfold is untyped
        """Add the gate verdicts and the events that followed from the command."""
        command = self.get_object(request, object_id)
        if command is not None:
            extra_context = {
                **(extra_context or {}),
                "verdicts": verdict_rows(command.verdicts),
                "timeline": timeline(command.pk),
                "is_waiting": not command.is_terminal,
            }
        return super().change_view(request, object_id, form_url, extra_context)

    @admin.display(description="Status")
    def state(self, row: Command) -> str:
        if row.outcome_unknown:
            return as_state("UNKNOWN", "warn")
        return as_state(row.status, _STATE_KINDS.get(CommandStatus(row.status), "info"))

    @admin.display(description="Outcome")
    def outcome(self, row: Command) -> str:
        venue = f" (venue {row.exchange_code})" if row.exchange_code else ""
        return f"{row.code} {row.detail}{venue}".strip() or "–"


TIMELINE_LENGTH = 200


def timeline(correlation_id: UUID) -> list[dict[str, Any]]:
    """The events of one chain, oldest first, as the templates show them."""
    found = Event.objects.filter(correlation_id=correlation_id).order_by("id")
    rows = list(found[:TIMELINE_LENGTH])
    names = names_of(row.actor for row in rows)
    return [
        {
            "at": row.occurred_at,
            "name": page_of(row, row.type),
            "what": brief(row.payload),
            "actor": names[row.actor],
            "source": row.source,
        }
        for row in rows
    ]
