"""Order states form a lattice that is only climbed (R1.7, F27).

NEW < SUBMITTED < ACKNOWLEDGED < PARTIALLY_FILLED < {FILLED, CANCELLED, REJECTED, EXPIRED}

A terminal state stays, with one exception: REJECTED gives way to any state in which the venue holds
the order, because that is proof that it was there after all (LOST → adopted, I12).
"""

from tradeops.domain.enums import OrderStatus

_TERMINAL_RANK = 4
_RANK = {
    OrderStatus.NEW: 0,
    OrderStatus.SUBMITTED: 1,
    OrderStatus.ACKNOWLEDGED: 2,
    OrderStatus.PARTIALLY_FILLED: 3,
    OrderStatus.FILLED: _TERMINAL_RANK,
    OrderStatus.CANCELLED: _TERMINAL_RANK,
    OrderStatus.REJECTED: _TERMINAL_RANK,
    OrderStatus.EXPIRED: _TERMINAL_RANK,
}
TERMINAL = frozenset(status for status, rank in _RANK.items() if rank == _TERMINAL_RANK)


def advance(current: OrderStatus, reported: OrderStatus) -> OrderStatus:
    """The state after hearing `reported`, in whatever order news arrives."""
    if current is OrderStatus.REJECTED and reported is not OrderStatus.REJECTED:
        return reported if _RANK[reported] >= _RANK[OrderStatus.ACKNOWLEDGED] else current
    return reported if _RANK[reported] > _RANK[current] else current
