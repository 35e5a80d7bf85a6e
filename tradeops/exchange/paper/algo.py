"""The conditional order service: accept, watch, trigger, finish. Pure. Source: binance.md 3."""

from copy import copy
from dataclasses import replace
from decimal import Decimal

from tradeops.exchange.paper import rules
from tradeops.exchange.paper.algo_orders import (
    FINISHED,
    MARK_PRICE,
    MAX_WAITING,
    REJECTED,
    STOPS,
    TRAILING,
    TRIGGERED,
    TRIGGERING,
    WITH_PRICE,
    AlgoOrder,
    NewAlgoOrder,
)
from tradeops.exchange.paper.amounts import ONE, ZERO
from tradeops.exchange.paper.events import AlgoChanged
from tradeops.exchange.paper.execution import place
from tradeops.exchange.paper.orders import (
    BUY,
    CANCELED,
    EXPIRED,
    LIMIT,
    MARKET,
    NewOrder,
    Origin,
    Reason,
    Refusal,
)
from tradeops.exchange.paper.venue import Member, Venue


def place_algo(
    venue: Venue, member: Member, wanted: NewAlgoOrder, now_ms: int
) -> AlgoOrder | Refusal:
    """Accept a conditional order or refuse it. Margin is not asked until it triggers."""
    number = venue.next_algo_id + 1
    if not wanted.client_algo_id:
        wanted = replace(wanted, client_algo_id=f"paper-{number}")
    refused = _refuse(venue, member, wanted)
    if refused is not None:
        return refused
    algo = AlgoOrder(venue.take_algo_id(), member.account.name, wanted, now_ms, now_ms)
    algo.is_activated = wanted.order_type == TRAILING and not wanted.activate_price
    algo.extreme = _watched_price(venue, wanted)
    member.algos.by_id[algo.algo_id] = member.algos.watched[algo.algo_id] = algo
    _tell(venue, algo, now_ms)
    return algo


def cancel_algo(venue: Venue, algo: AlgoOrder, now_ms: int, *, status: str = CANCELED) -> None:
    """End a waiting conditional order."""
    algo.status = status
    del venue.members[algo.account].algos.watched[algo.algo_id]
    _tell(venue, algo, now_ms)


def watch(venue: Venue, now_ms: int) -> None:
    """Trigger what prices reach, finish what triggered orders ended, expire with positions."""
    for member in venue.members.values():
        for algo in list(member.algos.watched.values()):
            if algo.status == TRIGGERED:
                _finish(venue, member, algo, now_ms)
            elif algo.wanted.close_position and not _closable_amount(member, algo.wanted):
                cancel_algo(venue, algo, now_ms, status=EXPIRED)
            elif _is_reached(venue, algo, now_ms):
                _trigger(venue, member, algo, now_ms)


def _refuse(venue: Venue, member: Member, wanted: NewAlgoOrder) -> Refusal | None:
    spec = venue.spec(wanted.symbol)
    waiting = member.algos.waiting()
    if any(a.wanted.client_algo_id == wanted.client_algo_id for a in waiting):
        return Refusal(Reason.DUPLICATE_CLIENT_ID)
    if len(waiting) >= MAX_WAITING:
        return Refusal(Reason.MAX_STOPS)
    # A quantity that passes the filters stands in for a closing order, which has none of its own.
    probe = _order(wanted, spec.min_qty if wanted.close_position else wanted.quantity)
    refused = rules.refuse_shape(probe, spec, hedge=member.account.hedge)
    if refused is not None:
        return refused
    if wanted.close_position and not _closable_amount(member, wanted):
        return Refusal(Reason.NOTHING_TO_CLOSE)
    if wanted.close_position and any(_closes_alike(a.wanted, wanted) for a in waiting):
        return Refusal(Reason.CLOSE_EXISTS)
    return _refuse_trigger(venue, wanted)


def _refuse_trigger(venue: Venue, wanted: NewAlgoOrder) -> Refusal | None:
    price = _watched_price(venue, wanted)
    if wanted.order_type != TRAILING:
        is_reached = _passes(wanted, wanted.trigger_price, price)
    else:
        is_reached = bool(wanted.activate_price) and _activates(wanted, price)
    return Refusal(Reason.WOULD_TRIGGER) if is_reached else None


def _closes_alike(other: NewAlgoOrder, wanted: NewAlgoOrder) -> bool:
    """True when both close the same position by a stop, or both by a take-profit."""
    same = (
        other.symbol == wanted.symbol
        and other.side == wanted.side
        and other.position_side == wanted.position_side
    )
    alike = (other.order_type in STOPS) == (wanted.order_type in STOPS)
    return other.close_position and same and alike


def _is_reached(venue: Venue, algo: AlgoOrder, now_ms: int) -> bool:
    wanted, price = algo.wanted, _watched_price(venue, algo.wanted)
    if wanted.order_type != TRAILING:
        return _passes(wanted, wanted.trigger_price, price)
    if not algo.is_activated:
        if not _activates(wanted, price):
            return False
        algo.is_activated, algo.extreme = True, price
        _tell(venue, algo, now_ms)
    algo.extreme = min(algo.extreme, price) if wanted.side == BUY else max(algo.extreme, price)
    rate = wanted.callback_rate / 100
    if wanted.side == BUY:
        return price >= algo.extreme * (ONE + rate)
    return price <= algo.extreme * (ONE - rate)


def _activates(wanted: NewAlgoOrder, price: Decimal) -> bool:
    """A trailing buy waits for a fall to its activation price, a sell for a rise."""
    return price <= wanted.activate_price if wanted.side == BUY else price >= wanted.activate_price


def _passes(wanted: NewAlgoOrder, trigger: Decimal, price: Decimal) -> bool:
    """STOP: buy at or above, sell at or below. TAKE_PROFIT: the other way round."""
    rises = (wanted.side == BUY) == (wanted.order_type in STOPS)
    return price >= trigger if rises else price <= trigger


def _trigger(venue: Venue, member: Member, algo: AlgoOrder, now_ms: int) -> None:
    algo.status, algo.triggered_ms = TRIGGERING, now_ms
    _tell(venue, algo, now_ms)
    wanted = algo.wanted
    quantity = _closable_amount(member, wanted) if wanted.close_position else wanted.quantity
    placed = place(venue, member, _order(wanted, quantity), now_ms)
    if isinstance(placed, Refusal):
        algo.status, algo.reject_reason = REJECTED, placed.reason.value
        del member.algos.watched[algo.algo_id]
        _tell(venue, algo, now_ms)
        return
    algo.status, algo.order_id = TRIGGERED, placed.order_id
    _tell(venue, algo, now_ms)
    _finish(venue, member, algo, now_ms)


def _finish(venue: Venue, member: Member, algo: AlgoOrder, now_ms: int) -> None:
    order = member.books.by_id[algo.order_id]
    if order.is_open:
        return
    algo.status, algo.executed, algo.average_price = FINISHED, order.executed, order.average_price
    del member.algos.watched[algo.algo_id]
    _tell(venue, algo, now_ms)


def _closable_amount(member: Member, wanted: NewAlgoOrder) -> Decimal:
    """Position that an order of this side would close, 0 when it would open."""
    held = member.account.position(wanted.symbol, wanted.position_side).amount
    return abs(held) if (held > 0) == (wanted.side != BUY) else ZERO


def _order(wanted: NewAlgoOrder, quantity: Decimal) -> NewOrder:
    """The order that a trigger places; it carries the conditional order's client id."""
    has_price = wanted.order_type in WITH_PRICE
    closes = wanted.reduce_only or wanted.close_position
    return NewOrder(
        symbol=wanted.symbol,
        side=wanted.side,
        order_type=LIMIT if has_price else MARKET,
        quantity=quantity,
        price=wanted.price,
        time_in_force=wanted.time_in_force,
        position_side=wanted.position_side,
        reduce_only=closes and wanted.position_side == "BOTH",
        client_order_id=wanted.client_algo_id,
        prevention=wanted.prevention,
        close_position=wanted.close_position,
        good_till_ms=wanted.good_till_ms if has_price else 0,
        origin=Origin(wanted.order_type, wanted.trigger_price, wanted.working_type),
    )


def _watched_price(venue: Venue, wanted: NewAlgoOrder) -> Decimal:
    state = venue.symbols[wanted.symbol]
    return state.mark if wanted.working_type == MARK_PRICE else state.last_price


def _tell(venue: Venue, algo: AlgoOrder, now_ms: int) -> None:
    algo.updated_ms = now_ms
    venue.outbox.append(AlgoChanged(now_ms, copy(algo)))
