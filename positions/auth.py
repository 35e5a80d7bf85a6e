"""Who may watch the live websocket, and what."""

from importlib import import_module
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import get_user

from accounts.auth import Principal, Scope, operator_principal, recheck, redeem_ticket
from accounts.models import ExchangeAccount
from positions.live import in_thread
from tradeops.kit.clock import SYSTEM_CLOCK


class Watcher(Protocol):
    """Somebody who was let in."""

    def current(self) -> Principal | None:
        """The principal as the database has it now; None once session, key or user is gone."""
        ...


async def identify(scope: dict[str, Any]) -> Watcher | None:
    """The client behind a websocket handshake, None when it may not come in.

    A ticket proves itself and is good for programs, which send no Origin. A session's cookie is
    sent by any page of any site, so it counts only from a page of this very host and port (F81).
    """
    return await in_thread(_identify, scope)


def _identify(scope: dict[str, Any]) -> Watcher | None:
    ticket = parse_qs(scope["query_string"].decode("latin1")).get("ticket")
    if ticket:
        principal = redeem_ticket(ticket[0])
        return TicketWatcher(principal) if principal is not None else None
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    session_key = scope["cookies"].get(settings.SESSION_COOKIE_NAME)
    if not session_key or not _is_same_origin(headers.get(b"origin", ""), headers.get(b"host", "")):
        return None
    watcher = SessionWatcher(session_key)
    return watcher if watcher.current() is not None else None


def _is_same_origin(origin: str, host: str) -> bool:
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()


def may_watch(watcher: Watcher, *account_ids: int) -> bool:
    """Whether these accounts exist and are, at this moment, the watcher's to read (F89)."""
    principal = watcher.current()
    if principal is None or not principal.may(Scope.READ):
        return False
    if not all(map(principal.may_see, account_ids)):
        return False
    found = ExchangeAccount.objects.filter(pk__in=account_ids).count() if account_ids else 0
    return found == len(set(account_ids))


class TicketWatcher:
    """Who opened the connection with a ticket."""

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def current(self) -> Principal | None:
        return recheck(self._principal, now=SYSTEM_CLOCK.now())


class SessionWatcher:
    """An operator who is logged in."""

    def __init__(self, session_key: str) -> None:
        self._session_key = session_key

    def current(self) -> Principal | None:
        request: Any = _SessionRequest(self._session_key)
        user = get_user(request)  # compares the session with the password, too
        return operator_principal(user) if user.is_authenticated and user.is_active else None


class _SessionRequest:
    """As much of a request as django.contrib.auth reads."""

    def __init__(self, session_key: str) -> None:
        self.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
