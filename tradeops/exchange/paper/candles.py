"""Candles of one symbol, built from public trades as they happen. Pure."""

from collections import deque
from dataclasses import dataclass, replace
from decimal import Decimal

from tradeops.exchange.paper.amounts import ZERO

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
INTERVALS_MS = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
}
MINUTES_KEPT = 2 * 24 * 60


@dataclass(slots=True)
class Candle:
    """One candle. Volumes in base and quote; `taker_*` is what aggressive buyers bought."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    first_id: int
    last_id: int
    volume: Decimal = ZERO
    quote: Decimal = ZERO
    trades: int = 0
    taker_volume: Decimal = ZERO
    taker_quote: Decimal = ZERO


class CandleSeries:
    """Minute candles of the last two days; longer intervals are put together when asked for."""

    __slots__ = ("_minutes",)

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque(maxlen=MINUTES_KEPT)

    def add(
        self,
        price: Decimal,
        quantity: Decimal,
        *,
        trade_id: int,
        buyer_is_maker: bool,
        at_ms: int,
    ) -> None:
        """Count a public trade."""
        open_ms = at_ms - at_ms % MINUTE_MS
        if not self._minutes or self._minutes[-1].open_ms < open_ms:
            self._minutes.append(Candle(open_ms, price, price, price, price, trade_id, trade_id))
        candle = self._minutes[-1]
        candle.high, candle.low = max(candle.high, price), min(candle.low, price)
        candle.close, candle.last_id = price, trade_id
        candle.volume += quantity
        candle.quote += price * quantity
        candle.trades += 1
        if not buyer_is_maker:
            candle.taker_volume += quantity
            candle.taker_quote += price * quantity

    def of_interval(self, interval_ms: int) -> list[Candle]:
        """Candles of an interval, oldest first; those without a trade are absent."""
        merged: list[Candle] = []
        for minute in self._minutes:
            open_ms = minute.open_ms - minute.open_ms % interval_ms
            if not merged or merged[-1].open_ms != open_ms:
                merged.append(replace(minute, open_ms=open_ms))
            else:
                _merge(merged[-1], minute)
        return merged

    def since(self, start_ms: int) -> Candle | None:
        """Everything since a moment as one candle, None without trades."""
        total: Candle | None = None
        for minute in self._minutes:
            if minute.open_ms < start_ms:
                continue
            if total is None:
                total = replace(minute)
            else:
                _merge(total, minute)
        return total


def _merge(into: Candle, later: Candle) -> None:
    into.high, into.low = max(into.high, later.high), min(into.low, later.low)
    into.close, into.last_id = later.close, later.last_id
    into.volume += later.volume
    into.quote += later.quote
    into.trades += later.trades
    into.taker_volume += later.taker_volume
    into.taker_quote += later.taker_quote
