"""Who may watch the live websocket, and what."""

from importlib import import_module
from typing import Any, Protocol
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import User

from accounts.models import ExchangeAccount
from positions.live import in_thread


class Watcher(Protocol):
    """Somebody who was let in. Both questions read the database each time."""

    def is_valid(self) -> bool:
        """Whether the session or key still stands."""
        ...

    def may_read(self, account_id: int) -> bool:
        """Whether this account is theirs (F89)."""
        ...


async def identify(scope: dict[str, Any]) -> Watcher | None:
    """The client behind a websocket handshake, None when it may not come in."""
    headers = {name: value.decode("latin1") for name, value in scope["headers"]}
    session_key = scope["cookies"].get(settings.SESSION_COOKIE_NAME)
    if session_key and is_same_origin(headers.get(b"origin", ""), headers.get(b"host", "")):
        watcher = SessionWatcher(session_key)
        return watcher if await in_thread(watcher.is_valid) else None
    return None


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page of this very host and port asks: cookies alone do not prove it (F81)."""
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()


class SessionWatcher:
    """An operator who is logged in."""

    def __init__(self, session_key: str) -> None:
        self._session_key = session_key

    def is_valid(self) -> bool:
        return self._user() is not None

    def may_read(self, account_id: int) -> bool:
        user = self._user()
        if user is None:
            return False
        accounts = ExchangeAccount.objects.filter(pk=account_id)
        return (accounts if user.is_superuser else accounts.filter(operators=user)).exists()

    def _user(self) -> User | None:
        request: Any = _SessionRequest(self._session_key)
        user = get_user(request)  # checks the password hash of the session, too
        return user if isinstance(user, User) and user.is_active and user.is_staff else None


class _SessionRequest:
    """As much of a request as django.contrib.auth reads."""

    def __init__(self, session_key: str) -> None:
        self.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
