"""From an intent to a quantity on the grid (R0.5).

notional = amount x leverage; quantity = floor(notional / price to step). An explicit quantity must
lie on the grid already: rounding somebody's own number would be a surprise.
"""

from decimal import Decimal

from risk.domain.context import OrderIntent, RiskContext, Sized
from tradeops.domain.enums import OrderType, Side
from tradeops.domain.money import PRECISION, ZERO, floor_to_step, round_money

_AT_MARKET = frozenset(
    {
        OrderType.MARKET,
        OrderType.STOP_MARKET,
        OrderType.TAKE_PROFIT_MARKET,
        OrderType.TRAILING_STOP_MARKET,
    }
)


def reference_price(intent: OrderIntent, context: RiskContext) -> Decimal | None:
    """What a unit will cost, never too little: the limit price, the trigger, or the mark price.

    A sale with a limit below the market is filled at the market, and one that waits for its trigger
    at the trigger: counted at its limit it would pass bounds that it breaks. A trailing order fills
    somewhere below the higher of mark and activation price.
    """
    price, mark = intent.price, context.mark_price
    if intent.order_type is OrderType.MARKET:
        return mark
    if intent.order_type is OrderType.TRAILING_STOP_MARKET:
        return _higher(mark, intent.activation_price)
    if intent.order_type in _AT_MARKET:
        return intent.trigger_price
    if intent.side is Side.SELL and price is not None:
        return _higher(price, mark if intent.trigger_price is None else intent.trigger_price)
    return price


def _higher(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None


def quantity_step(intent: OrderIntent, context: RiskContext) -> Decimal:
    """LOT_SIZE or MARKET_LOT_SIZE step."""
    instrument = context.instrument
    if instrument is None:
        return ZERO
    if intent.order_type in _AT_MARKET:
        return instrument.market_step_size
    return instrument.step_size


def size(intent: OrderIntent, context: RiskContext) -> Sized | None:
    """The order's size, never above the asked notional; None without instrument or price.

    What closes a position has the size 0: the venue gives it one when it triggers.
    """
    price = reference_price(intent, context)
    if context.instrument is None or context.leverage < 1 or price is None or price <= 0:
        return None
    if intent.close_position:
        quantity = ZERO
    elif intent.quantity is not None:
        quantity = intent.quantity
    else:
        quantity = _affordable(intent, context, price)
    to_come = (quantity - intent.executed_quantity) * price
    return Sized(
        quantity=quantity,
        price=price,
        notional=quantity * price,
        margin=round_money(PRECISION.divide(to_come, Decimal(context.leverage))),
        fee=round_money(to_come * context.taker_fee_rate),
    )


def fills_at_market(intent: OrderIntent) -> bool:
    """Whether the venue's bounds of market orders apply, now or when it triggers."""
    return intent.order_type in _AT_MARKET


def _affordable(intent: OrderIntent, context: RiskContext, price: Decimal) -> Decimal:
    wanted = intent.notional
    if wanted is None:
        wanted = (intent.amount or ZERO) * context.leverage
    step = quantity_step(intent, context)
    return floor_to_step(PRECISION.divide(wanted, price), step)
