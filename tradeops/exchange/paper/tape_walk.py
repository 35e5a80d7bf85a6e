"""An endless seeded random walk over all symbols, for a venue that nothing recorded feeds.

The walk itself uses floats: it invents prices. They turn into whole ticks in ``_Walker.step`` and
are exact decimals from there on.
"""

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal

from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.tape_book import SyntheticBook
from tradeops.exchange.paper.tape_events import MarkPrice, TapeEvent, TradePrint

STEP_MS = 500
FUNDING_RATE = Decimal("0.00010000")
# 0.4 basis points a step is about 1.7 % a day; the pull home keeps a month-long run in range.
_STEP_SIGMA = 0.00004
_PULL_HOME = 2e-7
_TRADES_PER_STEP = 0.7
_RANGE = 2


class _Walker:
    """One symbol's price, book and prints."""

    __slots__ = ("_ask", "_bid", "_book", "_home", "_mid", "_rng", "_spec", "_trade_id")

    def __init__(self, spec: InstrumentSpec, rng: random.Random, seed: int) -> None:
        self._spec = spec
        self._rng = rng
        self._home = float(spec.start_price / spec.tick_size)
        self._mid = self._home
        self._bid = int(spec.start_price / spec.tick_size)
        self._ask = self._bid + 1
        self._trade_id = 1_000_000
        self._book = SyntheticBook(spec, near_price=spec.start_price, seed=seed)

    def open(self, at_ms: int) -> Iterator[TapeEvent]:
        """The first book and mark price."""
        yield from self._book.move(at_ms, self._bid, self._ask)
        yield self.mark(at_ms)

    def step(self, at_ms: int) -> Iterator[TapeEvent]:
        """A print at the old best, sometimes, then the book at the next price."""
        if self._rng.random() < _TRADES_PER_STEP:
            yield self._trade(at_ms)
        drift = (self._home - self._mid) * _PULL_HOME
        self._mid += drift + self._rng.gauss(0.0, _STEP_SIGMA * self._home)
        self._mid = min(max(self._mid, self._home / _RANGE), self._home * _RANGE)
        self._bid = round(self._mid)
        self._ask = self._bid + 1 + (self._rng.random() < 0.1)  # noqa: PLR2004 - one in ten is wider
        yield from self._book.move(at_ms, self._bid, self._ask)

    def mark(self, at_ms: int) -> MarkPrice:
        """The middle of the book, for mark and index."""
        middle = (self._bid + self._ask) * self._spec.tick_size / 2
        return MarkPrice(at_ms, self._spec.symbol, middle, middle, FUNDING_RATE)

    def _trade(self, at_ms: int) -> TradePrint:
        self._trade_id += 1
        seller_hits = self._rng.random() < 0.5  # noqa: PLR2004 - either side alike
        tick = self._bid if seller_hits else self._ask
        notional = Decimal(self._rng.randrange(20, 20_000))
        steps = max(1, int(notional / self._spec.start_price / self._spec.step_size))
        return TradePrint(
            at_ms,
            self._spec.symbol,
            self._trade_id,
            tick * self._spec.tick_size,
            steps * self._spec.step_size,
            seller_hits,
        )


def walk(symbols: Sequence[InstrumentSpec], *, seed: int, start_ms: int) -> Iterator[TapeEvent]:
    """Yield events for ever: every symbol's book at ``start_ms``, then a step each 500 ms."""
    walkers = _walkers(symbols, seed)
    for walker in walkers:
        yield from walker.open(start_ms)
    stagger = STEP_MS // max(1, len(walkers))
    steps = 0
    while True:
        steps += 1
        for place, walker in enumerate(walkers):
            at_ms = start_ms + steps * STEP_MS + place * stagger
            yield from walker.step(at_ms)
            if steps % 2 == 0:
                yield walker.mark(at_ms)


def opening_books(
    symbols: Sequence[InstrumentSpec], *, seed: int, start_ms: int
) -> Iterator[TapeEvent]:
    """Only the walk's first book and mark price of each symbol, for those a recording lacks."""
    for walker in _walkers(symbols, seed):
        yield from walker.open(start_ms)


def _walkers(symbols: Sequence[InstrumentSpec], seed: int) -> list[_Walker]:
    return [
        _Walker(spec, random.Random(f"{seed}:{spec.symbol}"), seed)  # noqa: S311 - prices, not secrets
        for spec in symbols
    ]
