"""Plays a tape into the venue, at a speed, in short slices so that requests never wait long."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from tradeops.exchange.paper.execution import book_makers
from tradeops.exchange.paper.tape import open_tape
from tradeops.exchange.paper.tape_events import (
    BookLevels,
    MarkPrice,
    TapeError,
    TapeEvent,
    TradePrint,
)
from tradeops.exchange.paper.upkeep import settle
from tradeops.exchange.paper.venue import Venue

_LOG = logging.getLogger(__name__)
# A slice of work, and the least pause after it: a request takes several turns of the loop, and none
# may wait longer than 20 ms in all.
SLICE_S = 0.003
_PAUSE_S = 0.001
_IDLE_S = 0.05


class TapePlayer:
    """Feeds tape events to the venue when they are due; falls behind when it cannot keep up."""

    def __init__(
        self, venue: Venue, now_ms: Callable[[], int], after_slice: Callable[[], None], seed: int
    ) -> None:
        self._venue = venue
        self._now_ms = now_ms
        self._after_slice = after_slice
        self._seed = seed
        self._task: asyncio.Task[None] | None = None
        self.path: Path | None = None
        self.speed = 1.0
        self.lag_ms = 0
        self.has_ended = False

    def start(self, path: Path | None, speed: float) -> None:
        """Play a tape from its beginning in place of the running one.

        Raises: TapeError, OSError.
        """
        specs = [state.spec for state in self._venue.symbols.values()]
        start_ms = self._now_ms()
        events = open_tape(path, symbols=specs, seed=self._seed, start_ms=start_ms)
        self.stop()
        self.path, self.speed, self.has_ended, self.lag_ms = path, speed, False, 0
        for symbol in self._venue.symbols:
            self._venue.symbols[symbol].has_mark = False
        # The first moment's books are there before anybody asks.
        first = self._first_moment(events, start_ms)
        self._task = asyncio.ensure_future(self._play(events, first, start_ms))

    def stop(self) -> None:
        """Stop playing; the last book stays."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _first_moment(self, events: Iterator[TapeEvent], start_ms: int) -> TapeEvent | None:
        for event in events:
            if event.at_ms > start_ms:
                return event
            self._feed(event)
        return None

    async def _play(
        self, events: Iterator[TapeEvent], event: TapeEvent | None, start_ms: int
    ) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            while event is not None:
                due = start_ms + int((loop.time() - began) * 1_000 * self.speed)
                slice_end = loop.time() + SLICE_S
                while event is not None and event.at_ms <= due and loop.time() < slice_end:
                    self._feed(event)
                    event = next(events, None)
                settle(self._venue, self._now_ms())
                self._after_slice()
                if event is None:
                    break
                self.lag_ms = max(0, due - event.at_ms)
                ahead_s = (event.at_ms - due) / 1_000 / self.speed
                await asyncio.sleep(min(max(ahead_s, _PAUSE_S), _IDLE_S))
        except TapeError:
            _LOG.exception("tape %s stopped; the last book stays", self.path)
        self.has_ended = True

    def _feed(self, event: TapeEvent) -> None:
        venue, now_ms = self._venue, self._now_ms()
        if venue.symbols[event.symbol].is_pinned:
            return
        if isinstance(event, BookLevels):
            crossed = venue.on_levels(
                event.symbol, event.bids, event.asks, is_snapshot=event.snapshot, now_ms=now_ms
            )
            book_makers(venue, crossed, now_ms)
        elif isinstance(event, TradePrint):
            reached = venue.on_print(
                event.symbol,
                event.price,
                event.quantity,
                buyer_is_maker=event.buyer_is_maker,
                now_ms=now_ms,
            )
            book_makers(venue, reached, now_ms)
        elif isinstance(event, MarkPrice):
            venue.on_mark(event.symbol, event.mark_price, event.index_price, event.funding_rate)
