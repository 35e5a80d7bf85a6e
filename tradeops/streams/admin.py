"""Who serves which account's streams, what they are worth, and what guards resting openings."""

from django.contrib import admin

from tradeops.domain.enums import StreamState
from tradeops.kit.admin import ReadOnlyAdmin, as_state, moment
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.streams.domain.feed_health import FeedState
from tradeops.streams.models import DeadMan, FeedHealth, PeriodLease, StreamLease


@admin.register(StreamLease)
class StreamLeaseAdmin(ReadOnlyAdmin):
    """Leases with their fencing token; taken over by another worker when they expire."""

    list_display = ("account", "shown_state", "state_detail", "since", "owner", "token", "lease")
    list_select_related = ("account",)
    ordering = ("account_id",)
    fields = (("account", "owner", "token"), ("shown_state", "state_detail"), ("since", "until"))
    since = moment("state_at", "Since")
    until = moment("expires_at", "Lease until")

    @admin.display(description="State")
    def shown_state(self, row: StreamLease) -> str:
        return as_state(row.state, "ok" if row.state == StreamState.CONNECTED else "warn")

    @admin.display(description="Lease")
    def lease(self, row: StreamLease) -> str:
        held = row.expires_at > SYSTEM_CLOCK.now()
        return as_state("HELD", "ok") if held else as_state("EXPIRED", "danger")


@admin.register(FeedHealth)
class FeedHealthAdmin(ReadOnlyAdmin):
    """What each account's stream is worth; openings wait while it is not HEALTHY."""

    list_display = ("account", "shown_state", "reason", "since")
    list_select_related = ("account",)
    ordering = ("account_id",)
    fields = (("account", "shown_state"), "reason", "since")
    since = moment("changed_at", "Since")

    @admin.display(description="State")
    def shown_state(self, row: FeedHealth) -> str:
        tones = {FeedState.HEALTHY: "ok", FeedState.DEGRADED: "warn", FeedState.SAFE: "danger"}
        return as_state(row.state, tones[FeedState(row.state)])


@admin.register(DeadMan)
class DeadManAdmin(ReadOnlyAdmin):
    """Countdowns that run at the venue. Conditional orders are not assumed to be covered."""

    list_display = ("account", "symbol", "seconds", "armed")
    list_display_links = None
    list_select_related = ("account",)
    ordering = ("account_id", "symbol")
    fields = (("account", "symbol"), ("seconds", "armed"))
    armed = moment("armed_at", "Armed since")

    @admin.display(description="Countdown")
    def seconds(self, row: DeadMan) -> str:
        return f"{row.countdown_ms / 1000:g} s"


@admin.register(PeriodLease)
class PeriodLeaseAdmin(ReadOnlyAdmin):
    """How often each period has run."""

    list_display = ("name", "runs")
    list_display_links = None
    ordering = ("name",)
    fields = (("name", "runs"),)
