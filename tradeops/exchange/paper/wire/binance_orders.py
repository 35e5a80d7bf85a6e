"""Order endpoints of the Binance dialect: place, amend, cancel, query, trades. Pure."""

from typing import Any, TypeAlias

from tradeops.exchange.paper import execution
from tradeops.exchange.paper.algo_orders import ALGO_TYPES
from tradeops.exchange.paper.amounts import ZERO
from tradeops.exchange.paper.forced import Cause
from tradeops.exchange.paper.orders import (
    BOTH,
    BUY,
    EXPIRE_BOTH,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    FOK,
    GTC,
    GTD,
    GTX,
    IOC,
    LIMIT,
    LONG,
    MARKET,
    NO_PREVENTION,
    SELL,
    SHORT,
    NewOrder,
    Order,
    Reason,
    Refusal,
)
from tradeops.exchange.paper.wire.calls import Call, ParamError
from tradeops.exchange.paper.wire.errors import (
    ALGO_ONLY,
    BAD_SIDE,
    BAD_TIME_IN_FORCE,
    BAD_TYPE,
    NOT_ENOUGH_WITH_ID,
    WireError,
    illegal,
    missing,
    refused,
)
from tradeops.exchange.paper.wire.shapes import order_reply, order_row, trade_row

Answer: TypeAlias = Any

SIDES = (BUY, SELL)
POSITION_SIDES = (BOTH, LONG, SHORT)
TIMES_IN_FORCE = (GTC, IOC, FOK, GTX, GTD)
PREVENTIONS = (EXPIRE_MAKER, EXPIRE_TAKER, EXPIRE_BOTH, NO_PREVENTION)
PRICE_MATCHES = (
    "NONE", "OPPONENT", "OPPONENT_5", "OPPONENT_10", "OPPONENT_20",
    "QUEUE", "QUEUE_5", "QUEUE_10", "QUEUE_20",
)  # fmt: skip
DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
# Ended orders that never filled vanish from queries after this long, all of them after the second.
UNFILLED_KEPT_MS = 3 * DAY_MS
ORDERS_KEPT_MS = 90 * DAY_MS
TRADES_KEPT_MS = 90 * DAY_MS
DEFAULT_ROWS = 500
MAX_ROWS = 1_000
MIN_GTD_MS = 600_000
DEFAULT_FORCED = 50
MAX_FORCED = 100
FORCED_IDS: dict[str, tuple[str, ...]] = {
    "LIQUIDATION": (Cause.LIQUIDATION,),
    "ADL": (Cause.DELEVERAGING,),
    "": (Cause.LIQUIDATION, Cause.DELEVERAGING),
}
ALL_CANCELLED = {"code": 200, "msg": "The operation of cancel all open order is done."}
BAD_POSITION_SIDE = WireError(-4060, "Invalid position side.")


def post_order(call: Call) -> Answer:
    """POST /fapi/v1/order."""
    placed = execution.place(call.venue, call.member, wanted_order(call), call.now_ms)
    if isinstance(placed, Refusal):
        return refused(placed)
    is_ack = call.params.get("newOrderRespType", "ACK") == "ACK"
    return order_reply(placed, call.venue.spec(placed.symbol), is_ack=is_ack)


def post_test_order(call: Call) -> Answer:
    """POST /fapi/v1/order/test: checks the parameters, places nothing."""
    wanted_order(call)
    return {}


def wanted_order(call: Call) -> NewOrder:
    """Read the parameters of a new order. Raises: ParamError with the venue's code."""
    symbol = call.symbol()
    side = call.one_of("side", SIDES, BAD_SIDE)
    order_type = call.text("type")
    if order_type in ALGO_TYPES:
        raise ParamError(ALGO_ONLY)
    if order_type not in (LIMIT, MARKET):
        raise ParamError(BAD_TYPE)
    match = call.one_of("priceMatch", PRICE_MATCHES, illegal("priceMatch"), "NONE")
    time_in_force, price, good_till_ms = GTC, ZERO, 0
    if order_type == LIMIT:
        time_in_force = call.one_of("timeInForce", TIMES_IN_FORCE, BAD_TIME_IN_FORCE)
        price = call.decimal("price", ZERO if match != "NONE" else None)
        if time_in_force == GTD:
            good_till_ms = good_till(call)
    return NewOrder(
        symbol=symbol,
        side=side,
        order_type=order_type,
        quantity=call.decimal("quantity"),
        price=price,
        time_in_force=time_in_force,
        position_side=call.one_of("positionSide", POSITION_SIDES, BAD_POSITION_SIDE, BOTH),
        reduce_only=call.flag("reduceOnly"),
        client_order_id=call.params.get("newClientOrderId", ""),
        prevention=call.one_of(
            "selfTradePreventionMode", PREVENTIONS, illegal("selfTradePreventionMode"), EXPIRE_MAKER
        ),
        good_till_ms=good_till_ms,
        price_match=match,
    )


def put_order(call: Call) -> Answer:
    """PUT /fapi/v1/order: quantity and price of a resting limit order."""
    side, order = call.one_of("side", SIDES, BAD_SIDE), find_order(call)
    if order is None or not order.is_open or order.side != side:
        return refused(Refusal(Reason.NO_SUCH_ORDER))
    failed = execution.amend(
        call.venue,
        call.member,
        order,
        quantity=call.decimal("quantity"),
        price=call.decimal("price"),
        now_ms=call.now_ms,
    )
    if failed:
        return refused(failed)
    reply = order_reply(order, call.venue.spec(order.symbol)) | {"pair": order.symbol}
    if "modifyId" in call.params:
        reply["modifyId"] = call.integer("modifyId")
    return reply


def delete_order(call: Call) -> Answer:
    """DELETE /fapi/v1/order."""
    order = find_order(call)
    if order is None or not order.is_open:
        return refused(Refusal(Reason.UNKNOWN_ORDER))
    execution.cancel(call.venue, order, call.now_ms)
    return order_reply(order, call.venue.spec(order.symbol))


def get_order(call: Call) -> Answer:
    """GET /fapi/v1/order."""
    order = find_order(call)
    if order is None or is_purged(order, call.now_ms):
        return refused(Refusal(Reason.NO_SUCH_ORDER))
    return order_row(order, call.venue.spec(order.symbol))


def get_open_order(call: Call) -> Answer:
    """GET /fapi/v1/openOrder."""
    order = find_order(call)
    if order is None or not order.is_open:
        return refused(Refusal(Reason.NO_SUCH_ORDER))
    return order_row(order, call.venue.spec(order.symbol))


def get_open_orders(call: Call) -> Answer:
    """GET /fapi/v1/openOrders."""
    rows = call.member.books.open_orders(call.optional_symbol())
    return [order_row(order, call.venue.spec(order.symbol)) for order in rows]


def get_all_orders(call: Call) -> Answer:
    """GET /fapi/v1/allOrders: by id upwards, or the newest of a window of at most seven days."""
    symbol = call.optional_symbol()
    limit = min(call.integer("limit", DEFAULT_ROWS), MAX_ROWS)
    from_id = call.integer("orderId", 0)
    first, last = (0, call.now_ms) if from_id else time_window(call)
    found = [
        order
        for order in call.member.books.by_id.values()
        if (symbol is None or order.symbol == symbol)
        and order.order_id >= from_id
        and first <= order.created_ms <= last
        and not is_purged(order, call.now_ms)
    ]
    page = found[:limit] if from_id or "startTime" in call.params else found[-limit:]
    # Only this listing has had these two since UM and CM were merged (30 June 2026).
    return [
        order_row(order, call.venue.spec(order.symbol)) | {"cumBase": "0", "pair": order.symbol}
        for order in page
    ]


def delete_open_orders(call: Call) -> Answer:
    """DELETE /fapi/v1/allOpenOrders."""
    for order in call.member.books.open_orders(call.symbol()):
        execution.cancel(call.venue, order, call.now_ms)
    return ALL_CANCELLED


def get_user_trades(call: Call) -> Answer:
    """GET /fapi/v1/userTrades: fromId upwards, or the newest of a window of at most seven days."""
    symbol = call.optional_symbol()
    limit = min(call.integer("limit", DEFAULT_ROWS), MAX_ROWS)
    order_id = call.integer("orderId", 0)
    if "fromId" in call.params and ("startTime" in call.params or "endTime" in call.params):
        return WireError(-1128, "Combination of optional parameters invalid.")
    if "fromId" in call.params:
        from_id, (first, last) = call.integer("fromId"), (call.now_ms - TRADES_KEPT_MS, call.now_ms)
    else:
        from_id, (first, last) = 0, time_window(call)
    found = [
        fill
        for fill in call.member.fills
        if (symbol is None or fill.symbol == symbol)
        and fill.trade_id >= from_id
        and first <= fill.at_ms <= last
        and order_id in (0, fill.order_id)
    ]
    newest_first = "fromId" not in call.params and "startTime" not in call.params
    return [trade_row(fill) for fill in (found[-limit:] if newest_first else found[:limit])]


def get_force_orders(call: Call) -> Answer:
    """GET /fapi/v1/forceOrders: what the venue closed by itself, newest last."""
    symbol, kind = call.optional_symbol(), call.params.get("autoCloseType", "")
    limit = min(call.integer("limit", DEFAULT_FORCED), MAX_FORCED)
    if kind not in FORCED_IDS:
        raise ParamError(illegal("autoCloseType"))
    first, last = time_window(call)
    found = [
        order
        for order in call.member.books.by_id.values()
        if order.client_order_id.startswith(FORCED_IDS[kind])
        and symbol in (None, order.symbol)
        and first <= order.created_ms <= last
    ]
    return [
        order_row(order, call.venue.spec(order.symbol)) | {"cumBase": "0", "pair": order.symbol}
        for order in found[-limit:]
    ]


def find_order(call: Call) -> Order | None:
    """Find by orderId or origClientOrderId, within the symbol; the latest wins for a client id."""
    symbol = call.symbol()
    books = call.member.books
    if call.params.get("orderId"):
        order = books.by_id.get(call.integer("orderId"))
    elif call.params.get("origClientOrderId"):
        order = books.latest_by_client_id.get(call.params["origClientOrderId"])
    else:
        raise ParamError(NOT_ENOUGH_WITH_ID)
    return order if order is not None and order.symbol == symbol else None


def is_purged(order: Order, now_ms: int) -> bool:
    """True when queries no longer show an order: unfilled ended ones after 3 days, all after 90."""
    if order.is_open:
        return False
    kept = ORDERS_KEPT_MS if order.executed else UNFILLED_KEPT_MS
    return now_ms - order.updated_ms > kept


def time_window(call: Call) -> tuple[int, int]:
    """startTime and endTime with the venue's defaults.

    Raises: ParamError (-4166 beyond seven days).
    """
    start, end = call.integer("startTime", 0), call.integer("endTime", 0)
    if start and end and not 0 <= end - start <= WEEK_MS:
        raise ParamError(WireError(-4166, "Search window is restricted to recent 90 days only."))
    if start:
        return start, end or start + WEEK_MS
    return (end or call.now_ms) - WEEK_MS, end or call.now_ms


def good_till(call: Call) -> int:
    """goodTillDate on the second. Raises: ParamError when less than ten minutes are left."""
    moment = call.integer("goodTillDate")
    if moment <= call.now_ms + MIN_GTD_MS:
        raise ParamError(missing("goodTillDate"))
    return moment // 1_000 * 1_000
