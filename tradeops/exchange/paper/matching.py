"""Matching of one symbol: takers walk the tape's book and resting orders, makers queue.

Pure: time is an argument. It decides who trades with whom at which price; money is the ledger's.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tradeops.exchange.paper.amounts import ZERO
from tradeops.exchange.paper.book import BookSide, Level
from tradeops.exchange.paper.orders import BUY, NO_PREVENTION, Order


@dataclass(frozen=True, slots=True)
class Match:
    """A taker meets `quantity` at `price`; `maker` is None when the tape is the other side."""

    price: Decimal
    quantity: Decimal
    maker: Order | None


@dataclass(frozen=True, slots=True)
class SelfMatch:
    """A taker met a resting order of its own account: the caller applies the prevention mode."""

    maker: Order


@dataclass(frozen=True, slots=True)
class MakerFill:
    """A resting order trades with the public market at its own price."""

    maker: Order
    quantity: Decimal


class SymbolBook:
    """Book of one symbol: the tape's levels and the resting orders of the venue's accounts."""

    __slots__ = ("_resting", "asks", "bids", "update_id")

    def __init__(self) -> None:
        self.bids = BookSide(descending=True)
        self.asks = BookSide(descending=False)
        self.update_id = 1
        self._resting: dict[str, dict[Decimal, list[Order]]] = {"BUY": {}, "SELL": {}}

    def side_of(self, side: str) -> BookSide:
        """The tape's levels on which an order of this side would rest."""
        return self.bids if side == BUY else self.asks

    def opposite_of(self, side: str) -> BookSide:
        """The tape's levels that an order of this side would take."""
        return self.asks if side == BUY else self.bids

    def best(self, side: str) -> Decimal | None:
        """Best price among the tape's levels and resting orders of one side."""
        prices = list(self._resting[side])
        tape = self.side_of(side).best
        if tape is not None:
            prices.append(tape)
        if not prices:
            return None
        return max(prices) if side == BUY else min(prices)

    def rest(self, order: Order, now_ms: int) -> None:
        """Put an order at the end of the queue of its price."""
        order.queue_ahead = self.side_of(order.side).available(order.price, now_ms)
        self._resting[order.side].setdefault(order.price, []).append(order)
        self._mark_changed(order)

    def remove(self, order: Order) -> None:
        """Take a resting order out of its queue; unknown orders are ignored."""
        queue = self._resting[order.side].get(order.price)
        if queue is None or order not in queue:
            return
        queue.remove(order)
        if not queue:
            del self._resting[order.side][order.price]
        self._mark_changed(order)

    def would_take(self, side: str, price: Decimal) -> bool:
        """True when a limit order would execute at once."""
        best = self.best("SELL" if side == BUY else "BUY")
        return best is not None and (best <= price if side == BUY else best >= price)

    def fillable(self, order: Order, limit: Decimal | None, now_ms: int) -> Decimal:
        """Quantity that `take` would execute, up to what the order still wants. Changes nothing.

        Own resting orders count only when self trades are allowed: prevention removes them.
        """
        found = ZERO
        for price in self._ladder(order.side):
            if found >= order.remaining or not _reaches(order.side, limit, price):
                break
            found += self.opposite_of(order.side).available(price, now_ms)
            for maker in self._queue_against(order.side, price):
                if maker.account != order.account or order.prevention == NO_PREVENTION:
                    found += maker.remaining
        return min(found, order.remaining)

    def take(self, order: Order, limit: Decimal | None, now_ms: int) -> Iterator[Match | SelfMatch]:
        """Walk the other side, best first, until the order is filled or the limit is reached.

        The caller books each match before it asks for the next: an order that stopped being open
        (filled, expired by prevention, trimmed) takes and makes nothing more.
        """
        for price in self._ladder(order.side):
            if _is_done(order) or not _reaches(order.side, limit, price):
                return
            yield from self._take_at(order, price, now_ms)

    def on_print(
        self, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool
    ) -> list[MakerFill]:
        """Fill resting orders that a public trade reaches: better prices first, then its own.

        The printed quantity is the most that can fill; at the print's own price the queue ahead
        eats first.
        """
        side = "BUY" if buyer_is_maker else "SELL"
        queues = self._resting[side]
        if not queues:
            return []
        fills: list[MakerFill] = []
        left = quantity
        for level in sorted(queues, reverse=side == BUY):
            if left <= 0 or (level < price if side == BUY else level > price):
                break
            displayed = self.side_of(side).quantity(level)
            eaten = ZERO
            for order in queues[level]:
                ahead = min(order.queue_ahead, displayed) if level == price else ZERO
                eaten_here = min(left, max(ZERO, ahead - eaten))
                eaten += eaten_here
                left -= eaten_here
                order.queue_ahead = max(ZERO, ahead - eaten)
                filled = min(left, order.remaining)
                if filled > 0:
                    fills.append(MakerFill(order, filled))
                    left -= filled
        return fills

    def crossed(self, now_ms: int) -> list[MakerFill]:
        """Fill resting orders that the tape's other side has reached, with what is shown there."""
        fills: list[MakerFill] = []
        for side, queues in self._resting.items():
            against = self.opposite_of(side)
            best = against.best
            if not queues or best is None:
                continue
            top = max(queues) if side == BUY else min(queues)
            if not (top >= best if side == BUY else top <= best):
                continue
            for level in sorted(queues, reverse=side == BUY):
                for order in queues[level]:
                    filled = self._take_crossing(order, against, now_ms)
                    if filled > 0:
                        fills.append(MakerFill(order, filled))
        return fills

    def depth(self, side: str, limit: int, now_ms: int) -> list[Level]:
        """Levels of one side with our resting orders added, best first."""
        merged = dict(self.side_of(side).levels(limit, now_ms))
        for price, queue in self._resting[side].items():
            merged[price] = merged.get(price, ZERO) + sum((o.remaining for o in queue), ZERO)
        return sorted(merged.items(), reverse=side == BUY)[:limit]

    def quantity_at(self, side: str, price: Decimal, now_ms: int) -> Decimal:
        """Quantity of one level with our resting orders added."""
        own = sum((order.remaining for order in self._resting[side].get(price, ())), ZERO)
        return self.side_of(side).available(price, now_ms) + own

    def _ladder(self, side: str) -> Iterator[Decimal]:
        """Prices that an order of `side` meets, best first, each once."""
        last: Decimal | None = None
        own = sorted(self._resting["SELL" if side == BUY else "BUY"], reverse=side != BUY)
        for price in heapq.merge(self.opposite_of(side).walk(), own, reverse=side != BUY):
            if price != last:
                yield price
            last = price

    def _queue_against(self, side: str, price: Decimal) -> list[Order]:
        return self._resting["SELL" if side == BUY else "BUY"].get(price, [])

    def _take_at(self, order: Order, price: Decimal, now_ms: int) -> Iterator[Match | SelfMatch]:
        """Trade at one price: the tape ahead of each maker, the maker, the rest of the tape."""
        tape = self.opposite_of(order.side)
        shown = tape.available(price, now_ms)
        eaten = ZERO
        for maker in list(self._queue_against(order.side, price)):
            ahead = min(order.remaining, max(ZERO, min(maker.queue_ahead, shown) - eaten))
            if ahead > 0:
                tape.take(price, ahead, now_ms)
                eaten += ahead
                yield Match(price, ahead, None)
            maker.queue_ahead = max(ZERO, maker.queue_ahead - eaten)
            if _is_done(order):
                return
            if _is_done(maker):
                continue
            if maker.account == order.account and order.prevention != NO_PREVENTION:
                yield SelfMatch(maker)
            else:
                yield Match(price, min(order.remaining, maker.remaining), maker)
            if _is_done(order):
                return
        rest = min(order.remaining, shown - eaten)
        if rest > 0:
            tape.take(price, rest, now_ms)
            yield Match(price, rest, None)

    def _take_crossing(self, order: Order, against: BookSide, now_ms: int) -> Decimal:
        filled = ZERO
        for price in against.walk():
            if not _reaches(order.side, order.price, price) or filled >= order.remaining:
                break
            quantity = min(order.remaining - filled, against.available(price, now_ms))
            if quantity > 0:
                against.take(price, quantity, now_ms)
                filled += quantity
        return filled

    def _mark_changed(self, order: Order) -> None:
        changed = self.side_of(order.side).changed
        if changed is not None:
            changed.add(order.price)


def _is_done(order: Order) -> bool:
    """True when an order trades no more; asked again after each match, which may have ended it."""
    return not order.is_open or order.remaining <= 0


def _reaches(side: str, limit: Decimal | None, price: Decimal) -> bool:
    """True when an order of `side` with this limit (None = no limit) accepts `price`."""
    if limit is None:
        return True
    return price <= limit if side == BUY else price >= limit
