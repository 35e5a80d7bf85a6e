"""Admission of orders: everything that is asked before an order enters the books.

Pure, changes nothing.
"""

from dataclasses import replace
from decimal import Decimal

from tradeops.exchange.paper import margin, rules
from tradeops.exchange.paper.amounts import ZERO
from tradeops.exchange.paper.orders import (
    BUY,
    FOK,
    LIMIT,
    LONG,
    MARKET,
    SELL,
    SHORT,
    NewOrder,
    Order,
    Reason,
    Refusal,
)
from tradeops.exchange.paper.venue import Member, SymbolState, Venue


def admit(venue: Venue, member: Member, wanted: NewOrder, now_ms: int) -> NewOrder | Refusal:
    """Return the order as it will be accepted (price matched, reduce-only cut), or the refusal."""
    state = venue.symbols.get(wanted.symbol)
    if state is None:
        return Refusal(Reason.UNKNOWN_SYMBOL)
    if wanted.price_match != "NONE":
        wanted = _price_matched(state, wanted, now_ms)
    reference = wanted.price if wanted.order_type == LIMIT else state.mark
    closing = closable(member, wanted)
    refused = rules.refuse_shape(wanted, state.spec, hedge=member.account.hedge) or _refuse_count(
        member, wanted
    )
    if refused is None and closing is None:
        refused = rules.refuse_notional(wanted, state.spec, reference)
    refused = refused or rules.refuse_band(wanted, state.spec, state.mark)
    if refused is not None:
        return refused
    if closing is not None:
        if closing <= 0 or (member.account.hedge and wanted.quantity > closing):
            return Refusal(Reason.REDUCE_ONLY)
        wanted = replace(wanted, quantity=min(wanted.quantity, closing))
    return _refuse_book(venue, state, member, wanted, now_ms) or _margin_or(
        venue, member, wanted, state, is_closing=closing is not None
    )


def _margin_or(
    venue: Venue, member: Member, wanted: NewOrder, state: SymbolState, *, is_closing: bool
) -> NewOrder | Refusal:
    if is_closing:
        return wanted
    price = wanted.price
    if wanted.order_type == MARKET:
        best = state.book.best(SELL if wanted.side == BUY else BUY)
        price = max(state.mark, best) if best is not None else state.mark
    return refuse_margin(venue, member, wanted, price) or wanted


def _refuse_count(member: Member, wanted: NewOrder) -> Refusal | None:
    if wanted.client_order_id in member.books.open_by_client_id:
        return Refusal(Reason.DUPLICATE_CLIENT_ID)
    if (
        wanted.order_type == LIMIT
        and len(member.books.open_by_symbol.get(wanted.symbol, {})) >= rules.MAX_OPEN_ORDERS
    ):
        return Refusal(Reason.MAX_ORDERS)
    return None


def _refuse_book(
    venue: Venue, state: SymbolState, member: Member, wanted: NewOrder, now_ms: int
) -> Refusal | None:
    """Refuse a post-only that takes, a fill-or-kill that cannot fill, a market far off the band."""
    if rules.is_post_only(wanted) and state.book.would_take(wanted.side, wanted.price):
        return Refusal(Reason.POST_ONLY_TAKES)
    if wanted.order_type == LIMIT and wanted.time_in_force == FOK:
        probe = draft_order(member, wanted, now_ms)
        if state.book.fillable(probe, wanted.price, now_ms) < wanted.quantity:
            return Refusal(Reason.FOK_UNFILLED)
    if wanted.order_type == MARKET:
        best = state.book.best(SELL if wanted.side == BUY else BUY)
        highest, lowest = (
            state.mark * state.spec.multiplier_up,
            state.mark * state.spec.multiplier_down,
        )
        if best is not None and (best > highest if wanted.side == BUY else best < lowest):
            return Refusal(Reason.MARKET_OUT_OF_BAND)
    return None


def refuse_margin(
    venue: Venue, member: Member, wanted: NewOrder, price: Decimal, without: Order | None = None
) -> Refusal | None:
    """Refuse when the added margin is not available or the position would leave its bracket."""
    account, symbol = member.account, wanted.symbol
    mark = venue.mark(symbol)
    orders = [o for o in member.books.open_orders(symbol) if o is not without]
    extra = (wanted.side, wanted.position_side, wanted.quantity * price)
    before = margin.symbol_margin(account, symbol, member.books.open_orders(symbol), mark)
    after = margin.symbol_margin(account, symbol, orders, mark, extra)
    added = after.total - before.total
    if added <= 0:
        return None
    available = margin.account_margin(account, member.books, venue.mark, venue.spec).available
    if added > available:
        return Refusal(Reason.INSUFFICIENT_MARGIN)
    leverage = account.leverage_of(symbol)
    if after.total * leverage > margin.max_notional(venue.spec(symbol), leverage):
        return Refusal(Reason.MAX_POSITION)
    return None


def closable(member: Member, wanted: NewOrder) -> Decimal | None:
    """Quantity that a closing order can close; None when the order may open."""
    held = member.account.position(wanted.symbol, wanted.position_side).amount
    if member.account.hedge:
        closes = (wanted.position_side, wanted.side) in ((LONG, SELL), (SHORT, BUY))
        return abs(held) if closes else None
    if not wanted.reduce_only:
        return None
    return abs(held) if held and (held > 0) == (wanted.side == SELL) else ZERO


def _price_matched(state: SymbolState, wanted: NewOrder, now_ms: int) -> NewOrder:
    """Resolve priceMatch: price of the n-th level of the own (QUEUE) or other (OPPONENT) side."""
    kind, _, rank = wanted.price_match.partition("_")
    other = SELL if wanted.side == BUY else BUY
    levels = state.book.depth(wanted.side if kind == "QUEUE" else other, int(rank or "1"), now_ms)
    return replace(wanted, price=levels[-1][0]) if levels else wanted


def draft_order(member: Member, wanted: NewOrder, now_ms: int) -> Order:
    """An order with no id yet, enough to ask the book what it would execute."""
    return Order(
        order_id=0,
        account=member.account.name,
        symbol=wanted.symbol,
        side=wanted.side,
        order_type=wanted.order_type,
        time_in_force=wanted.time_in_force,
        position_side=wanted.position_side,
        quantity=wanted.quantity,
        price=wanted.price if wanted.order_type == LIMIT else ZERO,
        reduce_only=wanted.reduce_only,
        client_order_id=wanted.client_order_id,
        prevention=wanted.prevention,
        created_ms=now_ms,
        updated_ms=now_ms,
        good_till_ms=wanted.good_till_ms,
        price_match=wanted.price_match,
        close_position=wanted.close_position,
        origin=wanted.origin,
    )


def as_wanted(order: Order, quantity: Decimal, price: Decimal) -> NewOrder:
    return NewOrder(
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        quantity=quantity,
        price=price,
        time_in_force=order.time_in_force,
        position_side=order.position_side,
        reduce_only=order.reduce_only,
        client_order_id=order.client_order_id,
        prevention=order.prevention,
    )
