"""Replace an account's venue key."""

from datetime import datetime

from accounts.models import Credential, ExchangeAccount
from accounts.services.credential_seal import sealed_credential
from tradeops.domain.enums import Source
from tradeops.domain.events import ConfigChanged
from tradeops.journal.event_store import Draft, Origin, append, lock_head
from tradeops.kit.db import write_transaction


def replace_credential(
    *,
    account: ExchangeAccount,
    api_key: str,
    api_secret: str,
    actor: str,
    source: Source,
    reason: str,
    now: datetime,
) -> Credential:
    """Seal the new key, revoke the current one and journal ConfigChanged with both hints.

    Workers open the account anew with their next call. The revoked row stays for the audit.

    Raises:
        TradeOpsError: VALIDATION_ERROR for an impossible key.
        SealError: without a usable `SEAL_PUBLIC_KEY`.
    """
    fresh = sealed_credential(account, api_key=api_key, api_secret=api_secret, now=now)
    with write_transaction():
        lock_head(account.pk)  # one rotation of an account at a time
        before = Credential.objects.filter(account=account, is_current=True).first()
        if before is not None:
            before.is_current = False
            before.revoked_at = now
            before.save(update_fields=["is_current", "revoked_at"])
        fresh.save(force_insert=True)
        event = ConfigChanged(
            "credential",
            str(account.pk),
            version=Credential.objects.filter(account=account).count(),
            old={"key": str(before)} if before else {},
            new={"key": str(fresh)},
            reason=reason,
        )
        append(account.pk, [Draft(event, now)], Origin(actor, source, now))
    return fresh
