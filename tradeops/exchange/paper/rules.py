"""Filters of the venue: what is wrong with a new order before margin is asked. Pure."""

import re
from decimal import Decimal

from tradeops.exchange.paper.amounts import ONE, ZERO, text
from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.orders import (
    BOTH,
    GTX,
    LIMIT,
    LONG,
    MARKET,
    SHORT,
    NewOrder,
    Reason,
    Refusal,
)

# Source: binance.md 8 (order endpoint, August 2026).
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
MAX_OPEN_ORDERS = 200


def refuse_shape(wanted: NewOrder, spec: InstrumentSpec, *, hedge: bool) -> Refusal | None:
    """Check what needs neither book nor account: id, mode, quantity and price filters."""
    if CLIENT_ID.fullmatch(wanted.client_order_id) is None:
        return Refusal(Reason.BAD_CLIENT_ID)
    return (
        _refuse_mode(wanted, hedge=hedge)
        or _refuse_quantity(wanted, spec)
        or (_refuse_price(wanted.price, spec) if wanted.order_type == LIMIT else None)
    )


def refuse_notional(wanted: NewOrder, spec: InstrumentSpec, price: Decimal) -> Refusal | None:
    """Check the minimum notional at a price; reduce-only orders are exempt."""
    if not wanted.reduce_only and wanted.quantity * price < spec.min_notional:
        return Refusal(Reason.NOTIONAL_TOO_SMALL, text(spec.min_notional))
    return None


def refuse_band(wanted: NewOrder, spec: InstrumentSpec, mark: Decimal) -> Refusal | None:
    """Check PERCENT_PRICE of a limit order: buys not above, sells not below the band."""
    if wanted.order_type != LIMIT or not mark:
        return None
    highest, lowest = mark * spec.multiplier_up, mark * spec.multiplier_down
    if wanted.side == "BUY" and wanted.price > highest:
        return Refusal(Reason.PRICE_ABOVE_BAND, text(_on_tick(highest, spec)))
    if wanted.side == "SELL" and wanted.price < lowest:
        return Refusal(Reason.PRICE_BELOW_BAND, text(_on_tick(lowest, spec)))
    return None


def is_post_only(wanted: NewOrder) -> bool:
    """True when the order must never take."""
    return wanted.order_type == LIMIT and wanted.time_in_force == GTX


def _refuse_mode(wanted: NewOrder, *, hedge: bool) -> Refusal | None:
    sides = (LONG, SHORT) if hedge else (BOTH,)
    if wanted.position_side not in sides:
        return Refusal(Reason.POSITION_SIDE)
    if hedge and wanted.reduce_only:
        return Refusal(Reason.REDUCE_ONLY_IN_HEDGE)
    return None


def _refuse_quantity(wanted: NewOrder, spec: InstrumentSpec) -> Refusal | None:
    market = wanted.order_type == MARKET
    step = spec.market_step_size if market else spec.step_size
    largest = spec.market_max_qty if market else spec.max_qty
    if wanted.quantity <= 0:
        return Refusal(Reason.QUANTITY_NOT_POSITIVE)
    if wanted.quantity > largest:
        return Refusal(Reason.QUANTITY_TOO_LARGE)
    if _is_finer(wanted.quantity, spec.quantity_precision):
        return Refusal(Reason.PRECISION)
    if wanted.quantity < spec.min_qty:
        return Refusal(Reason.QUANTITY_TOO_SMALL)
    if wanted.quantity % step != 0:
        return Refusal(Reason.QUANTITY_OFF_STEP)
    return None


def _refuse_price(price: Decimal, spec: InstrumentSpec) -> Refusal | None:
    if price <= 0:
        return Refusal(Reason.PRICE_NOT_POSITIVE)
    if price > spec.max_price:
        return Refusal(Reason.PRICE_TOO_HIGH, text(spec.max_price))
    if _is_finer(price, spec.price_precision):
        return Refusal(Reason.PRECISION)
    if price < spec.min_price:
        return Refusal(Reason.PRICE_TOO_LOW, text(spec.min_price))
    if price % spec.tick_size != 0:
        return Refusal(Reason.PRICE_OFF_TICK)
    return None


def _is_finer(amount: Decimal, decimals: int) -> bool:
    """True when an amount has more decimals than allowed; trailing zeros do not count."""
    return amount % ONE.scaleb(-decimals) != 0


def _on_tick(price: Decimal, spec: InstrumentSpec) -> Decimal:
    return price - price % spec.tick_size if spec.tick_size > ZERO else price
