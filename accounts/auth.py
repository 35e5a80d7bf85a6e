"""Who is asking: the desk's own token, an API key, a JWT, or a browser session (reads only).

A principal is what every route decides by. Its name scopes idempotency keys and rate limits, and
stands as actor in the journal.
"""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import jwt
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja.security import HttpBearer

from accounts.models import ApiToken, ExchangeAccount
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.http import ApiError

JWT_LIFETIME = timedelta(minutes=15)
TICKET_LIFETIME_S = 30
TOKEN_PREFIX = "tok_"  # noqa: S105 - the public part
_JWT_AUDIENCE = "tradeops"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Scope(StrEnum):
    """What a principal may do; `admin` includes settings of the desk as a whole."""

    READ = "read"
    TRADE = "trade"
    CANCEL = "cancel"
    RISK = "risk"
    ADMIN = "admin"


ALL_SCOPES = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated asker. `account_ids` None means every account, now and later."""

    name: str
    scopes: frozenset[Scope]
    account_ids: frozenset[int] | None = None
    writes_per_minute: int | None = None

    def may(self, scope: Scope) -> bool:
        """Whether the principal holds the scope."""
        return scope in self.scopes

    def may_see(self, account_id: int) -> bool:
        """Whether the account is among the principal's (I17)."""
        return self.account_ids is None or account_id in self.account_ids


class Needs(HttpBearer):
    """Route guard: `auth=Needs(Scope.TRADE)`; the principal is `request.auth`."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Principal:
        header = request.headers.get("Authorization", "")
        principal = self.authenticate(request, header) if header else _session(request)
        if principal is None:
            raise ApiError(
                ErrorCode.UNAUTHENTICATED,
                "Send a valid token as Authorization: Bearer …",
                headers={"WWW-Authenticate": "Bearer"},
            )
        request.principal_name = principal.name  # type: ignore[attr-defined]  # for the access log
        if not principal.may(self.scope):
            raise TradeOpsError(ErrorCode.FORBIDDEN, f"This needs the scope {self.scope!s}.")
        return principal

    def authenticate(self, request: HttpRequest, token: str) -> Principal | None:
        """The principal behind an Authorization header's value."""
        kind, _, secret = token.partition(" ")
        if kind.lower() != "bearer":
            return None
        return authenticate_token(
            secret.strip(), address=request.META.get("REMOTE_ADDR", ""), now=SYSTEM_CLOCK.now()
        )


def authenticate_token(token: str, *, address: str, now: datetime) -> Principal | None:
    """The principal of a bearer token used from `address` at `now`, or None."""
    if token.startswith(TOKEN_PREFIX):
        return _api_key(token, address, now)
    # On bytes: compare_digest refuses texts outside ASCII.
    if settings.AUTH_TOKEN and hmac.compare_digest(token.encode(), settings.AUTH_TOKEN.encode()):
        return Principal("token:desk", ALL_SCOPES)
    if token.count(".") == 2:  # noqa: PLR2004 - header, claims, signature
        return _bearer_jwt(token, now)
    return None


def operator_principal(user: User) -> Principal:
    """An operator with everything the account list and the staff flags give."""
    scopes = {Scope.READ}
    if user.is_staff:
        scopes |= {Scope.TRADE, Scope.CANCEL, Scope.RISK}
    if user.is_superuser:
        return Principal(f"user:{user.pk}", ALL_SCOPES)
    accounts = frozenset(user.exchange_accounts.values_list("pk", flat=True))
    return Principal(f"user:{user.pk}", frozenset(scopes), accounts)


def hash_token(token: str) -> str:
    """What is stored of an API key: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def _api_key(token: str, address: str, now: datetime) -> Principal | None:
    prefix = token.removeprefix(TOKEN_PREFIX).partition("_")[0]
    row = ApiToken.objects.select_related("owner").filter(prefix=prefix).first()
    if row is None or not hmac.compare_digest(row.secret_hash, hash_token(token)):
        return None
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if not row.owner.is_active or not _admits(row.allowed_networks, address):
        return None
    return _key_principal(row)


def _key_principal(row: ApiToken) -> Principal:
    bound = frozenset(row.accounts.values_list("pk", flat=True))
    owner = operator_principal(row.owner)
    return Principal(
        name=f"key:{row.prefix}",
        scopes=frozenset(Scope(s) for s in row.scopes) & owner.scopes,
        account_ids=_narrower(bound or None, owner.account_ids),
        writes_per_minute=row.writes_per_minute,
    )


def _narrower(bound: frozenset[int] | None, owner: frozenset[int] | None) -> frozenset[int] | None:
    if bound is None or owner is None:
        return owner if bound is None else bound
    return bound & owner


def _admits(networks: list[str], address: str) -> bool:
    if not networks:
        return True
    try:
        asker = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(asker in ipaddress.ip_network(network, strict=False) for network in networks)


def _jwt_key() -> bytes:
    return hashlib.sha256(b"tradeops.jwt:" + settings.SECRET_KEY.encode()).digest()


def issue_jwt(user: User, *, now: datetime) -> str:
    """A token for 15 minutes; it dies with the password that it was made with."""
    claims = {
        "sub": str(user.pk),
        "aud": _JWT_AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + JWT_LIFETIME).timestamp()),
        "pwd": user.get_session_auth_hash()[:16],
    }
    return jwt.encode(claims, _jwt_key(), algorithm="HS256")


def _bearer_jwt(token: str, now: datetime) -> Principal | None:
    try:
        claims = jwt.decode(
            token,
            _jwt_key(),
            algorithms=["HS256"],
            audience=_JWT_AUDIENCE,
            # Expiry is judged below, by the clock that is given.
            options={"require": ["sub", "exp", "iat"], "verify_exp": False, "verify_iat": False},
        )
        expires_at, user_id = int(claims["exp"]), int(claims["sub"])
    except (jwt.InvalidTokenError, TypeError, ValueError):
        return None
    if now.timestamp() >= expires_at:
        return None
    user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
    if user is None or not hmac.compare_digest(
        str(claims.get("pwd", "")).encode(), user.get_session_auth_hash()[:16].encode()
    ):
        return None
    return operator_principal(user)


def _session(request: HttpRequest) -> Principal | None:
    """A browser session: reads only, so that no other site can make it write (F82)."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return None
    if request.method not in _SAFE_METHODS:
        raise TradeOpsError(
            ErrorCode.FORBIDDEN, "A browser session may read; writing needs a bearer token."
        )
    return replace(operator_principal(user), scopes=frozenset({Scope.READ}))


# Websocket tickets --------------------------------------------------------------------------------


def issue_ticket(principal: Principal) -> str:
    """A random word that stands for the principal once, within 30 s."""
    ticket = secrets.token_urlsafe(32)
    cache.set(_ticket_key(ticket), _to_json(principal), TICKET_LIFETIME_S)
    return ticket


def redeem_ticket(ticket: str) -> Principal | None:
    """The principal of a ticket, the first time; None ever after."""
    key = _ticket_key(ticket)
    found: dict[str, Any] | None = cache.get(key)
    # Redis deletes a key once: of two who read it, one gets True.
    if found is None or not cache.delete(key):
        return None
    return _from_json(found)


def recheck(principal: Principal, *, now: datetime) -> Principal | None:
    """The principal as it is today; None once its key, user or right is gone.

    For connections that outlive the request that opened them.
    """
    kind, _, identity = principal.name.partition(":")
    if kind == "user":
        user = get_user_model().objects.filter(pk=int(identity), is_active=True).first()
        return None if user is None else operator_principal(user)
    if kind == "key":
        rows = ApiToken.objects.select_related("owner")
        alive = rows.filter(prefix=identity, revoked_at=None, owner__is_active=True).first()
        if alive is None or (alive.expires_at is not None and alive.expires_at <= now):
            return None
        return _key_principal(alive)
    return principal


def _ticket_key(ticket: str) -> str:
    return f"ws-ticket:{hash_token(ticket)}"


def _to_json(principal: Principal) -> dict[str, Any]:
    return {
        "name": principal.name,
        "scopes": sorted(principal.scopes),
        "account_ids": None if principal.account_ids is None else sorted(principal.account_ids),
    }


def _from_json(value: Mapping[str, Any]) -> Principal:
    ids = value["account_ids"]
    return Principal(
        value["name"],
        frozenset(Scope(scope) for scope in value["scopes"]),
        None if ids is None else frozenset(ids),
    )


# Accounts -----------------------------------------------------------------------------------------


def account_for(
    principal: Principal, reference: str | None, *, for_reading: bool = False
) -> ExchangeAccount:
    """The active account with this name (or numeric id); the oldest one when none is named.

    `for_reading` finds accounts that are no longer active, too.

    Raises:
        TradeOpsError: NOT_FOUND for one that is not there or not the principal's: the answer does
            not tell which (F89).
    """
    rows = ExchangeAccount.objects.all() if for_reading else _active_accounts()
    if principal.account_ids is not None:
        rows = rows.filter(pk__in=principal.account_ids)
    if reference is None:
        found = rows.order_by("pk").first()
    elif reference.isdecimal() and reference.isascii():
        found = rows.filter(pk=int(reference[:18])).first()
    else:
        found = rows.filter(name=reference).first()
    if found is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such account for you.")
    return found


def _active_accounts() -> QuerySet[ExchangeAccount]:
    return ExchangeAccount.objects.filter(is_active=True)


def readable_ids(principal: Principal, reference: str | None) -> frozenset[int] | None:
    """Ids of the accounts that a list covers: the one named, else all of the principal's.

    Raises:
        TradeOpsError: NOT_FOUND as `account_for`.
    """
    if reference is None:
        return principal.account_ids
    return frozenset({account_for(principal, reference, for_reading=True).pk})
