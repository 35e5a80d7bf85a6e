"""Placing, cancelling and amending orders, and booking what they execute. Pure."""

from dataclasses import dataclass, replace
from decimal import Decimal

from tradeops.exchange.paper import rules
from tradeops.exchange.paper.admission import admit, as_wanted, closable, draft_order, refuse_margin
from tradeops.exchange.paper.amounts import ONE, ZERO
from tradeops.exchange.paper.events import Liquidated
from tradeops.exchange.paper.ledger import book_fill, commission_on
from tradeops.exchange.paper.matching import MakerFill, SelfMatch
from tradeops.exchange.paper.orders import (
    BUY,
    CANCELED,
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRED,
    EXPIRED_IN_MATCH,
    FILLED,
    FOK,
    IOC,
    LIMIT,
    MARKET,
    PARTIALLY_FILLED,
    SELL,
    Fill,
    NewOrder,
    Order,
    Reason,
    Refusal,
    Rejected,
)
from tradeops.exchange.paper.venue import Member, Venue

# Expiry reasons of the order stream. Source: binance.md 4.
ER_PREVENTION, ER_IOC_REST, ER_MARKET_REST = 1, 2, 9


@dataclass(frozen=True, slots=True)
class Forced:
    """How a fill of the venue's own order differs from an ordinary one."""

    commission: Decimal
    is_public: bool = True


def place(venue: Venue, member: Member, wanted: NewOrder, now_ms: int) -> Order | Refusal:
    """Check an order, accept it, match it and rest or expire what is left.

    A refused order is kept in the account's `rejected` list and changes nothing else.
    """
    if not wanted.client_order_id:
        wanted = replace(wanted, client_order_id=f"paper-{venue.next_order_id + 1}")
    checked = admit(venue, member, wanted, now_ms)
    if isinstance(checked, Refusal):
        member.books.rejected.append(Rejected(wanted, now_ms, checked))
        return checked
    order = _new_order(venue, member, checked, now_ms)
    member.books.add(order)
    venue.tell_order(order, "NEW", now_ms)
    _execute(venue, order, now_ms)
    return order


def cancel(
    venue: Venue, order: Order, now_ms: int, *, status: str = CANCELED, reason: int = 0
) -> None:
    """End an open order as CANCELED, EXPIRED or EXPIRED_IN_MATCH."""
    venue.symbols[order.symbol].book.remove(order)
    order.status, order.updated_ms, order.expiry_reason = status, now_ms, reason
    venue.members[order.account].books.close(order)
    venue.tell_order(order, "CANCELED" if status == CANCELED else "EXPIRED", now_ms)


def amend(
    venue: Venue, member: Member, order: Order, *, quantity: Decimal, price: Decimal, now_ms: int
) -> Refusal | None:
    """Change quantity and price of a resting limit order; it goes to the end of its queue.

    Cancels it when the new quantity is not above what has executed, or when it is post-only and
    would take.
    """
    if (quantity, price) == (order.quantity, order.price):
        return Refusal(Reason.AMEND_UNCHANGED)
    state = venue.symbols[order.symbol]
    wanted = as_wanted(order, quantity, price)
    refused = (
        rules.refuse_shape(wanted, state.spec, hedge=member.account.hedge)
        or rules.refuse_notional(wanted, state.spec, price)
        or rules.refuse_band(wanted, state.spec, state.mark)
    )
    if refused is None and quantity * price > order.quantity * order.price:
        grown = replace(wanted, quantity=quantity - order.executed)
        refused = refuse_margin(venue, member, grown, price, without=order)
    if refused is not None:
        return refused
    if quantity <= order.executed or (
        rules.is_post_only(wanted) and state.book.would_take(order.side, price)
    ):
        cancel(venue, order, now_ms)
        return None
    state.book.remove(order)
    order.quantity, order.price, order.updated_ms = quantity, price, now_ms
    venue.tell_order(order, "AMENDMENT", now_ms)
    _execute(venue, order, now_ms)
    return None


def book_makers(venue: Venue, fills: list[MakerFill], now_ms: int) -> None:
    """Book what the public market executed against resting orders."""
    for fill in fills:
        quantity = min(fill.quantity, fill.maker.remaining)
        if fill.maker.is_open and quantity > 0:
            book(venue, fill.maker, fill.maker.price, quantity, now_ms, is_maker=True)


def book(
    venue: Venue,
    order: Order,
    price: Decimal,
    quantity: Decimal,
    now_ms: int,
    *,
    is_maker: bool,
    forced: Forced | None = None,
) -> None:
    """Book one execution: ledger, order state, fill, facts, and reduce-only trimming."""
    member = venue.members[order.account]
    trade_id = venue.take_trade_id(order.symbol)
    commission = forced.commission if forced else commission_on(price, quantity, is_maker=is_maker)
    booked = book_fill(
        member.account,
        symbol=order.symbol,
        position_side=order.position_side,
        side=order.side,
        price=price,
        quantity=quantity,
        commission=commission,
        at_ms=now_ms,
        trade_id=trade_id,
    )
    _advance(venue, order, price, quantity, now_ms)
    fill = Fill(
        trade_id,
        order.order_id,
        order.client_order_id,
        order.symbol,
        order.side,
        order.position_side,
        price,
        quantity,
        price * quantity,
        commission,
        booked.realized,
        is_maker,
        now_ms,
    )
    member.fills.append(fill)
    venue.touched.add(order.symbol)
    venue.tell_order(order, "CALCULATED" if forced else "TRADE", now_ms, fill)
    venue.tell_account(member.account, "ORDER", now_ms, [booked.position])
    if forced and forced.is_public:
        venue.outbox.append(Liquidated(now_ms, replace(order)))
    if not is_maker:
        venue.publish(
            order.symbol,
            price,
            quantity,
            buyer_is_maker=order.side == SELL,
            now_ms=now_ms,
            trade_id=trade_id,
        )
    _trim_reduce_only(venue, member, order.symbol, now_ms)


def _new_order(venue: Venue, member: Member, wanted: NewOrder, now_ms: int) -> Order:
    order = draft_order(member, wanted, now_ms)
    order.order_id = venue.take_order_id()
    return order


def _advance(venue: Venue, order: Order, price: Decimal, quantity: Decimal, now_ms: int) -> None:
    """Count an execution on its order; a filled one leaves the book."""
    order.executed += quantity
    order.quote += price * quantity
    order.updated_ms = now_ms
    order.queue_ahead = ZERO
    order.status = FILLED if order.remaining <= 0 else PARTIALLY_FILLED
    if not order.is_open:
        venue.symbols[order.symbol].book.remove(order)
        venue.members[order.account].books.close(order)


def _execute(venue: Venue, order: Order, now_ms: int) -> None:
    state = venue.symbols[order.symbol]
    limit: Decimal | None = order.price
    if order.order_type == MARKET:
        bound = state.spec.market_take_bound
        limit = state.mark * (ONE + bound if order.side == BUY else ONE - bound)
    for met in state.book.take(order, limit, now_ms):
        if isinstance(met, SelfMatch):
            _prevent(venue, order, met.maker, now_ms)
            continue
        pieces = _pieces(met.quantity, state.spec.step_size, venue.pieces)
        is_cut = len(pieces) > 1 and order.order_type == LIMIT and order.time_in_force != FOK
        for quantity in pieces[:1] if is_cut else pieces:
            book(venue, order, met.price, quantity, now_ms, is_maker=False)
            if met.maker is not None:
                book(venue, met.maker, met.price, quantity, now_ms, is_maker=True)
        if is_cut:
            break
    if not order.is_open:
        return
    if order.order_type == MARKET:
        cancel(venue, order, now_ms, status=EXPIRED, reason=ER_MARKET_REST)
    elif order.time_in_force in (IOC, FOK):
        cancel(venue, order, now_ms, status=EXPIRED, reason=ER_IOC_REST)
    else:
        state.book.rest(order, now_ms)


def _pieces(quantity: Decimal, step: Decimal, count: int) -> list[Decimal]:
    """Cut a match into executions of whole steps; the last takes the rest."""
    size = quantity / count // step * step
    if count == 1 or size <= 0:
        return [quantity]
    return [*[size] * (count - 1), quantity - size * (count - 1)]


def _prevent(venue: Venue, taker: Order, maker: Order, now_ms: int) -> None:
    """Apply self-trade prevention as the taker asked for it."""
    if taker.prevention in (EXPIRE_MAKER, EXPIRE_BOTH):
        cancel(venue, maker, now_ms, status=EXPIRED_IN_MATCH, reason=ER_PREVENTION)
    if taker.prevention != EXPIRE_MAKER:
        cancel(venue, taker, now_ms, status=EXPIRED_IN_MATCH, reason=ER_PREVENTION)


def _trim_reduce_only(venue: Venue, member: Member, symbol: str, now_ms: int) -> None:
    """Keep resting closing orders within the position: expire when flat, cut when it shrank."""
    for order in member.books.open_orders(symbol):
        closing = closable(member, as_wanted(order, order.quantity, order.price))
        if closing is None or order.remaining <= closing:
            continue
        if closing <= 0:
            cancel(venue, order, now_ms, status=EXPIRED)
        else:
            order.quantity = order.executed + closing
            venue.tell_order(order, "AMENDMENT", now_ms)
