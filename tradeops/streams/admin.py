"""Who serves which account's streams."""

from django.contrib import admin

from tradeops.domain.enums import StreamState
from tradeops.kit.admin import ReadOnlyAdmin, as_state, moment
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.streams.models import StreamLease


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
