"""What the venue does by itself: liquidation, funding, timed cancels.

Pure; called with the venue's time.
"""

from decimal import ROUND_HALF_EVEN, Decimal

from tradeops.exchange.paper import margin
from tradeops.exchange.paper.algo import watch
from tradeops.exchange.paper.amounts import ZERO, round8
from tradeops.exchange.paper.events import MarginCalled
from tradeops.exchange.paper.execution import Forced, book, cancel
from tradeops.exchange.paper.ledger import INCOME_INSURANCE, Position, book_funding, book_transfer
from tradeops.exchange.paper.orders import (
    BUY,
    EXPIRED,
    GTD,
    IOC,
    LIMIT,
    NO_PREVENTION,
    SELL,
    Order,
)
from tradeops.exchange.paper.venue import Member, Venue

FUNDING_INTERVAL_MS = 8 * 3_600_000
ER_LIQUIDATED = 5


def next_funding_ms(now_ms: int) -> int:
    """The next of 00:00, 08:00 and 16:00 UTC after `now_ms`."""
    return (now_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS


def on_time(venue: Venue, now_ms: int) -> None:
    """Do what is due: funding, expiry of GTD orders, countdown cancels, liquidation checks."""
    if now_ms >= next_funding_ms(venue.funded_until_ms):
        for symbol, state in venue.symbols.items():
            apply_funding(venue, symbol, state.funding_rate, now_ms)
    venue.funded_until_ms = now_ms
    for member in venue.members.values():
        _expire_dated(venue, member, now_ms)
        for symbol, due_ms in list(member.countdowns.items()):
            if now_ms >= due_ms:
                del member.countdowns[symbol]
                for order in member.books.open_orders(symbol):
                    cancel(venue, order, now_ms)
    settle(venue, now_ms)


def settle(venue: Venue, now_ms: int) -> None:
    """Check conditional orders, then accounts that hold a symbol whose mark price moved."""
    watch(venue, now_ms)
    touched, venue.touched = venue.touched, set()
    for member in venue.members.values():
        held = [p for p in member.account.open_positions() if p.symbol in touched]
        if held:
            _check_isolated(venue, member, held, now_ms)
            _check_cross(venue, member, now_ms)


def apply_funding(venue: Venue, symbol: str, rate: Decimal, now_ms: int) -> None:
    """Pay or charge funding on every position of a symbol at its mark price."""
    mark = venue.mark(symbol)
    venue.symbols[symbol].fundings.append((now_ms, rate, mark))
    for member in venue.members.values():
        account = member.account
        for position in list(account.open_positions(symbol)):
            payment = book_funding(account, position, mark, rate, now_ms)
            shown = [position] if symbol in account.isolated else []
            venue.tell_account(account, "FUNDING_FEE", now_ms, shown, change=payment, symbol=symbol)
    venue.touched.add(symbol)


def transfer(venue: Venue, member: Member, amount: Decimal, now_ms: int) -> None:
    """Deposit (positive) or withdraw (negative) quote asset from outside the venue."""
    book_transfer(member.account, amount, now_ms)
    reason = "DEPOSIT" if amount > 0 else "WITHDRAW"
    venue.tell_account(member.account, reason, now_ms, [], change=amount)


def _expire_dated(venue: Venue, member: Member, now_ms: int) -> None:
    for order in member.books.open_orders():
        if order.time_in_force == GTD and now_ms >= order.good_till_ms:
            cancel(venue, order, now_ms, status=EXPIRED)


def _check_isolated(venue: Venue, member: Member, held: list[Position], now_ms: int) -> None:
    for position in held:
        if position.symbol not in member.account.isolated or not position.amount:
            continue
        mark, spec = venue.mark(position.symbol), venue.spec(position.symbol)
        balance, keep = margin.isolated_health(position, mark, spec)
        if balance < keep:
            _cancel_all(venue, member, position.symbol, now_ms)
            _liquidate(venue, member, position, balance, now_ms)


def _check_cross(venue: Venue, member: Member, now_ms: int) -> None:
    """Close cross positions, largest first, until the margin balance covers maintenance."""
    balance, keep = margin.cross_health(member.account, venue.mark, venue.spec)
    if keep and balance < keep:
        for symbol in list(member.books.open_by_symbol):
            if symbol not in member.account.isolated:
                _cancel_all(venue, member, symbol, now_ms)
    while keep and balance < keep:
        cross = [
            p for p in member.account.open_positions() if p.symbol not in member.account.isolated
        ]
        largest = max(cross, key=lambda p: abs(p.amount) * venue.mark(p.symbol))
        _call_margin(venue, member, largest, now_ms)
        _liquidate(venue, member, largest, balance, now_ms)
        balance, keep = margin.cross_health(member.account, venue.mark, venue.spec)


def _call_margin(venue: Venue, member: Member, position: Position, now_ms: int) -> None:
    account, mark = member.account, venue.mark(position.symbol)
    keep = margin.maintenance(venue.spec(position.symbol), abs(position.amount) * mark)
    called = (venue.fact(account, position), mark, keep)
    venue.outbox.append(MarginCalled(now_ms, account.name, account.cross_wallet, (called,)))


def _cancel_all(venue: Venue, member: Member, symbol: str, now_ms: int) -> None:
    for order in member.books.open_orders(symbol):
        cancel(venue, order, now_ms, status=EXPIRED, reason=ER_LIQUIDATED)


def _liquidate(
    venue: Venue, member: Member, position: Position, balance: Decimal, now_ms: int
) -> None:
    """Close a position at its mark price.

    The liquidation fee takes at most what the margin still holds. What the margin does not cover
    comes from the insurance fund, as a booking of its own.
    """
    symbol = position.symbol
    spec = venue.spec(symbol)
    price = venue.mark(symbol).quantize(spec.tick_size, rounding=ROUND_HALF_EVEN)
    price = max(price, spec.tick_size)
    quantity = abs(position.amount)
    is_isolated = symbol in member.account.isolated
    left = balance + (price - venue.mark(symbol)) * position.amount
    fee = round8(min(quantity * price * spec.liquidation_fee, max(ZERO, left)))
    order_id = venue.take_order_id()
    order = Order(
        order_id=order_id,
        account=member.account.name,
        symbol=symbol,
        side=SELL if position.amount > 0 else BUY,
        order_type=LIMIT,
        time_in_force=IOC,
        position_side=position.position_side,
        quantity=quantity,
        price=price,
        reduce_only=False,
        client_order_id=f"autoclose-{order_id}",
        prevention=NO_PREVENTION,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
    member.books.add(order)
    venue.tell_order(order, "CALCULATED", now_ms)
    book(venue, order, price, quantity, now_ms, is_maker=False, forced=Forced(fee))
    missing = -round8(left) if is_isolated else -member.account.cross_wallet
    if missing > 0 and (is_isolated or not _holds_cross(member)):
        book_transfer(member.account, missing, now_ms, INCOME_INSURANCE)
        venue.tell_account(member.account, "INSURANCE_CLEAR", now_ms, [], change=missing)


def _holds_cross(member: Member) -> bool:
    return any(p.symbol not in member.account.isolated for p in member.account.open_positions())
