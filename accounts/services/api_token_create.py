"""Make an API key; the whole of it is shown once, here, and never stored."""

import hashlib
import ipaddress
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime

from django.contrib.auth.models import User

from accounts.models import ApiToken, ExchangeAccount
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import ConfigChanged
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.journal.models import SYSTEM_ACCOUNT_ID
from tradeops.kit.db import write_transaction

SCOPES = ("read", "trade", "cancel", "risk", "admin")
MAX_NAME = 60
PREFIX_BYTES = 4
SECRET_BYTES = 32


def create_api_token(
    *,
    name: str,
    owner: User,
    scopes: Collection[str],
    actor: str,
    now: datetime,
    accounts: Sequence[ExchangeAccount] = (),
    allowed_networks: Sequence[str] = (),
    writes_per_minute: int | None = None,
    expires_at: datetime | None = None,
    source: Source = Source.CLI,
) -> tuple[ApiToken, str]:
    """The stored row, and the key `tok_<prefix>_<secret>` for the one who asked.

    No accounts means all that the owner may see; no networks means from everywhere. A key never
    has more rights than its owner has when it is used.

    Raises:
        TradeOpsError: VALIDATION_ERROR for an unknown scope, a bad network, or an end in the past.
    """
    _check(name, scopes, allowed_networks, expires_at, now)
    if writes_per_minute is not None and writes_per_minute < 1:
        raise _invalid("A key that may write at all may write once a minute.")
    prefix = secrets.token_hex(PREFIX_BYTES)
    key = f"tok_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    with write_transaction():
        row = ApiToken.objects.create(
            name=name,
            prefix=prefix,
            secret_hash=hashlib.sha256(key.encode()).hexdigest(),
            owner=owner,
            scopes=sorted(set(scopes)),
            allowed_networks=list(allowed_networks),
            writes_per_minute=writes_per_minute,
            created_at=now,
            expires_at=expires_at,
        )
        row.accounts.set(accounts)
        new = {
            "name": name,
            "owner": f"user:{owner.pk}",
            "scopes": row.scopes,
            "accounts": [account.pk for account in accounts],
            "allowed_networks": row.allowed_networks,
            "writes_per_minute": writes_per_minute,
            "expires_at": expires_at.isoformat() if expires_at else None,
        }
        event = ConfigChanged("api_token", prefix, version=1, new=new)
        append(SYSTEM_ACCOUNT_ID, [Draft(event, now)], Origin(actor, source, now))
    return row, key


def _check(
    name: str,
    scopes: Collection[str],
    networks: Sequence[str],
    expires_at: datetime | None,
    now: datetime,
) -> None:
    if not 0 < len(name) <= MAX_NAME:
        raise _invalid(f"A key's name has 1 to {MAX_NAME} characters.")
    if not scopes or not set(scopes) <= set(SCOPES):
        raise _invalid(f"A key has one or more of the scopes {', '.join(SCOPES)}.")
    if expires_at is not None and expires_at <= now:
        raise _invalid("A key ends in the future, or never.")
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise _invalid(f"{network} is no network, such as 10.0.0.0/8.") from error


def _invalid(detail: str) -> TradeOpsError:
    return TradeOpsError(ErrorCode.VALIDATION_ERROR, detail)
