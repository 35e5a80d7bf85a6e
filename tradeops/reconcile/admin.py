"""What reconciliation did, and where this side and the venue differ."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action

from tradeops.domain.commands import ResolveDrift
from tradeops.domain.enums import DriftDecision
from tradeops.journal.admin import ask, brief
from tradeops.kit.admin import (
    Answer,
    Question,
    ReadOnlyAdmin,
    as_state,
    confirm,
    moment,
    structure,
)
from tradeops.kit.filters import AccountFilter
from tradeops.kit.people import ShowsWho
from tradeops.reconcile.domain.hysteresis import DriftStatus
from tradeops.reconcile.domain.sides import DriftKind, symbol_of
from tradeops.reconcile.models import Drift, ReconcileRun

_STATE_KINDS = {
    DriftStatus.SUSPECTED: "warn",
    DriftStatus.OPEN: "danger",
    DriftStatus.IGNORED: "info",
    DriftStatus.RESOLVED: "calm",
}
_LASTING = (DriftStatus.SUSPECTED, DriftStatus.OPEN, DriftStatus.IGNORED)
_DECIDABLE = (DriftStatus.OPEN, DriftStatus.IGNORED)


class OpenFilter(DropdownFilter):
    """Drifts that last unless asked otherwise."""

    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        words = [(status.lower(), status.capitalize()) for status in DriftStatus]
        return [("lasting", "Lasting"), *words, ("all", "All")]

    def value(self) -> str:
        return super().value() or "lasting"

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        word = self.value()
        if word == "lasting":
            return queryset.filter(status__in=_LASTING)
        known = word.upper() in set(DriftStatus)
        return queryset.filter(status=word.upper()) if known else queryset


@admin.register(Drift)
class DriftAdmin(ShowsWho, ReadOnlyAdmin):
    """Both sides of each difference with the evidence, and the four things to do about it."""

    actor_field = "decided_by"
    list_display = (
        "last_seen",
        "account",
        "kind",
        "subject",
        "local_side",
        "venue_side",
        "seen",
        "state",
        "more",
    )
    list_select_related = ("account",)
    list_filter = (OpenFilter, AccountFilter)
    ordering = ("-last_seen_at", "id")
    actions_detail = ("adopt", "ignore", "flatten", "rebuild")
    fieldsets = (
        (
            "Difference",
            {
                "fields": (
                    ("account", "kind", "subject"),
                    ("here", "there"),
                    ("first_seen", "last_seen", "seen"),
                    "state",
                )
            },
        ),
        ("Evidence", {"fields": ("shown_evidence",)}),
        ("Decision", {"fields": (("decision", "who", "decided"), "reason", "resolved")}),
    )
    first_seen = moment("first_seen_at", "First seen")
    last_seen = moment("last_seen_at", "Last seen")
    resolved = moment("resolved_at", "Resolved")
    decided = moment("decided_at", "Decided")
    here = structure("local", "Here")
    there = structure("venue", "Venue")
    shown_evidence = structure("evidence", "What was read, and what is booked")

    @admin.display(description="Here")
    def local_side(self, row: Drift) -> str:
        return brief(row.local)

    @admin.display(description="Venue")
    def venue_side(self, row: Drift) -> str:
        return brief(row.venue)

    @admin.display(description="State")
    def state(self, row: Drift) -> str:
        status = DriftStatus(row.status)
        text = f"{status} · needs you" if row.needs_human else status.value
        return as_state(text, _STATE_KINDS[status])

    @admin.display(description="")
    def more(self, row: Drift) -> str:
        offered = [(word, f"{word.capitalize()}…") for word in _offered(row)]
        return self.action_links(row.pk, offered)

    # Asking --------------------------------------------------------------------------------------

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer what can still be decided about this drift."""
        row = self.get_object(request, unquote(object_id))
        offered: list[Any] = super().get_actions_detail(request, object_id)
        words = set() if row is None else {f"{word}" for word in _offered(row)}
        return [item for item in offered if item.path in words]

    @action(description="Adopt…", permissions=["operate"])
    def adopt(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Book what the venue says."""
        lines = ("What the venue says is booked here, without a fill where it is a position.",)
        return self._decide(request, object_id, DriftDecision.ADOPT, lines)

    @action(description="Ignore…", permissions=["operate"])
    def ignore(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Leave both sides."""
        lines = ("Nothing is booked. Openings are admitted again; a change brings it back.",)
        return self._decide(request, object_id, DriftDecision.IGNORE, lines)

    @action(description="Flatten…", permissions=["operate"])
    def flatten(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Adopt, and close the position at the venue."""
        lines = (
            "What the venue says is booked here, then the position is closed.",
            "The close is an ordinary reduce-only market order.",
        )
        return self._decide(request, object_id, DriftDecision.FLATTEN, lines)

    @action(description="Rebuild…", permissions=["operate"])
    def rebuild(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Derive the account's rows from its journal anew."""
        lines = ("The account's rows are derived from its journal anew, then compared again.",)
        return self._decide(request, object_id, DriftDecision.REBUILD, lines)

    def _decide(
        self,
        request: HttpRequest,
        object_id: str,
        decision: DriftDecision,
        lines: Sequence[str],
    ) -> HttpResponse:
        drift: Drift = self.the_object(request, object_id)
        question = Question(
            title=f"{decision.capitalize()} the drift {drift}?",
            button=decision.capitalize(),
            lines=(f"Here {brief(drift.local)}, at the venue {brief(drift.venue)}.", *lines),
            is_dangerous=decision is DriftDecision.FLATTEN,
        )
        answer = confirm(request, self, question)
        if not isinstance(answer, Answer):
            return answer
        symbol = symbol_of(DriftKind(drift.kind), drift.subject)
        command = ResolveDrift(drift.pk, decision, answer.reason, symbol)
        what = decision.capitalize()
        ask(request, [(drift.account_id, command)], token=answer.token, what=what)
        return HttpResponseRedirect(self.action_url("change", drift.pk))


def _offered(row: Drift) -> list[DriftDecision]:
    """What can be decided: nothing about what is over, and only a position can be closed."""
    if row.status not in _DECIDABLE:
        return []
    is_position = row.kind == DriftKind.POSITION
    return [item for item in DriftDecision if is_position or item is not DriftDecision.FLATTEN]


@admin.register(ReconcileRun)
class ReconcileRunAdmin(ReadOnlyAdmin):
    """Comparisons, newest first."""

    list_display = (
        "started",
        "account",
        "scope",
        "trigger",
        "duration",
        "healed",
        "drifts",
        "outcome",
    )
    list_select_related = ("account",)
    list_filter = (AccountFilter,)
    ordering = ("-started_at", "id")
    fields = (
        ("account", "scope", "trigger"),
        ("started", "finished", "duration"),
        ("healed", "drifts"),
        "outcome",
    )
    started = moment("started_at", "Started")
    finished = moment("finished_at", "Finished")

    @admin.display(description="Duration")
    def duration(self, row: ReconcileRun) -> str:
        if row.finished_at is None:
            return "–"
        return f"{(row.finished_at - row.started_at).total_seconds() * 1000:.0f} ms"

    @admin.display(description="Outcome")
    def outcome(self, row: ReconcileRun) -> str:
        if row.error:
            return as_state(row.error, "danger")
        return as_state("OK", "ok") if row.finished_at else as_state("RUNNING", "info")
