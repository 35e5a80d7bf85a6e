"""CSV tapes: prints or candles of one symbol, with a book built around the price.

Binance's public files (trades, aggTrades, klines; with or without a header) and files that name
their columns alike. The symbol is the one the file's name contains. A candle is played as straight
lines open, low, high, close (rising) or open, high, low, close (falling): no price outside occurs.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from itertools import chain, pairwise
from typing import TypeAlias, TypeVar

from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.tape_book import SyntheticBook
from tradeops.exchange.paper.tape_events import TapeError, TapeEvent, TradePrint

_ALIASES = {
    "trade_id": "id",
    "agg_trade_id": "id",
    "time_ms": "time",
    "transact_time": "time",
    "timestamp": "time",
    "open_time": "time",
    "date": "time",
    "datetime": "time",
    "quantity": "qty",
    "amount": "qty",
    "buyer_maker": "is_buyer_maker",
}
_TRADE_COLUMNS = frozenset({"id", "time", "price", "qty"})
_CANDLE_COLUMNS = frozenset({"time", "open", "high", "low", "close"})
# Headerless public files are told apart by their number of columns.
_HEADERLESS = {
    6: ["id", "price", "qty", "quote_qty", "time", "is_buyer_maker"],
    7: ["id", "price", "qty", "first_id", "last_id", "time", "is_buyer_maker"],
    12: ["time", "open", "high", "low", "close", "volume", *(f"unused_{i}" for i in range(6))],
}
_LEG_STEPS = 10
_SINGLE_CANDLE_MS = 60_000
_MILLISECOND_DIGITS = 14
_MICROSECOND_DIGITS = 17

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_Row: TypeAlias = dict[str, str]
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class _Print:
    at_ms: int
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class _Candle:
    at_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    def path(self) -> list[tuple[Decimal, bool]]:
        """Prices on the way, each with whether it falls; the open, then ten steps a leg."""
        rising = self.close >= self.open
        turns = (self.low, self.high) if rising else (self.high, self.low)
        corners = (self.open, *turns, self.close)
        result = [(self.open, not rising)]
        for start, end in pairwise(corners):
            step = (end - start) / _LEG_STEPS
            result += [(start + step * i, end < start) for i in range(1, _LEG_STEPS)]
            result.append((end, end < start))
        return result


class CsvReader:
    """Turns the rows of one CSV file into events; the first event happens at ``start_ms``."""

    def __init__(
        self, name: str, lines: Iterator[str], spec: InstrumentSpec, *, seed: int, start_ms: int
    ) -> None:
        """Recognise the columns from the first row.

        Raises TapeError if the columns are not those of trades or candles.
        """
        self._name = name
        self._spec = spec
        self._seed = seed
        self._start_ms = start_ms
        rows = _rows(name, lines)
        first = next(rows, None)
        if not first:
            raise TapeError(f"{name}: empty file")
        if _is_number(first[0]):
            self._columns = self._headerless(first)
            self._first_line = 1
            self._rows: Iterator[list[str]] = chain([first], rows)
        else:
            self._columns = [_ALIASES.get(c.strip().lower(), c.strip().lower()) for c in first]
            self._first_line = 2
            self._rows = rows
        self._prints = self._source(set(self._columns))

    def events(self) -> Iterator[TapeEvent]:
        """Yield a print, then the book around it, for each trade; times ascending.

        Raises TapeError at a row that cannot be read, naming its line.
        """
        book: SyntheticBook | None = None
        shift_ms, now_ms = 0, self._start_ms
        for item in self._prints():
            tick = self._tick(item.price)
            if book is None:
                book = SyntheticBook(self._spec, near_price=item.price, seed=self._seed)
                shift_ms = self._start_ms - item.at_ms
            now_ms = max(now_ms, item.at_ms + shift_ms)
            bid = tick if item.buyer_is_maker else tick - 1
            # The book comes first so that the print happens at its best price.
            yield from book.move(now_ms, bid, bid + 1)
            yield TradePrint(
                now_ms,
                self._spec.symbol,
                item.trade_id,
                tick * self._spec.tick_size,
                self._quantity(item.quantity),
                item.buyer_is_maker,
            )
        if book is None:
            raise TapeError(f"{self._name}: no data rows")

    def _headerless(self, first: list[str]) -> list[str]:
        columns = _HEADERLESS.get(len(first))
        if columns is None:
            raise TapeError(
                f"{self._name}: {len(first)} columns without a header; expected 6 (trades), "
                "7 (aggTrades) or 12 (klines)"
            )
        return columns

    def _source(self, columns: set[str]) -> Callable[[], Iterator[_Print]]:
        if columns >= _TRADE_COLUMNS and columns & {"is_buyer_maker", "side"}:
            return self._trades
        if columns >= _CANDLE_COLUMNS:
            return self._candle_prints
        raise TapeError(
            f"{self._name}: columns {', '.join(sorted(columns))} are neither trades (id, price, "
            "qty, time, is_buyer_maker) nor candles (open_time, open, high, low, close, volume)"
        )

    def _parsed(self, parse: Callable[[_Row], _Item]) -> Iterator[_Item]:
        for number, row in enumerate(self._rows, self._first_line):
            try:
                yield parse(dict(zip(self._columns, row, strict=True)))
            except (ValueError, KeyError, ArithmeticError) as error:
                raise TapeError(f"{self._name}, line {number}: {error!r} in {row}") from error

    def _trades(self) -> Iterator[_Print]:
        return self._parsed(_trade)

    def _candle_prints(self) -> Iterator[_Print]:
        trade_id = 0
        for candle, length_ms in _with_lengths(self._parsed(_candle)):
            path = candle.path()
            wait_ms = length_ms // len(path)
            quantity = candle.volume / len(path)
            for place, (price, falling) in enumerate(path):
                trade_id += 1
                at_ms = candle.at_ms + place * wait_ms
                yield _Print(at_ms, trade_id, price, quantity, buyer_is_maker=falling)

    def _tick(self, price: Decimal) -> int:
        # At least 2, so that a bid one tick below is still a price.
        return max(2, int((price / self._spec.tick_size).to_integral_value(ROUND_HALF_EVEN)))

    def _quantity(self, quantity: Decimal) -> Decimal:
        return max(1, int(quantity / self._spec.step_size)) * self._spec.step_size


def _rows(name: str, lines: Iterator[str]) -> Iterator[list[str]]:
    try:
        yield from csv.reader(lines)
    except csv.Error as error:
        raise TapeError(f"{name}: cannot be read ({error})") from error


def _trade(row: _Row) -> _Print:
    if "is_buyer_maker" in row:
        buyer_is_maker = _boolean(row["is_buyer_maker"])
    else:
        buyer_is_maker = row["side"].lower() == "sell"
    price, quantity = _positive(row["price"]), _positive(row["qty"])
    return _Print(_time_ms(row["time"]), int(row["id"]), price, quantity, buyer_is_maker)


def _candle(row: _Row) -> _Candle:
    open_price, close = _positive(row["open"]), _positive(row["close"])
    high, low = _positive(row["high"]), _positive(row["low"])
    if not low <= min(open_price, close) <= max(open_price, close) <= high:
        raise ValueError("open or close outside low..high")
    if "volume" in row:
        volume = Decimal(row["volume"] or 0)
    else:
        volume = Decimal(row.get("volume_quote") or 0) / close
    return _Candle(_time_ms(row["time"]), open_price, high, low, close, volume)


def _with_lengths(candles: Iterator[_Candle]) -> Iterator[tuple[_Candle, int]]:
    """Each candle with its length in ms: up to the next; the last is as long as its neighbour."""
    length_ms = _SINGLE_CANDLE_MS
    last: _Candle | None = None
    for candle in candles:
        if last is not None:
            length_ms = max(1, candle.at_ms - last.at_ms)
            yield last, length_ms
        last = candle
    if last is not None:
        yield last, length_ms


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _positive(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or value <= 0:
        raise ValueError(f"{text!r} is not a positive number")
    return value


def _boolean(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return lowered == "true"


def _time_ms(text: str) -> int:
    """Milliseconds since 1970 of a count of ms, µs or ns, or of an ISO time (UTC by default)."""
    if text.isdecimal():
        if len(text) > _MICROSECOND_DIGITS:
            return int(text) // 1_000_000
        return int(text) // 1_000 if len(text) > _MILLISECOND_DIGITS else int(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MILLISECOND
