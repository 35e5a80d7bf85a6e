"""What a reply means, in our error tree: refusal, doubt, or a report that can be read. Pure.

Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code and
general-info (HTTP return codes), read 2026-11; design `binance.md` §7.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tradeops.exchange.binance.fields import UNREADABLE
from tradeops.exchange.errors import (
    Ambiguous,
    ClockSkew,
    ExchangeError,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
)

Report = TypeVar("Report")

DUPLICATE_ID = -4116
LISTEN_KEY_UNKNOWN = -1125
UNKNOWN_SYMBOL = -1121
ORDER_RATE = -1015
# The state asked for is there already.
ALREADY_SO = frozenset({-4046, -4052, -4059, -4171, -5027})

OVERLOADED = -1008  # a documented failure in spite of its status 503
_UNKNOWN_OUTCOME = frozenset({-1000, -1001, -1006, -1007, DUPLICATE_ID})
_RATE = frozenset({-1003, ORDER_RATE})
_NOT_FOUND = frozenset({-2011, -2013})
_UNAUTHORIZED = frozenset({-1002, -1022, -2014, -2015, -2017, -4088})
_CLOCK = frozenset({-1021, -5028})  # -5028: the matching engine checked recvWindow again
_TOO_MANY, _BANNED, _TIMED_OUT, _SERVER_FAULT = 429, 418, 408, 500
_BAN_WITHOUT_END_S = 120.0  # bans last from two minutes to three days
_LONGEST_BAN_S = 3 * 86_400.0
_OVERLOAD_PAUSE_S = 1.0
_MINUTE_S = 60
_TEN_SECONDS_S = 10
_BANNED_UNTIL = re.compile(r"until (\d{13})")
_DETAIL_LENGTH = 200


def failure_of(
    status: int, headers: Mapping[str, str], body: bytes, venue_now_s: float
) -> ExchangeError:
    """Return the error that a reply with a status other than 2xx stands for.

    `venue_now_s` is the venue's clock in epoch seconds. What is not proven to be a refusal is
    Ambiguous, for reads as well: they may be repeated.
    """
    code, message = _code_and_message(body)
    if code == OVERLOADED:
        return Throttled(message, code=code, retry_after_s=_OVERLOAD_PAUSE_S)
    if status in {_TOO_MANY, _BANNED} or code in _RATE:
        return Throttled(
            message,
            code=code,
            retry_after_s=_stay_away_s(status, headers, message, code, venue_now_s),
            banned=status == _BANNED,
        )
    if status >= _SERVER_FAULT or status == _TIMED_OUT or not code or code in _UNKNOWN_OUTCOME:
        return Ambiguous(f"HTTP {status}: {message}", code=code)
    return _refusal(code, message)


def is_refusal(payload: object) -> bool:
    """Whether a payload is an error, whatever its status said: {"code": -2011, "msg": …}."""
    if not isinstance(payload, Mapping) or "msg" not in payload:
        return False
    code = payload.get("code")
    return isinstance(code, int) and code < 0


def acknowledge(payload: Any) -> None:
    """Take the success of a call that tells nothing else: {"code": 200 or "200", …}.

    Raises Ambiguous for anything else under a status of success.
    """
    if not isinstance(payload, Mapping) or str(payload.get("code")) != "200":
        message = "a success that does not say so"
        raise Ambiguous(message)


def understood(read: Callable[[Any], Report], payload: Any) -> Report:
    """Read the payload of a success. Raises Ambiguous when it cannot be: it proves nothing (F9)."""
    try:
        return read(payload)
    except UNREADABLE as error:
        message = f"unreadable reply: {type(error).__name__} {error}"
        raise Ambiguous(message) from error


def each_understood(read: Callable[[Any], Report], payload: Any) -> list[Report]:
    """Read every row of a list. Raises Ambiguous; half a list would look like a whole one."""
    return understood(lambda rows: [read(row) for row in rows], payload)


def _refusal(code: int, message: str) -> Rejected:
    kinds: tuple[tuple[frozenset[int], type[Rejected]], ...] = (
        (_NOT_FOUND, NotFound),
        (_UNAUTHORIZED, Unauthorized),
        (_CLOCK, ClockSkew),
    )
    kind = next((kind for codes, kind in kinds if code in codes), Rejected)
    return kind(message, code=code)


def _code_and_message(body: bytes) -> tuple[int, str]:
    try:
        reply = json.loads(body)
        return int(reply["code"]), str(reply["msg"])
    except UNREADABLE:
        return 0, body[:_DETAIL_LENGTH].decode(errors="replace").strip() or "empty reply"


def _stay_away_s(
    status: int, headers: Mapping[str, str], message: str, code: int, venue_now_s: float
) -> float:
    # Retry-After is not documented for fapi: believed when it is there and is seconds.
    told = headers.get("Retry-After", "")
    if told.isascii() and told.isdigit():
        return min(float(told), _LONGEST_BAN_S)
    until = _BANNED_UNTIL.search(message)
    if until:
        return min(max(0.0, int(until[1]) / 1000 - venue_now_s), _LONGEST_BAN_S)
    if status == _BANNED:
        return _BAN_WITHOUT_END_S
    ten_seconds = code == ORDER_RATE and "MINUTE" not in message.upper()
    window_s = _TEN_SECONDS_S if ten_seconds else _MINUTE_S
    return window_s - venue_now_s % window_s
