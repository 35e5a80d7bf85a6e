"""Holds: the system itself keeps openings back, each for a reason of its own. Pure.

A hold is an engine scope beside those of people (`all`, `account:…`, `symbol:…`): neither lifts the
other. Exits and cancels pass every hold.
"""

from enum import StrEnum

from tradeops.domain.errors import ErrorCode


class HoldKind(StrEnum):
    """Why openings are held back, and how far it reaches."""

    FEED = "feed"  # the account's stream is silent or disagrees (DEGRADED, then SAFE)
    CLOCK = "clock"  # our clock is more than 500 ms off the venue's (F64)
    ACCESS = "access"  # the venue refuses the account's key, signature or address
    MODE = "mode"  # the account is in hedge mode, which orders here do not expect (F74)
    QUARANTINE = "quarantine"  # the two sides disagree about a symbol (R1.6)
    CIRCUIT = "circuit"  # the venue refused the same thing three times (F10)


CODES = {
    HoldKind.FEED: ErrorCode.FEED_DEGRADED,
    HoldKind.CLOCK: ErrorCode.CLOCK_DRIFT,
    HoldKind.ACCESS: ErrorCode.ACCESS_REFUSED,
    HoldKind.MODE: ErrorCode.POSITION_MODE,
    HoldKind.QUARANTINE: ErrorCode.QUARANTINED,
    HoldKind.CIRCUIT: ErrorCode.CIRCUIT_OPEN,
}
_OF_A_SYMBOL = frozenset({HoldKind.QUARANTINE, HoldKind.CIRCUIT})


def hold_scope(kind: HoldKind, account_id: int, symbol: str = "") -> str:
    """`feed:1` or `quarantine:1:BTCUSDT`; raises ValueError when the symbol is missing or idle."""
    if (kind in _OF_A_SYMBOL) != bool(symbol):
        raise ValueError(f"{kind} with symbol {symbol!r}")
    return f"{kind}:{account_id}:{symbol}" if symbol else f"{kind}:{account_id}"


def hold_scopes(account_id: int, symbol: str) -> list[str]:
    """Every hold that covers an order in `symbol`."""
    return [
        hold_scope(kind, account_id, symbol if kind in _OF_A_SYMBOL else "") for kind in HoldKind
    ]


def code_of_scope(scope: str) -> ErrorCode | None:
    """The refusal of a hold; None for a scope that people decide."""
    kind = scope.partition(":")[0]
    return CODES[HoldKind(kind)] if kind in {item.value for item in HoldKind} else None
