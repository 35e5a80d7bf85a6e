"""Create an exchange account with its sealed key."""

import re
from datetime import datetime

from django.db import IntegrityError

from accounts.models import ExchangeAccount
from accounts.services.credential_seal import sealed_credential
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import ConfigChanged
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.kit.db import write_transaction

# Not digits alone: requests name an account by its name or by its number.
_NAME = re.compile(r"(?!\d+$)[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)


def create_account(
    *,
    name: str,
    api_key: str,
    api_secret: str,
    actor: str,
    now: datetime,
    source: Source = Source.CLI,
) -> ExchangeAccount:
    """Create the account, its credential and its first event, ConfigChanged, at once.

    `name` is lower-case letters, digits, `-` and `_`. The event carries the key's hint only.

    Raises:
        TradeOpsError: VALIDATION_ERROR for a bad or taken name, or an impossible key.
        SealError: without a usable `SEAL_PUBLIC_KEY`.
    """
    if not _NAME.fullmatch(name):
        raise TradeOpsError(
            ErrorCode.VALIDATION_ERROR,
            "An account's name is 1 to 40 lower-case letters, digits, - and _, no mere number.",
        )
    try:
        with write_transaction():
            account = ExchangeAccount.objects.create(name=name)
            credential = sealed_credential(account, api_key=api_key, api_secret=api_secret, now=now)
            credential.save(force_insert=True)
            new = {"name": name, "venue": str(account.venue), "key": str(credential)}
            event = ConfigChanged("account", str(account.pk), version=1, new=new)
            append(account.pk, [Draft(event, now)], Origin(actor, source, now))
    except IntegrityError as error:
        raise TradeOpsError(
            ErrorCode.VALIDATION_ERROR, f"An account named {name} exists already."
        ) from error
    return account
