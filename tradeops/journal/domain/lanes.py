"""Which commands queue in one line (F79). Pure.

A lane is what is asked about one account and symbol and what must not run side by side: orders,
amendments, leverage, margin. Its commands start one at a time, oldest first, each from its claim
until it ended or its outcome became unknown. Cancels are in no lane: they never wait.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

LANE_KINDS = frozenset(
    {
        "PlaceOrder",
        "ClosePosition",
        "AmendOrder",
        "SetLeverage",
        "SetMarginMode",
        "ChangeIsolatedMargin",
    }
)
# An opening that waited longer is not what its asker sees any more (F80).
OPENING_TTL = timedelta(seconds=10)


def lane_of(account_id: int, kind: str, symbol: str) -> str | None:
    """`1:BTCUSDT`; None for what waits for nobody."""
    return f"{account_id}:{symbol}" if kind in LANE_KINDS and symbol else None


def opens(kind: str, payload: Mapping[str, Any]) -> bool:
    """Whether the command may add to a position: then it waits for unknown outcomes, too."""
    leaves = payload.get("reduce_only") or payload.get("close_position")
    return kind == "PlaceOrder" and not leaves
