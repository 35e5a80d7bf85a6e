"""Conditional order endpoints of the Binance dialect. Pure. Source: binance.md 3."""

from decimal import Decimal
from typing import Any

from tradeops.exchange.paper import algo
from tradeops.exchange.paper.algo_orders import (
    ALGO_TYPES,
    CONTRACT_PRICE,
    MARK_PRICE,
    TRAILING,
    WITH_PRICE,
    AlgoOrder,
    NewAlgoOrder,
)
from tradeops.exchange.paper.amounts import ZERO, at_scale, text
from tradeops.exchange.paper.events import AlgoChanged
from tradeops.exchange.paper.orders import BOTH, EXPIRE_MAKER, GTC, GTD, Reason, Refusal
from tradeops.exchange.paper.wire.binance_orders import (
    BAD_POSITION_SIDE,
    DEFAULT_ROWS,
    MAX_ROWS,
    POSITION_SIDES,
    PREVENTIONS,
    SIDES,
    TIMES_IN_FORCE,
    good_till,
    time_window,
)
from tradeops.exchange.paper.wire.calls import Call, ParamError
from tradeops.exchange.paper.wire.errors import (
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    BAD_TYPE,
    WireError,
    illegal,
    missing,
    refused,
)

WORKING_TYPES = (CONTRACT_PRICE, MARK_PRICE)
MIN_CALLBACK, MAX_CALLBACK = Decimal("0.1"), Decimal(20)
ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}
CLOSE_WITH_QUANTITY = WireError(-4137, "Quantity must be zero with closePosition equals true")
CLOSE_WITH_REDUCE = WireError(-4138, "Reduce only must be true with closePosition equals true")
BAD_CALLBACK = WireError(-2007, "Invalid callBack rate.")


def post_algo(call: Call) -> Any:
    """POST /fapi/v1/algoOrder."""
    placed = algo.place_algo(call.venue, call.member, _wanted(call), call.now_ms)
    return refused(placed) if isinstance(placed, Refusal) else _row(call, placed)


def delete_algo(call: Call) -> Any:
    """DELETE /fapi/v1/algoOrder; the code of the reply is a string."""
    found = _find(call)
    if found is None or not found.is_waiting:
        return refused(Refusal(Reason.UNKNOWN_ORDER))
    algo.cancel_algo(call.venue, found, call.now_ms)
    client_id = found.wanted.client_algo_id
    return {"algoId": found.algo_id, "clientAlgoId": client_id, "code": "200", "msg": "success"}


def delete_open_algos(call: Call) -> Any:
    """DELETE /fapi/v1/algoOpenOrders."""
    for found in call.member.algos.waiting(call.symbol()):
        algo.cancel_algo(call.venue, found, call.now_ms)
    return ALL_CANCELLED


def get_algo(call: Call) -> Any:
    """GET /fapi/v1/algoOrder."""
    found = _find(call)
    return _query_row(call, found) if found else refused(Refusal(Reason.NO_SUCH_ORDER))


def get_open_algos(call: Call) -> Any:
    """GET /fapi/v1/openAlgoOrders."""
    return [_query_row(call, found) for found in call.member.algos.waiting(call.optional_symbol())]


def get_all_algos(call: Call) -> Any:
    """GET /fapi/v1/allAlgoOrders: the newest of a window of at most seven days."""
    symbol, from_id = call.symbol(), call.integer("algoId", 0)
    limit = min(call.integer("limit", DEFAULT_ROWS), MAX_ROWS)
    first, last = time_window(call)
    found = [
        a
        for a in call.member.algos.by_id.values()
        if a.wanted.symbol == symbol and a.algo_id >= from_id and first <= a.created_ms <= last
    ]
    return [_query_row(call, a) for a in (found[:limit] if from_id else found[-limit:])]


def algo_update(event: AlgoChanged) -> dict[str, Any]:
    """ALGO_UPDATE; what became of the placed order stands in it after the trigger only."""
    order = event.algo
    wanted = order.wanted
    body: dict[str, Any] = {
        "caid": wanted.client_algo_id,
        "aid": order.algo_id,
        "at": "CONDITIONAL",
        "o": wanted.order_type,
        "s": wanted.symbol,
        "S": wanted.side,
        "ps": wanted.position_side,
        "f": _time_in_force(wanted),
        "q": text(wanted.quantity),
        "X": order.status,
        "ai": str(order.order_id) if order.order_id else "",
        "tp": text(wanted.trigger_price),
        "p": text(wanted.price),
        "V": wanted.prevention,
        "wt": wanted.working_type,
        "pm": "NONE",
        "cp": wanted.close_position,
        "pP": wanted.price_protect,
        "R": wanted.reduce_only or wanted.close_position,
        "tt": order.triggered_ms,
        "gtd": wanted.good_till_ms,
        "rm": refused(Refusal(Reason(order.reject_reason))).message if order.reject_reason else "",
    }
    if order.order_id:
        act = "LIMIT" if wanted.order_type in WITH_PRICE else "MARKET"
        body |= {"ap": text(order.average_price), "aq": text(order.executed), "act": act}
    if wanted.order_type == TRAILING:
        body |= {"ia": order.is_activated, "cr": text(wanted.callback_rate)}
    return {"e": "ALGO_UPDATE", "T": event.at_ms, "E": event.at_ms, "o": body}


def _wanted(call: Call) -> NewAlgoOrder:
    """Read the parameters of a conditional order. Raises: ParamError."""
    if call.text("algoType") != "CONDITIONAL":
        raise ParamError(illegal("algoType"))
    symbol, side = call.symbol(), call.one_of("side", SIDES, BAD_SIDE)
    kind = call.one_of("type", ALGO_TYPES, BAD_TYPE)
    closes = call.flag("closePosition")
    if closes and call.params.get("quantity"):
        raise ParamError(CLOSE_WITH_QUANTITY)
    if closes and call.flag("reduceOnly"):
        raise ParamError(CLOSE_WITH_REDUCE)
    callback = call.decimal("callbackRate") if kind == TRAILING else ZERO
    if kind == TRAILING and not MIN_CALLBACK <= callback <= MAX_CALLBACK:
        raise ParamError(BAD_CALLBACK)
    trigger = ZERO if kind == TRAILING else call.decimal("triggerPrice")
    if kind != TRAILING and trigger <= 0:
        raise ParamError(missing("triggerPrice"))
    prevention = call.one_of(
        "selfTradePreventionMode", PREVENTIONS, illegal("selfTradePreventionMode"), EXPIRE_MAKER
    )
    time_in_force = call.one_of("timeInForce", TIMES_IN_FORCE, BAD_TIME_IN_FORCE, GTC)
    return NewAlgoOrder(
        symbol=symbol,
        side=side,
        order_type=kind,
        trigger_price=trigger,
        quantity=ZERO if closes else call.decimal("quantity"),
        price=call.decimal("price") if kind in WITH_PRICE else ZERO,
        time_in_force=time_in_force,
        position_side=call.one_of("positionSide", POSITION_SIDES, BAD_POSITION_SIDE, BOTH),
        working_type=call.one_of(
            "workingType", WORKING_TYPES, illegal("workingType"), CONTRACT_PRICE
        ),
        reduce_only=call.flag("reduceOnly"),
        close_position=closes,
        price_protect=call.flag("priceProtect"),
        client_algo_id=call.params.get("clientAlgoId", ""),
        callback_rate=callback,
        activate_price=call.decimal("activatePrice", ZERO),
        prevention=prevention,
        good_till_ms=good_till(call) if time_in_force == GTD else 0,
    )


def _find(call: Call) -> AlgoOrder | None:
    algos = call.member.algos
    if call.params.get("algoId"):
        return algos.find(algo_id=call.integer("algoId"))
    if call.params.get("clientAlgoId"):
        return algos.find(client_algo_id=call.params["clientAlgoId"])
    raise ParamError(missing("algoId"))


def _time_in_force(wanted: NewAlgoOrder) -> str:
    # A closing stop shows as good till executed: it ends with the position. Source: binance.md 3.
    return "GTE_GTC" if wanted.close_position else wanted.time_in_force


def _row(call: Call, order: AlgoOrder) -> dict[str, Any]:
    wanted = order.wanted
    spec = call.venue.spec(wanted.symbol)
    return {
        "algoId": order.algo_id,
        "clientAlgoId": wanted.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": wanted.order_type,
        "symbol": wanted.symbol,
        "side": wanted.side,
        "positionSide": wanted.position_side,
        "timeInForce": _time_in_force(wanted),
        "quantity": at_scale(wanted.quantity, spec.step_size),
        "algoStatus": order.status,
        "triggerPrice": text(wanted.trigger_price),
        "price": text(wanted.price),
        "icebergQuantity": "None",
        "selfTradePreventionMode": wanted.prevention,
        "workingType": wanted.working_type,
        "priceMatch": "NONE",
        "closePosition": wanted.close_position,
        "priceProtect": wanted.price_protect,
        "reduceOnly": wanted.reduce_only or wanted.close_position,
        "activatePrice": text(wanted.activate_price) if wanted.activate_price else "",
        "callbackRate": text(wanted.callback_rate) if wanted.callback_rate else "",
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.triggered_ms,
        "goodTillDate": wanted.good_till_ms,
    }


def _query_row(call: Call, order: AlgoOrder) -> dict[str, Any]:
    spec = call.venue.spec(order.wanted.symbol)
    return _row(call, order) | {
        "actualOrderId": str(order.order_id) if order.order_id else "",
        "actualPrice": text(order.average_price) if order.executed else "0.00000",
        "actualQty": at_scale(order.executed, spec.step_size),
        "actualType": "LIMIT" if order.wanted.order_type in WITH_PRICE else "MARKET",
        "tpOrderType": "",
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
    }
