"""What reconciliation did, and where this side and the venue differ."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from tradeops.journal.admin import brief
from tradeops.kit.admin import ReadOnlyAdmin, as_state, moment, structure
from tradeops.kit.filters import AccountFilter
from tradeops.reconcile.models import Drift, ReconcileRun


class OpenFilter(DropdownFilter):
    """Drifts that last unless asked otherwise."""

    title = "state"
    parameter_name = "state"

    def lookups(self, _request: HttpRequest, _model_admin: object) -> list[tuple[str, str]]:
        return [("open", "Open"), ("resolved", "Resolved"), ("all", "All")]

    def value(self) -> str:
        return super().value() or "open"

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "open":
            return queryset.filter(resolved_at=None)
        return queryset.exclude(resolved_at=None) if self.value() == "resolved" else queryset


@admin.register(Drift)
class DriftAdmin(ReadOnlyAdmin):
    """Both sides of each difference, as text for a person to judge."""

    list_display = (
        "last_seen",
        "account",
        "kind",
        "subject",
        "local_side",
        "venue_side",
        "seen",
        "state",
    )
    list_select_related = ("account",)
    list_filter = (OpenFilter, AccountFilter)
    ordering = ("-last_seen_at", "id")
    fields = (
        ("account", "kind", "subject"),
        ("here", "there"),
        ("first_seen", "last_seen", "seen"),
        "resolved",
    )
    first_seen = moment("first_seen_at", "First seen")
    last_seen = moment("last_seen_at", "Last seen")
    resolved = moment("resolved_at", "Resolved")
    here = structure("local", "Here")
    there = structure("venue", "Venue")

    @admin.display(description="Here")
    def local_side(self, row: Drift) -> str:
        return brief(row.local)

    @admin.display(description="Venue")
    def venue_side(self, row: Drift) -> str:
        return brief(row.venue)

    @admin.display(description="State")
    def state(self, row: Drift) -> str:
        is_open = row.resolved_at is None
        return as_state("OPEN", "danger") if is_open else as_state("RESOLVED", "calm")


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
