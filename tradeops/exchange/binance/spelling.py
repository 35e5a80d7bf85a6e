"""Our requests in Binance's words. Pure.

Conditional orders belong to a service of their own with names of its own (F5); python-binance's
mapping between the two drops our id (F6), so each is spelled out here.
"""

import re

from tradeops.domain.clock import to_epoch_ms
from tradeops.domain.enums import CONDITIONAL_TYPES, MarginMode, OrderType, PositionSide
from tradeops.domain.money import plain
from tradeops.exchange.errors import Unavailable
from tradeops.exchange.port import AmendRequest, OrderRequest

MARGIN_TYPES = {MarginMode.CROSS: "CROSSED", MarginMode.ISOLATED: "ISOLATED"}

# The venue admits : and / as well, but signs them in two ways (design `binance.md` §2).
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,36}")
_ORDINARY_TYPES = frozenset({OrderType.MARKET, OrderType.LIMIT})


def order_params(request: OrderRequest) -> dict[str, str]:
    """Return the parameters of POST /fapi/v1/order, without time and signature.

    Raises Unavailable for what must not be sent: an unsupported type, or an id with characters
    that are encoded on the wire.
    """
    if request.order_type not in _ORDINARY_TYPES:
        raise _unsupported(request)
    return _common_params(request) | {
        "newClientOrderId": _safe(request.client_order_id),
        "newOrderRespType": "RESULT",
    }


def conditional_params(request: OrderRequest) -> dict[str, str]:
    """Return the parameters of POST /fapi/v1/algoOrder, without time and signature.

    Raises Unavailable as `order_params` does.
    """
    if request.order_type not in CONDITIONAL_TYPES:
        raise _unsupported(request)
    params = _common_params(request) | {
        "algoType": "CONDITIONAL",
        "clientAlgoId": _safe(request.client_order_id),
    }
    if request.trigger_price is not None:
        params["triggerPrice"] = plain(request.trigger_price)
    if request.working_type is not None:
        params["workingType"] = request.working_type.value
    if request.activation_price is not None:
        params["activatePrice"] = plain(request.activation_price)
    if request.callback_rate is not None:
        params["callbackRate"] = plain(request.callback_rate)
    return params


def amend_params(request: AmendRequest) -> dict[str, str]:
    """Return the parameters of PUT /fapi/v1/order, without time and signature."""
    return {
        "symbol": request.symbol,
        "side": request.side.value,
        "origClientOrderId": _safe(request.client_order_id),
        "quantity": plain(request.quantity),
        "price": plain(request.price),
    }


def _common_params(request: OrderRequest) -> dict[str, str]:
    params = {
        "symbol": request.symbol,
        "side": request.side.value,
        "type": request.order_type.value,
    }
    if request.close_position:  # takes no quantity, and refuses reduceOnly beside it
        params["closePosition"] = "true"
    else:
        params["quantity"] = plain(request.quantity)
    if request.price is not None:
        params["price"] = plain(request.price)
    if request.time_in_force is not None:
        params["timeInForce"] = request.time_in_force.value
    if request.good_till is not None:
        params["goodTillDate"] = str(to_epoch_ms(request.good_till))
    if request.position_side is not PositionSide.BOTH:
        params["positionSide"] = request.position_side.value
    elif request.reduce_only and not request.close_position:
        # Refused in hedge mode, where the leg says it.
        params["reduceOnly"] = "true"
    return params


def _safe(client_order_id: str) -> str:
    if not _SAFE_ID.fullmatch(client_order_id):
        message = f"client order id {client_order_id!r} is not made of safe characters"
        raise Unavailable(message)
    return client_order_id


def _unsupported(request: OrderRequest) -> Unavailable:
    return Unavailable(f"{request.order_type} orders are not supported here")
