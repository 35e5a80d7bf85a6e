"""Listen keys of the user data stream: one live key an account, 60 minutes from its last use.

Pure.
"""

import hashlib
from dataclasses import dataclass, field

LIFETIME_MS = 60 * 60_000


@dataclass(slots=True)
class ListenKey:
    """One key, whose account it is and when it ends (venue's clock)."""

    key: str
    account: str
    expires_ms: int


@dataclass(slots=True)
class ListenKeys:
    """The live keys. Ended keys are reported once by `expired`."""

    _by_key: dict[str, ListenKey] = field(default_factory=dict)
    _by_account: dict[str, ListenKey] = field(default_factory=dict)
    _issued: int = 0

    def open(self, account: str, now_ms: int) -> str:
        """Return the account's live key and extend it, or issue one."""
        live = self._by_account.get(account)
        if live is None:
            self._issued += 1
            digest = hashlib.sha256(f"{account}:{self._issued}:{now_ms}".encode()).hexdigest()
            live = ListenKey(digest, account, 0)
            self._by_key[digest] = self._by_account[account] = live
        live.expires_ms = now_ms + LIFETIME_MS
        return live.key

    def renew(self, account: str, now_ms: int) -> str | None:
        """Extend the account's live key; None when it has none."""
        return self.open(account, now_ms) if account in self._by_account else None

    def close(self, account: str) -> ListenKey | None:
        """End the account's key at once, as DELETE and the expiry fault do."""
        live = self._by_account.pop(account, None)
        if live is not None:
            del self._by_key[live.key]
        return live

    def account_of(self, key: str) -> str | None:
        """The account of a live key."""
        live = self._by_key.get(key)
        return live.account if live is not None else None

    def live(self) -> list[ListenKey]:
        """The live keys, for saving."""
        return list(self._by_key.values())

    def restore(self, key: str, account: str, expires_ms: int) -> None:
        """Make a saved key live again."""
        self._by_key[key] = self._by_account[account] = ListenKey(key, account, expires_ms)

    def expired(self, now_ms: int) -> list[ListenKey]:
        """End and return the keys whose time is over."""
        over = [live for live in self._by_key.values() if now_ms >= live.expires_ms]
        for live in over:
            self.close(live.account)
        return over
