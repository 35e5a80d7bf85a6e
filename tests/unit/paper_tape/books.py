"""A book that applies a tape's levels the plainest way, to judge the tape by."""

from collections.abc import Iterable
from decimal import Decimal

from tradeops.exchange.paper.tape_events import BookLevels, Level, TapeEvent


class PlainBook:
    """Levels of one symbol, by price."""

    def __init__(self) -> None:
        self.bids: dict[Decimal, Decimal] = {}
        self.asks: dict[Decimal, Decimal] = {}

    def apply(self, event: BookLevels) -> None:
        if event.snapshot:
            self.bids.clear()
            self.asks.clear()
        _put(self.bids, event.bids)
        _put(self.asks, event.asks)

    @property
    def best(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Bid, bid quantity, ask, ask quantity."""
        bid, ask = max(self.bids), min(self.asks)
        return bid, self.bids[bid], ask, self.asks[ask]


def books_of(events: Iterable[TapeEvent]) -> dict[str, PlainBook]:
    """The books at the end of these events."""
    books: dict[str, PlainBook] = {}
    for event in events:
        if isinstance(event, BookLevels):
            books.setdefault(event.symbol, PlainBook()).apply(event)
    return books


def _put(side: dict[Decimal, Decimal], levels: tuple[Level, ...]) -> None:
    for price, quantity in levels:
        if quantity:
            side[price] = quantity
        else:
            side.pop(price, None)
