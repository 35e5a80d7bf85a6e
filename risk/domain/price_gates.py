"""Gates about prices: the limit price, the trigger and what closes a whole position. Pure."""

from decimal import Decimal

from orders.domain.validation import WITH_PRICE
from risk.domain.context import OrderIntent, RiskContext, Verdict
from risk.domain.verdicts import Numbers, no, reduces, yes
from tradeops.domain.enums import OrderType, Side, WorkingType
from tradeops.domain.errors import ErrorCode
from tradeops.domain.money import ZERO, is_multiple, plain

_STOPS = frozenset({OrderType.STOP, OrderType.STOP_MARKET})


def price_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """A limit price lies on the tick grid and inside the venue's band.

    The band stands around the mark price, and around the trigger of an order that waits for it.
    """
    instrument, mark, price = context.instrument, context.mark_price, intent.price
    if intent.order_type not in WITH_PRICE or instrument is None or mark is None:
        return yes("price")
    numbers = {"price": plain(price or ZERO), "tick_size": plain(instrument.tick_size)}
    if price is None or price <= 0:
        return no("price", ErrorCode.VALIDATION_ERROR, "the order needs a price", numbers)
    if not is_multiple(price, instrument.tick_size):
        detail = f"price must be a multiple of {plain(instrument.tick_size)}"
        return no("price", ErrorCode.PRECISION_VIOLATION, detail, numbers)
    centre = mark if intent.trigger_price is None else intent.trigger_price
    bound, outside = None, False
    if intent.side is Side.BUY and instrument.multiplier_up > 0:
        bound = centre * instrument.multiplier_up
        outside = price > bound
    elif intent.side is Side.SELL and instrument.multiplier_down > 0:
        bound = centre * instrument.multiplier_down
        outside = price < bound
    if bound is not None:
        numbers["bound"] = plain(bound)
    if outside:
        what = "mark price" if intent.trigger_price is None else "trigger"
        detail = f"price is too far from the {what}"
        return no("price", ErrorCode.PRICE_OUT_OF_RANGE, detail, numbers)
    return yes("price", numbers)


def trigger_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """The trigger lies where the mark price is not yet.

    A stop buys above it and sells below it, a take-profit the other way round; a trailing stop is
    activated on the side that it hopes for. The tick grid is not asked (binance.md §3). Of an order
    that watches the contract's own price the venue alone knows that price, and judges (-2021).
    """
    mark = context.mark_price
    is_trailing = intent.order_type is OrderType.TRAILING_STOP_MARKET
    trigger = intent.activation_price if is_trailing else intent.trigger_price
    if is_trailing and trigger is None:
        return yes("trigger")
    numbers: Numbers = {"trigger": plain(trigger or ZERO), "mark_price": plain(mark or ZERO)}
    if trigger is None or trigger <= 0 or mark is None:
        return no("trigger", ErrorCode.VALIDATION_ERROR, "the order needs a trigger", numbers)
    if intent.working_type is WorkingType.CONTRACT_PRICE:
        return yes("trigger", numbers)
    if _lies_ahead(intent, trigger, mark):
        return yes("trigger", numbers)
    where = "above" if _triggers_above(intent) else "below"
    detail = f"{intent.order_type} {intent.side} needs a trigger {where} the mark price"
    return no("trigger", ErrorCode.PRICE_OUT_OF_RANGE, detail, numbers)


def _triggers_above(intent: OrderIntent) -> bool:
    return (intent.side is Side.BUY) == (intent.order_type in _STOPS)


def _lies_ahead(intent: OrderIntent, trigger: Decimal, mark: Decimal) -> bool:
    return trigger > mark if _triggers_above(intent) else trigger < mark


def closing_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """Something to close, and no other order that waits to close it in the same way (-4130)."""
    numbers = {"position": plain(context.position_quantity)}
    if not reduces(intent, context):
        detail = f"there is no position in {intent.symbol} that {intent.side} closes"
        return no("closing", ErrorCode.POSITION_NOT_FOUND, detail, numbers)
    if context.alike_close:
        detail = f"order {context.alike_close} closes it already: cancel that one first"
        return no("closing", ErrorCode.STOP_EXISTS, detail, numbers)
    return yes("closing", numbers)
