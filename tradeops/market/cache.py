"""Short memories (R0.4): instruments 30 s, prices 2 s; hits and misses are counted.

Mark prices are shared by all processes through Redis; whoever hears them writes them there.
"""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import redis

from tradeops.domain.clock import Clock
from tradeops.domain.enums import Venue
from tradeops.domain.instrument import InstrumentSpec
from tradeops.exchange.reports import MarkPriceReport
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.redis_client import redis_client
from tradeops.market.models import Instrument

logger = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

MARKS_KEY = "tradeops:marks"
PRICE_TTL = timedelta(seconds=2)
INSTRUMENT_TTL_S = 30.0


@dataclass(slots=True)
class TtlCache(Generic[K, V]):
    """Values that are good for `ttl_s` seconds, with their hit rate."""

    ttl_s: float
    clock: Clock = SYSTEM_CLOCK
    hits: int = 0
    misses: int = 0
    _entries: dict[K, tuple[float, V]] = field(default_factory=dict)

    def get(self, key: K) -> V | None:
        """The value while it is fresh; counts a hit or a miss."""
        entry = self._entries.get(key)
        if entry is not None and self.clock.monotonic_s() - entry[0] < self.ttl_s:
            self.hits += 1
            return entry[1]
        self.misses += 1
        return None

    def put(self, key: K, value: V) -> V:
        self._entries[key] = (self.clock.monotonic_s(), value)
        return value

    def get_or(self, key: K, load: Callable[[], V | None]) -> V | None:
        """The fresh value, or what `load` finds; absence is not remembered."""
        value = self.get(key)
        if value is None:
            value = load()
            if value is not None:
                self.put(key, value)
        return value

    def forget(self, key: K) -> None:
        self._entries.pop(key, None)

    def counts(self) -> dict[str, int]:
        return {"hits": self.hits, "misses": self.misses}


@dataclass(frozen=True, slots=True)
class Mark:
    """Mark price in quote per base and when the venue said so."""

    mark_price: Decimal
    at: datetime


_instruments: TtlCache[tuple[Venue, str], InstrumentSpec] = TtlCache(INSTRUMENT_TTL_S)
_prices: TtlCache[str, Mark] = TtlCache(PRICE_TTL.total_seconds())


def instrument(venue: Venue, symbol: str) -> InstrumentSpec | None:
    """Filters of a symbol, at most 30 s old; None for a symbol that was never synchronised."""

    def load() -> InstrumentSpec | None:
        row = Instrument.objects.filter(venue=venue, symbol=symbol).first()
        return row.spec() if row is not None else None

    return _instruments.get_or((venue, symbol), load)


def store_marks(reports: Iterable[MarkPriceReport]) -> None:
    """Share mark prices with every process."""
    fields = {
        report.symbol: json.dumps([str(report.mark_price), report.updated_at.isoformat()])
        for report in reports
    }
    if not fields:
        return
    try:
        redis_client().hset(MARKS_KEY, mapping=fields)  # type: ignore[arg-type]  # str to str
    except redis.RedisError as error:
        logger.warning("marks not stored: %s", type(error).__name__)


def marks(symbols: Sequence[str]) -> dict[str, Mark]:
    """Last known mark prices, however old; symbols without one are left out."""
    if not symbols:
        return {}
    try:
        texts = redis_client().hmget(MARKS_KEY, list(symbols))
    except redis.RedisError as error:
        logger.warning("marks not read: %s", type(error).__name__)
        return {}
    found = {}
    for symbol, text in zip(symbols, texts, strict=True):
        if text is not None:
            price, at = json.loads(text)
            found[symbol] = Mark(Decimal(price), datetime.fromisoformat(at))
    return found


def fresh_mark(symbol: str, *, now: datetime) -> Mark | None:
    """A mark price at most 2 s old, from memory or Redis; None means: ask the venue."""
    remembered = _prices.get(symbol)
    if remembered is not None and now - remembered.at <= PRICE_TTL:
        return remembered
    mark = marks([symbol]).get(symbol)
    if mark is None or abs(now - mark.at) > PRICE_TTL:
        return None
    return _prices.put(symbol, mark)


def remember_mark(report: MarkPriceReport) -> Mark:
    """Keep a price that was just read from the venue."""
    store_marks([report])
    return _prices.put(report.symbol, Mark(report.mark_price, report.updated_at))


def cache_counts() -> dict[str, dict[str, int]]:
    """Hits and misses of this process."""
    return {"instruments": _instruments.counts(), "prices": _prices.counts()}
