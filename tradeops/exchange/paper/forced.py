"""Positions that the venue closes by itself: liquidation, deleveraging, settlement.

Pure; called with the venue's time. Client ids as the venue gives them: binance.md 9.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from tradeops.exchange.paper.amounts import ZERO, round8
from tradeops.exchange.paper.execution import Forced, book, cancel
from tradeops.exchange.paper.ledger import (
    INCOME_INSURANCE,
    Position,
    book_transfer,
    commission_on,
)
from tradeops.exchange.paper.orders import (
    BUY,
    EXPIRED,
    GTC,
    IOC,
    LIMIT,
    MARKET,
    NO_PREVENTION,
    SELL,
    Order,
)
from tradeops.exchange.paper.venue import Member, Venue

ER_LIQUIDATED = 5


class Cause(StrEnum):
    """Why the venue closes a position; the value begins the order's client id."""

    LIQUIDATION = "autoclose-"
    DELEVERAGING = "adl_autoclose"
    SETTLEMENT = "settlement_autoclose-"
    DELIVERY = "delivery_autoclose-"


def expire_orders(venue: Venue, member: Member, symbol: str, now_ms: int) -> None:
    """End the resting orders of a symbol, as a liquidation does first."""
    for order in member.books.open_orders(symbol):
        cancel(venue, order, now_ms, status=EXPIRED, reason=ER_LIQUIDATED)


def liquidate(
    venue: Venue, member: Member, position: Position, balance: Decimal, now_ms: int
) -> None:
    """Close a position at its mark price.

    The liquidation fee takes at most what the margin (`balance`) still holds. What the margin does
    not cover comes from the insurance fund, as a booking of its own.
    """
    symbol = position.symbol
    price = _price(venue, symbol)
    quantity = abs(position.amount)
    is_isolated = symbol in member.account.isolated
    left = balance + (price - venue.mark(symbol)) * position.amount
    wanted = quantity * price * venue.spec(symbol).liquidation_fee
    fee = round8(min(wanted, max(ZERO, left)))
    _close(venue, member, position, Cause.LIQUIDATION, fee=fee, quantity=quantity, now_ms=now_ms)
    missing = -round8(left) if is_isolated else -member.account.cross_wallet
    if missing > 0 and (is_isolated or not _holds_cross(member)):
        book_transfer(member.account, missing, now_ms, INCOME_INSURANCE)
        venue.tell_account(member.account, "INSURANCE_CLEAR", now_ms, [], change=missing)


def close_by_venue(
    venue: Venue,
    member: Member,
    position: Position,
    cause: Cause,
    *,
    now_ms: int,
    quantity: Decimal | None = None,
) -> None:
    """Close `quantity` (base; all when None) at the mark price for an ordinary taker's fee."""
    closed = min(quantity or abs(position.amount), abs(position.amount))
    fee = commission_on(_price(venue, position.symbol), closed, is_maker=False)
    _close(venue, member, position, cause, fee=fee, quantity=closed, now_ms=now_ms)


def _close(
    venue: Venue,
    member: Member,
    position: Position,
    cause: Cause,
    *,
    fee: Decimal,
    quantity: Decimal,
    now_ms: int,
) -> None:
    price, order_id = _price(venue, position.symbol), venue.take_order_id()
    is_limit = cause is Cause.LIQUIDATION
    order = Order(
        order_id=order_id,
        account=member.account.name,
        symbol=position.symbol,
        side=SELL if position.amount > 0 else BUY,
        order_type=LIMIT if is_limit else MARKET,
        time_in_force=IOC if is_limit else GTC,
        position_side=position.position_side,
        quantity=quantity,
        price=price if is_limit else ZERO,
        reduce_only=False,
        # All deleveraging orders have the same id.
        client_order_id=cause.value if cause is Cause.DELEVERAGING else f"{cause}{order_id}",
        prevention=NO_PREVENTION,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    forced = Forced(fee, is_public=is_limit or cause is Cause.DELEVERAGING)
    member.books.add(order)
    if is_limit:
        venue.tell_order(order, "CALCULATED", now_ms)
    book(venue, order, price, quantity, now_ms, is_maker=False, forced=forced)


def _price(venue: Venue, symbol: str) -> Decimal:
    """The mark price on the tick."""
    tick = venue.spec(symbol).tick_size
    return max(venue.mark(symbol).quantize(tick, rounding=ROUND_HALF_EVEN), tick)


def _holds_cross(member: Member) -> bool:
    return any(p.symbol not in member.account.isolated for p in member.account.open_positions())
