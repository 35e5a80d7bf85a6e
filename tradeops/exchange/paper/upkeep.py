"""What the venue does by itself: liquidation, funding, timed cancels.

Pure; called with the venue's time.
"""

from decimal import Decimal

from tradeops.exchange.paper import margin
from tradeops.exchange.paper.algo import cancel_algo, watch
from tradeops.exchange.paper.amounts import ZERO
from tradeops.exchange.paper.events import MarginCalled
from tradeops.exchange.paper.execution import cancel
from tradeops.exchange.paper.forced import expire_orders, liquidate
from tradeops.exchange.paper.ledger import Position, book_funding, book_transfer
from tradeops.exchange.paper.orders import EXPIRED, GTD
from tradeops.exchange.paper.venue import Member, Venue

FUNDING_INTERVAL_MS = 8 * 3_600_000
# Part of the margin balance that maintenance may use before the venue calls for more.
CALLED_AT = Decimal("0.8")


def next_funding_ms(now_ms: int) -> int:
    """The next of 00:00, 08:00 and 16:00 UTC after `now_ms`."""
    return (now_ms // FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS


def on_time(venue: Venue, now_ms: int) -> None:
    """Do what is due: funding, expiry of GTD orders, countdown cancels, liquidation checks."""
    if now_ms >= next_funding_ms(venue.funded_until_ms):
        for symbol, state in venue.symbols.items():
            apply_funding(venue, symbol, state.funding_rate, now_ms)
    venue.funded_until_ms = now_ms
    for state in venue.symbols.values():
        state.mark_candles.add(state.mark, ZERO, trade_id=0, buyer_is_maker=False, at_ms=now_ms)
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
    for algo in member.algos.waiting():
        if algo.wanted.time_in_force == GTD and now_ms >= algo.wanted.good_till_ms:
            cancel_algo(venue, algo, now_ms, status=EXPIRED)
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
            expire_orders(venue, member, position.symbol, now_ms)
            liquidate(venue, member, position, balance, now_ms)
        else:
            _warn(venue, member, position.symbol, [position], health=(balance, keep), now_ms=now_ms)


def _check_cross(venue: Venue, member: Member, now_ms: int) -> None:
    """Close cross positions, largest first, until the margin balance covers maintenance."""
    balance, keep = margin.cross_health(member.account, venue.mark, venue.spec)
    if not keep or balance >= keep:
        positions = _cross_positions(member)
        _warn(venue, member, "", positions, health=(balance, keep), now_ms=now_ms)
        return
    for symbol in list(member.books.open_by_symbol):
        if symbol not in member.account.isolated:
            expire_orders(venue, member, symbol, now_ms)
    while keep and balance < keep:
        cross = _cross_positions(member)
        largest = max(cross, key=lambda p: abs(p.amount) * venue.mark(p.symbol))
        _call_margin(venue, member, [largest], now_ms)
        liquidate(venue, member, largest, balance, now_ms)
        balance, keep = margin.cross_health(member.account, venue.mark, venue.spec)


def _cross_positions(member: Member) -> list[Position]:
    account = member.account
    return [p for p in account.open_positions() if p.symbol not in account.isolated]


def _warn(
    venue: Venue,
    member: Member,
    scope: str,
    positions: list[Position],
    *,
    health: tuple[Decimal, Decimal],
    now_ms: int,
) -> None:
    """Call for margin once when maintenance uses up most of it; again after it has recovered.

    `scope` is the symbol of an isolated position, empty for the cross margin.
    """
    balance, keep = health
    if keep < balance * CALLED_AT:
        member.called.discard(scope)
    elif scope not in member.called and positions:
        member.called.add(scope)
        _call_margin(venue, member, positions, now_ms)


def _call_margin(venue: Venue, member: Member, positions: list[Position], now_ms: int) -> None:
    account = member.account
    called = []
    for position in positions:
        mark = venue.mark(position.symbol)
        keep = margin.maintenance(venue.spec(position.symbol), abs(position.amount) * mark)
        called.append((venue.fact(account, position), mark, keep))
    venue.outbox.append(MarginCalled(now_ms, account.name, account.cross_wallet, tuple(called)))
