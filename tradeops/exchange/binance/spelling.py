"""Our requests in Binance's words. Pure."""

import re

from tradeops.domain.enums import MarginMode, OrderType, PositionSide
from tradeops.domain.money import plain
from tradeops.exchange.errors import Unavailable
from tradeops.exchange.port import OrderRequest

MARGIN_TYPES = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}

# The venue admits : and / as well, but signs them in two ways (design `binance.md` §2).
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,36}")
_SUPPORTED_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT})


def order_params(request: OrderRequest) -> dict[str, str]:
    """Return the parameters of POST /fapi/v1/order, without time and signature.

    Conditional orders belong to another service (F5). Raises Unavailable for what must not be
    sent: an unsupported type, or an id with characters that are encoded on the wire.
    """
    if not _SAFE_ID.fullmatch(request.client_order_id):
        message = f"client order id {request.client_order_id!r} is not made of safe characters"
        raise Unavailable(message)
    if request.order_type not in _SUPPORTED_TYPES:
        message = f"{request.order_type} orders are not supported"
        raise Unavailable(message)
    params = {
        "symbol": request.symbol,
        "side": request.side.value,
        "type": request.order_type.value,
        "quantity": plain(request.quantity),
        "newClientOrderId": request.client_order_id,
        "newOrderRespType": "RESULT",
    }
    if request.price is not None:
        params["price"] = plain(request.price)
    if request.time_in_force is not None:
        params["timeInForce"] = request.time_in_force.value
    if request.position_side is not PositionSide.BOTH:
        params["positionSide"] = request.position_side.value
    elif request.reduce_only:  # refused in hedge mode, where the leg says it
        params["reduceOnly"] = "true"
    return params
