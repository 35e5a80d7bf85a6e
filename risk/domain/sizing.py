"""From an intent to a quantity on the grid (R0.5).

notional = amount x leverage; quantity = floor(notional / price to step). An explicit quantity must
lie on the grid already: rounding somebody's own number would be a surprise.
"""

from decimal import Decimal

from risk.domain.context import OrderIntent, RiskContext, Sized
from tradeops.domain.enums import OrderType, Side
from tradeops.domain.money import PRECISION, ZERO, floor_to_step, round_money


def reference_price(intent: OrderIntent, context: RiskContext) -> Decimal | None:
    """Mark price of a market order, limit price of a limit order; of a sale the higher of both.

    A sale with a limit below the market is filled at the market: counted at its limit it would
    pass bounds that it breaks.
    """
    price, mark = intent.price, context.mark_price
    if intent.order_type is not OrderType.LIMIT:
        return mark
    if intent.side is Side.SELL and price is not None and mark is not None:
        return max(price, mark)
    return price


def quantity_step(intent: OrderIntent, context: RiskContext) -> Decimal:
    """LOT_SIZE or MARKET_LOT_SIZE step."""
    instrument = context.instrument
    if instrument is None:
        return ZERO
    if intent.order_type is OrderType.MARKET:
        return instrument.market_step_size
    return instrument.step_size


def size(intent: OrderIntent, context: RiskContext) -> Sized | None:
    """The order's size, never above the asked notional; None without instrument or price."""
    price = reference_price(intent, context)
    if context.instrument is None or context.leverage < 1 or price is None or price <= 0:
        return None
    if intent.quantity is not None:
        quantity = intent.quantity
    else:
        quantity = _affordable(intent, context, price)
    notional = quantity * price
    margin = PRECISION.divide(notional, Decimal(context.leverage))
    return Sized(
        quantity=quantity,
        price=price,
        notional=notional,
        margin=round_money(margin),
        fee=round_money(notional * context.taker_fee_rate),
    )


def _affordable(intent: OrderIntent, context: RiskContext, price: Decimal) -> Decimal:
    wanted = intent.notional
    if wanted is None:
        wanted = (intent.amount or ZERO) * context.leverage
    step = quantity_step(intent, context)
    return floor_to_step(PRECISION.divide(wanted, price), step)
