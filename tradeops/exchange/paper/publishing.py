"""Market frames made on a beat and only when somebody listens: quotes, depth, mark prices."""

from collections.abc import Collection

from tradeops.exchange.paper.amounts import text
from tradeops.exchange.paper.candles import INTERVALS_MS
from tradeops.exchange.paper.orders import BUY, SELL
from tradeops.exchange.paper.venue import SymbolState, Venue
from tradeops.exchange.paper.wire.binance_history import candle_body
from tradeops.exchange.paper.wire.streams import Frame, book_ticker, depth_update, mark_price

_PARTIAL = ("5", "10", "20")


class BookPublisher:
    """Remembers what listeners have seen, to send only what changed since."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._quoted: dict[str, tuple[str, str, str, str]] = {}
        self._sent_id: dict[str, int] = {}

    def best_quotes(self, wanted: Collection[str], now_ms: int) -> list[Frame]:
        """bookTicker of symbols whose best quote changed."""
        frames: list[Frame] = []
        for symbol, state in self._venue.symbols.items():
            name = f"{symbol.lower()}@bookTicker"
            if name not in wanted and "!bookTicker" not in wanted:
                continue
            payload = book_ticker(state, now_ms)
            quote = (payload["b"], payload["B"], payload["a"], payload["A"])
            if self._quoted.get(symbol) != quote:
                self._quoted[symbol] = quote
                frames += [
                    Frame("", n, "bookTicker", payload)
                    for n in (name, "!bookTicker")
                    if n in wanted
                ]
        return frames

    def depths(self, wanted: Collection[str], now_ms: int) -> list[Frame]:
        """Differences of the book since the last beat, and top levels for partial depth streams."""
        frames: list[Frame] = []
        for symbol, state in self._venue.symbols.items():
            names = [n for n in wanted if n.startswith(f"{symbol.lower()}@depth")]
            if not names:
                state.book.bids.changed = state.book.asks.changed = None
                self._sent_id.pop(symbol, None)
                continue
            last = state.book.update_id
            previous = self._sent_id.get(symbol)
            if previous is None:
                state.book.bids.changed, state.book.asks.changed = set(), set()
                self._sent_id[symbol] = last
            elif last != previous:
                self._sent_id[symbol] = last
                bids, asks = _changes(state, BUY, now_ms), _changes(state, SELL, now_ms)
                for name in names:
                    levels = name.split("@")[1].removeprefix("depth")
                    if levels in _PARTIAL:
                        shown = [_top(state, side, int(levels), now_ms) for side in (BUY, SELL)]
                    else:
                        shown = [bids, asks]
                    payload = depth_update(
                        state,
                        first_id=previous + 1,
                        last_id=last,
                        previous_id=previous,
                        now_ms=now_ms,
                        bids=shown[0],
                        asks=shown[1],
                    )
                    frames.append(Frame("", name, "depthUpdate", payload))
        return frames

    def candles(self, wanted: Collection[str], now_ms: int) -> list[Frame]:
        """Running candle of every kline stream that has one, whether or not it changed."""
        frames: list[Frame] = []
        for name in wanted:
            symbol, _, kind = name.partition("@")
            state, interval = self._venue.symbols.get(symbol.upper()), kind.removeprefix("kline_")
            if state is None or kind == interval or interval not in INTERVALS_MS:
                continue
            rows = state.candles.of_interval(INTERVALS_MS[interval])
            if rows:
                body = candle_body(rows[-1], state.spec.symbol, interval, now_ms)
                payload = {"e": "kline", "E": now_ms, "s": state.spec.symbol, "k": body, "st": 1}
                frames.append(Frame("", name, "kline", payload))
        return frames

    def marks(self, wanted: Collection[str], now_ms: int) -> list[Frame]:
        """Mark prices, once a second (the three-second streams get them as often)."""
        frames: list[Frame] = []
        every = [n for n in wanted if n.startswith("!markPrice@arr")]
        if every:
            rows = [mark_price(state, now_ms) for state in self._venue.symbols.values()]
            frames += [Frame("", name, "markPriceUpdate", rows) for name in every]
        for name in wanted:
            symbol, _, kind = name.partition("@")
            state = self._venue.symbols.get(symbol.upper())
            if state is not None and kind.partition("@")[0] == "markPrice":
                frames.append(Frame("", name, "markPriceUpdate", mark_price(state, now_ms)))
        return frames


def _changes(state: SymbolState, side: str, now_ms: int) -> list[list[str]]:
    tape = state.book.side_of(side)
    changed = sorted(tape.changed or (), reverse=side == BUY)
    tape.changed = set()
    return [[text(price), text(state.book.quantity_at(side, price, now_ms))] for price in changed]


def _top(state: SymbolState, side: str, limit: int, now_ms: int) -> list[list[str]]:
    return [
        [text(price), text(quantity)] for price, quantity in state.book.depth(side, limit, now_ms)
    ]
