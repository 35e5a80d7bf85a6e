"""A price held by hand: one symbol's book made anew around a price, deep enough for any test order.

Pure.
"""

from decimal import Decimal

from tradeops.exchange.paper.execution import book_makers
from tradeops.exchange.paper.upkeep import settle
from tradeops.exchange.paper.venue import Venue

LEVELS = 50
# Notional at each level, quote asset: the first two levels alone fill ten BTC.
LEVEL_NOTIONAL = Decimal(1_000_000)


def pin_price(venue: Venue, symbol: str, price: Decimal, now_ms: int) -> None:
    """Set mark, index and book of a symbol; the tape no longer moves it until `unpin`.

    The best bid is the price, the best ask one tick above. Resting orders that the new book crosses
    fill, and accounts that it ruins are liquidated.
    """
    state = venue.symbols[symbol]
    tick, step = state.spec.tick_size, state.spec.step_size
    best = max(price - price % tick, tick)
    quantity = max(step, LEVEL_NOTIONAL / best // step * step)
    bids = [(best - tick * n, quantity) for n in range(LEVELS) if best - tick * n > 0]
    asks = [(best + tick * (n + 1), quantity) for n in range(LEVELS)]
    state.is_pinned = True
    venue.on_mark(symbol, price, price, state.funding_rate)
    state.last_price = best
    crossed = venue.on_levels(symbol, bids, asks, is_snapshot=True, now_ms=now_ms)
    book_makers(venue, crossed, now_ms)
    settle(venue, now_ms)


def unpin(venue: Venue, symbol: str) -> None:
    """Let the tape move a symbol again."""
    venue.symbols[symbol].is_pinned = False
