"""Raw captures: one line a message, local nanoseconds, a blank, then the combined-stream JSON.

Depth updates, trades and best quotes of one or more symbols are read, other streams are skipped.
The tape starts at the order-book snapshot if the capture holds one (messages before it describe a
book nobody can know), otherwise at the first line, with the book that updates and quotes build.
Times are those of the recording machine, whose order is the order of the lines.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from tradeops.exchange.paper.tape_book import CaptureBook
from tradeops.exchange.paper.tape_events import (
    BestQuote,
    BookLevels,
    Level,
    TapeError,
    TapeEvent,
    TradePrint,
)

_HEAD_LINES = 2_000
_NS_PER_MS = 1_000_000


class CaptureReader:
    """Turns the lines of one capture into events; the first event happens at ``start_ms``."""

    def __init__(self, name: str, lines: Iterator[str], *, start_ms: int) -> None:
        """Read the head of the capture.

        Raises TapeError if it holds no message of a known stream.
        """
        self._name = name
        self._start_ms = start_ms
        self._shift_ms: int | None = None
        self._now_ms = start_ms
        head = list(islice(lines, _HEAD_LINES))
        self.symbols = self._symbols_of(head)
        snapshot = next((i for i, line in enumerate(head) if '"lastUpdateId"' in line), 0)
        self._first_line = snapshot + 1
        self._lines = chain(head[snapshot:], lines)
        self._books = {symbol: CaptureBook() for symbol in self.symbols}
        # Ids of the newest depth update, and the newest quote with its id, by symbol.
        self._depth_ids = dict.fromkeys(self.symbols, 0)
        self._quotes: dict[str, tuple[int, BestQuote]] = {}
        # A quote another one replaces within the same millisecond is never seen: half of all.
        self._pending: tuple[int, BestQuote] | None = None

    def events(self) -> Iterator[TapeEvent]:
        """Yield every event, times ascending.

        Raises TapeError at a line that is no message, naming it.
        """
        for number, line in enumerate(self._lines, self._first_line):
            try:
                yield from self._read(line)
            except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
                text = f"{self._name}, line {number}: not a capture message ({error!r})"
                raise TapeError(text) from error
        yield from self._flush()

    def _symbols_of(self, head: list[str]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for number, line in enumerate(head, 1):
            stamp, _, body = line.partition(" ")
            try:
                message = json.loads(body)
                int(stamp)
            except ValueError as error:
                text = f"{self._name}, line {number}: not a capture message ({error})"
                raise TapeError(text) from error
            if isinstance(message, dict) and isinstance(message.get("stream"), str):
                found[message["stream"].partition("@")[0].upper()] = None
        if not found:
            raise TapeError(f"{self._name}: no stream message in its first {len(head)} lines")
        return tuple(found)

    def _read(self, line: str) -> Iterator[TapeEvent]:
        stamp, _, body = line.partition(" ")
        at_ms = self._time(int(stamp) // _NS_PER_MS)
        message = json.loads(body)
        stream = message.get("stream")
        if stream is None:
            yield from self._flush()
            yield from self._snapshot(at_ms, message)
            return
        symbol, _, kind = stream.partition("@")
        symbol = symbol.upper()
        data = message["data"]
        if kind == "bookTicker":
            yield from self._quote(at_ms, symbol, data)
        elif kind.startswith("depth"):
            yield from self._flush()
            yield from self._depth(at_ms, symbol, data)
        elif kind == "trade":
            yield from self._flush()
            yield TradePrint(
                at_ms, symbol, data["t"], Decimal(data["p"]), Decimal(data["q"]), data["m"]
            )

    def _time(self, local_ms: int) -> int:
        if self._shift_ms is None:
            self._shift_ms = self._start_ms - local_ms
        self._now_ms = max(self._now_ms, local_ms + self._shift_ms)
        return self._now_ms

    def _snapshot(self, at_ms: int, message: dict[str, Any]) -> Iterator[TapeEvent]:
        symbol = self.symbols[0]  # the reply of the depth request names no symbol
        book = self._books[symbol] = CaptureBook()
        bids, asks = _levels(message["bids"]), _levels(message["asks"])
        book.apply(bids, asks)
        self._depth_ids[symbol] = message["lastUpdateId"]
        yield BookLevels(at_ms, symbol, bids, asks, snapshot=True)

    def _depth(self, at_ms: int, symbol: str, data: dict[str, Any]) -> Iterator[TapeEvent]:
        if data["u"] <= self._depth_ids[symbol]:
            return
        self._depth_ids[symbol] = data["u"]
        book = self._books[symbol]
        bids, asks = _levels(data["b"]), _levels(data["a"])
        book.apply(bids, asks)
        newest = self._quotes.get(symbol)
        if newest is not None and newest[0] > data["u"]:
            fix_bids, fix_asks = book.settle_on(newest[1])
        else:
            fix_bids, fix_asks = book.uncross(bids, asks)
        # Later entries win, so the corrections may simply follow the levels they correct.
        yield BookLevels(at_ms, symbol, bids + fix_bids, asks + fix_asks, snapshot=False)

    def _quote(self, at_ms: int, symbol: str, data: dict[str, Any]) -> Iterator[TapeEvent]:
        if data["u"] < self._depth_ids[symbol]:
            return  # the book is already newer
        pending = self._pending
        if pending is not None and (pending[1].at_ms, pending[1].symbol) != (at_ms, symbol):
            yield from self._flush()
        quote = BestQuote(
            at_ms,
            symbol,
            Decimal(data["b"]),
            Decimal(data["B"]),
            Decimal(data["a"]),
            Decimal(data["A"]),
        )
        self._pending = (data["u"], quote)

    def _flush(self) -> Iterator[TapeEvent]:
        if self._pending is None:
            return
        quote = self._pending[1]
        self._quotes[quote.symbol] = self._pending
        self._pending = None
        bids, asks = self._books[quote.symbol].settle_on(quote)
        if bids or asks:
            yield BookLevels(quote.at_ms, quote.symbol, bids, asks, snapshot=False)
        yield quote


def _levels(rows: list[list[str]]) -> tuple[Level, ...]:
    return tuple([(Decimal(price), Decimal(quantity)) for price, quantity in rows])
