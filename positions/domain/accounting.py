"""Average-price accounting of one position leg.

entry = (entry x held + price x added) / (held + added), rounded half even to 8 decimals, on
increase; unchanged on decrease; the fill's price for what goes beyond flat. Realised PnL is the
venue's own figure and is not computed here (requirements "Beyond the documents" 9).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tradeops.domain.enums import Side
from tradeops.domain.money import PRECISION, ZERO, round_money


@dataclass(frozen=True, slots=True)
class Leg:
    """Signed quantity in base and average entry price in quote; flat is (0, 0)."""

    quantity: Decimal = ZERO
    entry_price: Decimal = ZERO
    opened_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """What accounting needs of a fill. `rank` 0; what follows a fill without being one has more."""

    trade_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    traded_at: datetime
    rank: int = 0


def book(leg: Leg, execution: Execution) -> Leg:
    """The leg after one more fill."""
    change = execution.side.sign * execution.quantity
    after = leg.quantity + change
    if after == 0:
        return Leg()
    if leg.quantity == 0 or (leg.quantity > 0) != (after > 0):
        return Leg(after, execution.price, execution.traded_at)
    if abs(after) < abs(leg.quantity):
        return Leg(after, leg.entry_price, leg.opened_at)
    cost = leg.entry_price * abs(leg.quantity) + execution.price * execution.quantity
    return Leg(after, round_money(PRECISION.divide(cost, abs(after))), leg.opened_at)


def book_all(executions: Iterable[Execution]) -> Leg:
    """The leg after all fills, whatever order they are given in: trade ids decide."""
    leg = Leg()
    for execution in sorted(executions, key=lambda item: (item.trade_id, item.rank)):
        leg = book(leg, execution)
    return leg


def adjusting_price(leg: Leg, change: Decimal, entry_price: Decimal) -> Decimal:
    """The price at which a signed `change` gives the leg the venue's `entry_price`.

    Where no price does (the leg shrinks, turns, or the result is not positive) it is the entry
    price itself, which is exact for a leg that was flat or turns.
    """
    after = leg.quantity + change
    grows = leg.quantity != 0 and abs(after) > abs(leg.quantity)
    if not grows or (after > 0) != (leg.quantity > 0):
        return entry_price
    cost = entry_price * abs(after) - leg.entry_price * abs(leg.quantity)
    price = round_money(PRECISION.divide(cost, abs(change)))
    return price if price > 0 else entry_price


def unrealized_pnl(leg: Leg, mark_price: Decimal) -> Decimal:
    """(mark - entry) x signed quantity, in quote, rounded to 8 decimals."""
    return round_money((mark_price - leg.entry_price) * leg.quantity)
