"""One symbol's public book as the tape tells it: sorted levels that our own takers can use up.

Pure.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from decimal import Decimal

from tradeops.exchange.paper.amounts import ZERO

# Other makers put back what a taker of ours removed: after this many milliseconds the recorded
# quantity counts again. Without it a tape that has ended would be an empty book for ever.
REFILL_MS = 1_000

Level = tuple[Decimal, Decimal]


class BookSide:
    """Levels of one side, best first. `descending` is True for bids."""

    __slots__ = ("_descending", "_prices", "_quantities", "_taken", "changed")

    def __init__(self, *, descending: bool) -> None:
        self._descending = descending
        self._prices: list[Decimal] = []
        self._quantities: dict[Decimal, Decimal] = {}
        self._taken: dict[Decimal, tuple[Decimal, int]] = {}
        self.changed: set[Decimal] | None = None

    def __len__(self) -> int:
        return len(self._prices)

    @property
    def best(self) -> Decimal | None:
        """The best price, None when empty."""
        if not self._prices:
            return None
        return self._prices[-1] if self._descending else self._prices[0]

    def quantity(self, price: Decimal) -> Decimal:
        """Recorded quantity at a price, 0 when there is no such level."""
        return self._quantities.get(price, ZERO)

    def available(self, price: Decimal, now_ms: int) -> Decimal:
        """Quantity a taker can still get at a price, after what takers removed within REFILL_MS."""
        quantity = self._quantities.get(price, ZERO)
        taken = self._taken.get(price)
        if taken is None:
            return quantity
        if now_ms - taken[1] >= REFILL_MS:
            del self._taken[price]
            return quantity
        return max(ZERO, quantity - taken[0])

    def take(self, price: Decimal, quantity: Decimal, now_ms: int) -> None:
        """Note that a taker removed `quantity` at `price`."""
        before = self._taken.get(price)
        used = before[0] if before is not None and now_ms - before[1] < REFILL_MS else ZERO
        self._taken[price] = (used + quantity, now_ms)

    def put(self, price: Decimal, quantity: Decimal) -> None:
        """Set one level; quantity 0 removes it."""
        known = price in self._quantities
        if quantity > 0:
            self._quantities[price] = quantity
            if not known:
                insort(self._prices, price)
        elif known:
            del self._quantities[price]
            del self._prices[bisect_left(self._prices, price)]
        if self.changed is not None:
            self.changed.add(price)

    def replace(self, levels: Iterable[Level]) -> None:
        """Replace the whole side by a snapshot."""
        fresh = {price: quantity for price, quantity in levels if quantity > 0}
        if self.changed is not None:
            self.changed.update(self._quantities)
            self.changed.update(fresh)
        self._quantities = fresh
        self._prices = sorted(fresh)

    def walk(self) -> Iterator[Decimal]:
        """Iterate prices, best first. The side may be changed only between two walks."""
        return reversed(self._prices) if self._descending else iter(self._prices)

    def levels(self, limit: int, now_ms: int) -> list[Level]:
        """List up to `limit` levels with what is available at each, best first."""
        found: list[Level] = []
        for price in self.walk():
            quantity = self.available(price, now_ms)
            if quantity > 0:
                found.append((price, quantity))
                if len(found) == limit:
                    break
        return found
