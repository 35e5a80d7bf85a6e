"""End an API key for good."""

from datetime import datetime

from accounts.models import ApiToken
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import ConfigChanged
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.journal.models import SYSTEM_ACCOUNT_ID
from tradeops.kit.db import write_transaction


def revoke_api_token(
    *, prefix: str, actor: str, now: datetime, source: Source = Source.CLI, reason: str = ""
) -> ApiToken:
    """The key as it is now: revoked, at `now` or before. Revoking twice changes nothing.

    Raises:
        TradeOpsError: NOT_FOUND for an unknown prefix.
    """
    with write_transaction():
        row = ApiToken.objects.select_for_update().filter(prefix=prefix).first()
        if row is None:
            raise TradeOpsError(ErrorCode.NOT_FOUND, f"There is no key {prefix}.")
        if row.revoked_at is None:
            row.revoked_at = now
            row.save(update_fields=["revoked_at"])
            event = ConfigChanged(
                "api_token", prefix, version=2, old={"revoked": False}, reason=reason
            )
            append(SYSTEM_ACCOUNT_ID, [Draft(event, now)], Origin(actor, source, now))
    return row
