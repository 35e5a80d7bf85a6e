"""What a tape says: book levels, prints, best quotes and mark prices. Plain data, no sources."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

Level: TypeAlias = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class BookLevels:
    """Levels as (price, quantity): changes (quantity 0 removes), or the book if ``snapshot``."""

    at_ms: int
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    snapshot: bool


@dataclass(frozen=True, slots=True)
class TradePrint:
    """One public execution; ``buyer_is_maker`` means the aggressor sold."""

    at_ms: int
    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class BestQuote:
    """Best bid and ask; the levels announced before it already agree with it."""

    at_ms: int
    symbol: str
    bid_price: Decimal
    bid_quantity: Decimal
    ask_price: Decimal
    ask_quantity: Decimal


@dataclass(frozen=True, slots=True)
class MarkPrice:
    """Mark and index price, and the rate of the next funding (a fraction, not percent)."""

    at_ms: int
    symbol: str
    mark_price: Decimal
    index_price: Decimal
    funding_rate: Decimal


TapeEvent: TypeAlias = BookLevels | TradePrint | BestQuote | MarkPrice


class TapeError(ValueError):
    """A tape cannot be read; the text names the file, the line and what is wrong."""
