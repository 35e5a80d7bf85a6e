"""Books behind a tape: one kept equal to a capture's quotes, one built around bare prices.

Pure: no clock, no files, no randomness.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from decimal import Decimal

from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.tape_events import BestQuote, BookLevels, Level, TapeEvent

_ZERO = Decimal(0)
_DEPTH_LEVELS = 25
# 25 levels of about 60,000 USDT: some 1.5 million a side, so that 10 BTC fill within 0.1 %.
_LEVEL_NOTIONAL = Decimal(60_000)
_LEVELS_PER_UNIT = 20_000  # one level every 1/20,000 = 0.5 basis points


class BookSide:
    """Quantities by price of one side, with the prices in ascending order."""

    __slots__ = ("levels", "prices")

    def __init__(self) -> None:
        self.levels: dict[Decimal, Decimal] = {}
        self.prices: list[Decimal] = []

    def put(self, price: Decimal, quantity: Decimal) -> None:
        """Set a level; quantity 0 removes it."""
        if quantity:
            if price not in self.levels:
                insort(self.prices, price)
            self.levels[price] = quantity
        elif self.levels.pop(price, None) is not None:
            del self.prices[bisect_left(self.prices, price)]

    def cut_above(self, price: Decimal) -> list[Decimal]:
        """Remove every level priced higher; return the removed prices."""
        return self._cut(bisect_right(self.prices, price), len(self.prices))

    def cut_below(self, price: Decimal) -> list[Decimal]:
        """Remove every level priced lower; return the removed prices."""
        return self._cut(0, bisect_left(self.prices, price))

    def _cut(self, start: int, stop: int) -> list[Decimal]:
        if start == stop:
            return []
        gone = self.prices[start:stop]
        del self.prices[start:stop]
        for price in gone:
            del self.levels[price]
        return gone


class CaptureBook:
    """A book that follows depth updates and best quotes, which are not synchronised."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide()
        self.asks = BookSide()

    def apply(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """Put the levels of one update."""
        for price, quantity in bids:
            self.bids.put(price, quantity)
        for price, quantity in asks:
            self.asks.put(price, quantity)

    def settle_on(self, quote: BestQuote) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Make the best levels equal the quote; return the changed bids and asks."""
        bids: list[Level] = [(p, _ZERO) for p in self.bids.cut_above(quote.bid_price)]
        asks: list[Level] = [(p, _ZERO) for p in self.asks.cut_below(quote.ask_price)]
        if self.bids.levels.get(quote.bid_price) != quote.bid_quantity:
            self.bids.put(quote.bid_price, quote.bid_quantity)
            bids.append((quote.bid_price, quote.bid_quantity))
        if self.asks.levels.get(quote.ask_price) != quote.ask_quantity:
            self.asks.put(quote.ask_price, quote.ask_quantity)
            asks.append((quote.ask_price, quote.ask_quantity))
        return tuple(bids), tuple(asks)

    def uncross(
        self, bids: tuple[Level, ...], asks: tuple[Level, ...]
    ) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Drop stale levels that cross the newest ones (given); return the removed bids and asks.

        Only needed while a capture without a snapshot still misses the removal of old levels.
        """
        if not self._crossed():
            return (), ()
        stale_bids: list[Decimal] = []
        stale_asks: list[Decimal] = []
        fresh_bids = [p for p, q in bids if q]
        fresh_asks = [p for p, q in asks if q]
        if fresh_bids:
            stale_asks = self._drop_asks_up_to(max(fresh_bids))
        if fresh_asks and self._crossed():
            stale_bids = self._drop_bids_down_to(min(fresh_asks))
        return tuple((p, _ZERO) for p in stale_bids), tuple((p, _ZERO) for p in stale_asks)

    def _crossed(self) -> bool:
        bids, asks = self.bids.prices, self.asks.prices
        return bool(bids and asks) and bids[-1] >= asks[0]

    def _drop_asks_up_to(self, price: Decimal) -> list[Decimal]:
        gone = self.asks.cut_below(price)
        if price in self.asks.levels:
            self.asks.put(price, _ZERO)
            gone.append(price)
        return gone

    def _drop_bids_down_to(self, price: Decimal) -> list[Decimal]:
        gone = self.bids.cut_above(price)
        if price in self.bids.levels:
            self.bids.put(price, _ZERO)
            gone.append(price)
        return gone


class SyntheticBook:
    """A book around a bid and an ask given in ticks, deterministic for its seed.

    Levels away from the best sit on a fixed grid and keep their quantity, so that a moving price
    changes few of them, as on a venue.
    """

    __slots__ = ("_asks", "_base_steps", "_bids", "_grid", "_quote", "_seed", "_spec")

    def __init__(self, spec: InstrumentSpec, *, near_price: Decimal, seed: int) -> None:
        self._spec = spec
        self._seed = seed
        self._grid = max(1, int(near_price / spec.tick_size) // _LEVELS_PER_UNIT)
        self._base_steps = max(1, int(_LEVEL_NOTIONAL / near_price / spec.step_size))
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}
        self._quote: tuple[int, int] | None = None

    def move(self, at_ms: int, bid_tick: int, ask_tick: int) -> Iterator[TapeEvent]:
        """Yield the levels that change, then the quote; the first time the whole book.

        Invariant: ``bid_tick < ask_tick``. Nothing is yielded when neither moved.
        """
        if self._quote == (bid_tick, ask_tick):
            return
        first = self._quote is None
        self._quote = (bid_tick, ask_tick)
        floor = (bid_tick - 1) // self._grid
        ceiling = ask_tick // self._grid + 1
        bid_ticks = [bid_tick, *((floor - i) * self._grid for i in range(_DEPTH_LEVELS - 1))]
        ask_ticks = [ask_tick, *((ceiling + i) * self._grid for i in range(_DEPTH_LEVELS - 1))]
        bids = {tick: self._size(tick) for tick in bid_ticks if tick > 0}
        asks = {tick: self._size(tick) for tick in ask_ticks}
        changed_bids = self._changes(self._bids, bids)
        changed_asks = self._changes(self._asks, asks)
        self._bids, self._asks = bids, asks
        yield BookLevels(at_ms, self._spec.symbol, changed_bids, changed_asks, snapshot=first)
        yield BestQuote(
            at_ms,
            self._spec.symbol,
            *self._level(bid_tick, bids[bid_tick]),
            *self._level(ask_tick, asks[ask_tick]),
        )

    def _size(self, tick: int) -> int:
        """50 to 150 % of the usual level, in steps; a hash, so that a level keeps its size."""
        percent = 50 + (((tick + self._seed) * 2_654_435_761) >> 7) % 101
        return max(1, self._base_steps * percent // 100)

    def _changes(self, old: dict[int, int], new: dict[int, int]) -> tuple[Level, ...]:
        gone = [self._level(tick, 0) for tick in old if tick not in new]
        fresh = [self._level(tick, size) for tick, size in new.items() if old.get(tick) != size]
        return (*gone, *fresh)

    def _level(self, tick: int, steps: int) -> Level:
        return tick * self._spec.tick_size, steps * self._spec.step_size
