"""Account settings at the venue: leverage, margin type, isolated margin, position mode. Pure."""

from decimal import Decimal

from tradeops.exchange.paper import margin
from tradeops.exchange.paper.amounts import round8
from tradeops.exchange.paper.events import LeverageChanged
from tradeops.exchange.paper.orders import Reason, Refusal
from tradeops.exchange.paper.venue import MarginMove, Member, Venue

ADD, CUT = 1, 2


def set_leverage(
    venue: Venue, member: Member, symbol: str, leverage: int, now_ms: int
) -> Refusal | Decimal:
    """Set the leverage of a symbol; returns the largest notional it admits."""
    account, spec = member.account, venue.spec(symbol)
    if not 1 <= leverage <= spec.max_leverage:
        return Refusal(Reason.BAD_LEVERAGE, str(leverage))
    cap = margin.max_notional(spec, leverage)
    before = account.leverage_of(symbol)
    held = list(account.open_positions(symbol))
    if held and symbol in account.isolated and leverage < before:
        return Refusal(Reason.LEVERAGE_CUT_ISOLATED)
    used = margin.symbol_margin(
        account, symbol, member.books.open_orders(symbol), venue.mark(symbol)
    )
    if used.total * before > cap:
        return Refusal(Reason.MAX_POSITION)
    if leverage < before:
        added = used.total * before / leverage - used.total
        if added > margin.account_margin(account, member.books, venue.mark, venue.spec).available:
            return Refusal(Reason.INSUFFICIENT_MARGIN)
    if leverage != before:
        account.leverage[symbol] = leverage
        venue.outbox.append(LeverageChanged(now_ms, account.name, symbol, leverage))
    return cap


def set_margin_type(
    venue: Venue, member: Member, symbol: str, *, isolated: bool, now_ms: int
) -> Refusal | None:
    """Switch a symbol between cross and isolated; refused with a position or an open order."""
    account = member.account
    if (symbol in account.isolated) == isolated:
        return Refusal(Reason.MARGIN_TYPE_UNCHANGED)
    if member.books.open_by_symbol.get(symbol) or member.algos.waiting(symbol):
        return Refusal(Reason.MARGIN_TYPE_OPEN_ORDERS)
    if any(account.open_positions(symbol)):
        return Refusal(Reason.MARGIN_TYPE_POSITION)
    if isolated:
        account.isolated.add(symbol)
    else:
        account.isolated.discard(symbol)
    venue.tell_account(
        account, "MARGIN_TYPE_CHANGE", now_ms, [account.position(symbol)], has_balance=False
    )
    return None


def move_margin(
    venue: Venue,
    member: Member,
    symbol: str,
    *,
    position_side: str,
    amount: Decimal,
    kind: int,
    now_ms: int,
) -> Refusal | None:
    """Add margin to (1) or take it from (2) an isolated position."""
    account = member.account
    if symbol not in account.isolated:
        return Refusal(Reason.NOT_ISOLATED)
    position = account.position(symbol, position_side)
    if not position.amount:
        return Refusal(Reason.NO_POSITION)
    moved = round8(amount)
    if moved <= 0:
        return Refusal(Reason.MARGIN_AMOUNT)
    if kind == ADD:
        if moved > margin.account_margin(account, member.books, venue.mark, venue.spec).available:
            return Refusal(Reason.INSUFFICIENT_CROSS)
    else:
        mark = venue.mark(symbol)
        needed = abs(position.amount) * mark / account.leverage_of(symbol)
        balance = position.isolated_wallet + min(position.unrealized(mark), Decimal(0))
        if balance - moved < needed:
            return Refusal(Reason.MARGIN_CUT)
        moved = -moved
    member.margin_moves.append(MarginMove(symbol, position_side, kind, abs(moved), at_ms=now_ms))
    position.isolated_wallet += moved
    position.updated_ms = account.updated_ms = now_ms
    venue.tell_account(account, "MARGIN_TRANSFER", now_ms, [position])
    return None


def set_hedge(member: Member, *, hedge: bool) -> Refusal | None:
    """Switch between one-way and hedge mode; refused with any position or open order."""
    account = member.account
    if account.hedge == hedge:
        return Refusal(Reason.POSITION_MODE_UNCHANGED)
    if member.books.open_orders() or member.algos.waiting():
        return Refusal(Reason.POSITION_MODE_OPEN_ORDERS)
    if any(account.open_positions()):
        return Refusal(Reason.POSITION_MODE_POSITION)
    account.hedge = hedge
    return None
