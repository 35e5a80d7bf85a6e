"""API keys and signatures of the Binance dialect. Pure: the venue's time is an argument."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from tradeops.exchange.paper.wire.calls import Params
from tradeops.exchange.paper.wire.errors import (
    AHEAD_OF_SERVER,
    BAD_SIGNATURE,
    KEY_FORMAT,
    KEY_UNKNOWN,
    OUTSIDE_WINDOW,
    WireError,
    missing,
)

DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
AHEAD_MS = 1_000
_KEY = re.compile(r"[A-Za-z0-9_.-]{8,128}")
_STAMP = re.compile(r"[0-9]{1,18}")
_SIGNATURE = re.compile(r"(^|&)signature=[^&]*")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One API key, its HMAC secret and the account it belongs to."""

    key: str
    secret: str
    account: str


class KeyRing:
    """The API keys of the venue."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self.keys = {entry.key: entry for entry in keys}

    def identify(self, api_key: str | None) -> ApiKey | WireError:
        """Find a key: -2014 when absent or malformed, -2015 when unknown."""
        if api_key is None or _KEY.fullmatch(api_key) is None:
            return KEY_FORMAT
        return self.keys.get(api_key, KEY_UNKNOWN)


def check_signed(
    key: ApiKey, query: str, body: str, params: Params, now_ms: int
) -> WireError | None:
    """Check signature, timestamp and recvWindow of a signed request."""
    for name in ("timestamp", "signature"):
        if not params.get(name):
            return missing(name)
    if _STAMP.fullmatch(params["timestamp"]) is None:
        return missing("timestamp")
    if not is_signed(key.secret, query, body, params["signature"]):
        return BAD_SIGNATURE
    return check_window(params, now_ms)


def check_window(params: Params, now_ms: int) -> WireError | None:
    """Check a timestamp against the venue's time: at most 1 s ahead, at most recvWindow old."""
    window = params.get("recvWindow") or str(DEFAULT_WINDOW_MS)
    if _STAMP.fullmatch(window) is None or int(window) > MAX_WINDOW_MS:
        return missing("recvWindow")
    stamp = int(params["timestamp"])
    if stamp >= now_ms + AHEAD_MS:
        return AHEAD_OF_SERVER
    return OUTSIDE_WINDOW if now_ms - stamp > int(window) else None


def is_signed(secret: str, query: str, body: str, signature: str) -> bool:
    """True when the signature covers query + body, as sent or percent-decoded.

    Clients disagree on which they sign; binance.md 2 lists who does what.
    """
    sent = _SIGNATURE.sub("", query) + _SIGNATURE.sub("", body)
    wanted = signature.lower().encode()
    for payload in (sent, unquote_plus(sent)):
        if hmac.compare_digest(sign(secret, payload).encode(), wanted):
            return True
    return False


def sign(secret: str, payload: str) -> str:
    """HMAC-SHA256 of the payload, hexadecimal."""
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
