"""Cancel one order at the venue, or ask for it. Only the engine may call this (order gate).

Conditional orders live in a service with ids of its own (F5). One that has triggered is both: the
adapter then deals with the ordinary order which it became (see `ExchangePort.cancel`).
"""

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
            venue_id, conditional = _venue_id(order)
            return await port.cancel_by_venue_id(order.symbol, venue_id, conditional=conditional)
        return await port.cancel(
            order.symbol, order.client_order_id, conditional=order.is_conditional
        )
    except NotFound:
        return await query_order(port, order)


async def query_order(port: ExchangePort, order: Order) -> OrderReport:
    """The venue's view of an order. Raises `ExchangeError`."""
    if order.is_external:
        venue_id, conditional = _venue_id(order)
        return await port.order_by_venue_id(order.symbol, venue_id, conditional=conditional)
    return await port.order(order.symbol, order.client_order_id, conditional=order.is_conditional)


def _venue_id(order: Order) -> tuple[str, bool]:
    """The venue's id of an order that is not ours, and whether it is one of the algo service.

    Of a conditional order that was met only after it had triggered the ordinary id alone is known.
    """
    if order.is_conditional and order.algo_id:
        return order.algo_id, True
    return order.venue_order_id, False
