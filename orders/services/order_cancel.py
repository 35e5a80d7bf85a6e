"""Cancel one order at the venue. Only the engine may call this (order gate)."""

from orders.models import Order
from tradeops.exchange.errors import NotFound
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import OrderReport


async def cancel_order(port: ExchangePort, order: Order) -> OrderReport:
    """State of the order after the attempt.

    "Unknown order" may mean filled, cancelled or expired (F11): the venue is asked which. Raises
    `ExchangeError`; NotFound when the venue knows nothing of it at all.
    """
    try:
        if order.is_external:
            return await port.cancel_by_venue_id(order.symbol, order.venue_order_id)
        return await port.cancel(order.symbol, order.client_order_id)
    except NotFound:
        return await query_order(port, order)


async def query_order(port: ExchangePort, order: Order) -> OrderReport:
    """The venue's view of an order. Raises `ExchangeError`."""
    if order.is_external:
        return await port.order_by_venue_id(order.symbol, order.venue_order_id)
    return await port.order(order.symbol, order.client_order_id)
