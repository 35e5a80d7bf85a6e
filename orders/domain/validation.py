"""What an order must say, type by type, before anybody asks what it would do. Pure.

Source: binance.md §3 and §8 (fields of POST order and algoOrder).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import CONDITIONAL_TYPES, OrderType, PositionSide, Side, TimeInForce
from tradeops.domain.money import is_multiple

SERVED_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT}) | CONDITIONAL_TYPES
WITH_PRICE = frozenset({OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT})
WITH_TRIGGER = CONDITIONAL_TYPES - {OrderType.TRAILING_STOP_MARKET}
CLOSES_WHOLE = frozenset({OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET})
MIN_CALLBACK_RATE, MAX_CALLBACK_RATE = Decimal("0.1"), Decimal(20)
CALLBACK_STEP = Decimal("0.1")
GOOD_TILL_LEAST = timedelta(seconds=600)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: `field` is "" where it is about several, `code` names the rule."""

    field: str
    code: str
    detail: str


def fault_of(order: PlaceOrder, *, now: datetime | None = None) -> Fault | None:
    """The first fault of an order, None when it can be judged.

    Without `now` a `good_till` is not compared with the time.
    """
    for rule in _RULES:
        fault = rule(order)
        if fault is not None:
            return fault
    if now is not None and order.good_till is not None and order.good_till - now <= GOOD_TILL_LEAST:
        return Fault("good_till", "good_till", "Good till must be more than 600 s from now.")
    return None


def leaves(order: PlaceOrder) -> bool:
    """Whether the order asks for nothing but a way out: it opens no exposure."""
    return order.reduce_only or order.close_position


def _type(order: PlaceOrder) -> Fault | None:
    if order.order_type in SERVED_TYPES:
        return None
    return Fault("type", "type", f"{order.order_type} orders cannot be placed.")


def _size(order: PlaceOrder) -> Fault | None:
    given = [order.amount, order.notional, order.quantity]
    if order.close_position:
        if given.count(None) == len(given):
            return None
        return Fault("", "one_size", "An order that closes the position has no size.")
    if given.count(None) != len(given) - 1:
        return Fault("", "one_size", "Give one of amount, notional and quantity.")
    if order.amount is not None and order.leverage is None:
        detail = "An amount is margin: it needs leverage to become an order."
        return Fault("leverage", "leverage_missing", detail)
    return None


def _price(order: PlaceOrder) -> Fault | None:
    wanted = order.order_type in WITH_PRICE
    if wanted and order.price is None:
        return Fault("price", "price", f"A {order.order_type} order needs a price.")
    if not wanted and order.price is not None:
        return Fault("price", "price", f"A {order.order_type} order has no price.")
    return None


def _time_in_force(order: PlaceOrder) -> Fault | None:
    kind = order.time_in_force
    if kind is None or (kind is not TimeInForce.OTHER and order.order_type is OrderType.LIMIT):
        return None
    if order.order_type in WITH_PRICE and kind not in (TimeInForce.GTD, TimeInForce.OTHER):
        return None
    detail = f"A {order.order_type} order has no time in force {kind}."
    if order.order_type not in WITH_PRICE:
        detail = f"A {order.order_type} order has no time in force."
    return Fault("time_in_force", "time_in_force", detail)


def _good_till(order: PlaceOrder) -> Fault | None:
    is_gtd = order.time_in_force is TimeInForce.GTD
    if is_gtd and order.good_till is None:
        return Fault("good_till", "good_till", "GTD needs good_till, the time of its end.")
    if not is_gtd and order.good_till is not None:
        return Fault("good_till", "good_till", "good_till belongs to time in force GTD.")
    if order.good_till is not None and order.good_till.microsecond:
        return Fault("good_till", "good_till", "good_till is a whole second.")
    return None


def _trigger(order: PlaceOrder) -> Fault | None:
    wanted = order.order_type in WITH_TRIGGER
    if wanted and order.trigger_price is None:
        detail = f"A {order.order_type} order needs a trigger price."
        return Fault("trigger_price", "trigger_price", detail)
    if not wanted and order.trigger_price is not None:
        detail = f"A {order.order_type} order has no trigger price."
        return Fault("trigger_price", "trigger_price", detail)
    if order.working_type is not None and order.order_type not in CONDITIONAL_TYPES:
        return Fault("working_type", "working_type", "A working type belongs to a trigger.")
    return None


def _trailing(order: PlaceOrder) -> Fault | None:
    rate = order.callback_rate
    if order.order_type is not OrderType.TRAILING_STOP_MARKET:
        for field in ("callback_rate", "activation_price"):
            if getattr(order, field) is not None:
                return Fault(field, field, "This belongs to a trailing stop.")
        return None
    if rate is None:
        return Fault("callback_rate", "callback_rate", "A trailing stop needs a callback rate.")
    if not MIN_CALLBACK_RATE <= rate <= MAX_CALLBACK_RATE or not is_multiple(rate, CALLBACK_STEP):
        detail = f"A callback rate is {MIN_CALLBACK_RATE} to {MAX_CALLBACK_RATE} percent, one digit"
        return Fault("callback_rate", "callback_rate", f"{detail} behind the point.")
    return None


def _closing(order: PlaceOrder) -> Fault | None:
    if order.close_position and order.order_type not in CLOSES_WHOLE:
        detail = "Only STOP_MARKET and TAKE_PROFIT_MARKET can close the whole position."
        return Fault("close_position", "close_position", detail)
    if order.close_position and order.reduce_only:
        detail = "close_position only reduces anyway: leave reduce_only out."
        return Fault("reduce_only", "reduce_only", detail)
    opens = Side.BUY if order.position_side is PositionSide.LONG else Side.SELL
    if order.position_side is not PositionSide.BOTH and leaves(order) and order.side is opens:
        detail = f"{order.side} never reduces a {order.position_side} position."
        return Fault("side", "position_side", detail)
    return None


def _attached(order: PlaceOrder) -> Fault | None:
    for field in ("stop_loss", "take_profit"):
        if getattr(order, field) is not None:
            detail = "Place the stop or the target as an order of its own."
            return Fault(field, field, detail)
    return None


_RULES: tuple[Callable[[PlaceOrder], Fault | None], ...] = (
    _type,
    _size,
    _price,
    _time_in_force,
    _good_till,
    _trigger,
    _trailing,
    _closing,
    _attached,
)
