"""Batch endpoints of the Binance dialect: several orders in one request, each with a result."""

import json
from dataclasses import replace
from typing import Any

from tradeops.exchange.paper.wire import binance_orders as orders
from tradeops.exchange.paper.wire.calls import Call, Handler, ParamError
from tradeops.exchange.paper.wire.errors import WireError, illegal, missing

MAX_ORDERS = 5
MAX_CANCELS = 10


def post_batch(call: Call) -> Any:
    """POST /fapi/v1/batchOrders."""
    return _each(call, orders.post_order)


def put_batch(call: Call) -> Any:
    """PUT /fapi/v1/batchOrders."""
    return _each(call, orders.put_order)


def delete_batch(call: Call) -> Any:
    """DELETE /fapi/v1/batchOrders: by orderIdList or origClientOrderIdList, in either spelling."""
    given = {name.lower(): value for name, value in call.params.items()}
    for name, single in (
        ("orderidlist", "orderId"),
        ("origclientorderidlist", "origClientOrderId"),
    ):
        if given.get(name):
            ids = _json_list(name, given[name], MAX_CANCELS)
            common = {"symbol": call.text("symbol")}
            calls = [common | {single: str(one)} for one in ids]
            return [_one(call, orders.delete_order, params) for params in calls]
    raise ParamError(missing("orderIdList"))


def _each(call: Call, handler: Handler) -> list[Any]:
    rows = _json_list("batchOrders", call.text("batchOrders"), MAX_ORDERS)
    results = []
    for row in rows:
        if not isinstance(row, dict):
            raise ParamError(illegal("batchOrders"))
        params = {str(k): json.dumps(v) if isinstance(v, bool) else str(v) for k, v in row.items()}
        results.append(_one(call, handler, params))
    return results


def _one(call: Call, handler: Handler, params: dict[str, str]) -> Any:
    try:
        answer = handler(replace(call, params=params))
    except ParamError as refused:
        answer = refused.error
    return answer.body if isinstance(answer, WireError) else answer


def _json_list(name: str, text: str, limit: int) -> list[Any]:
    try:
        rows = json.loads(text)
    except ValueError as wrong:
        raise ParamError(illegal(name)) from wrong
    if not isinstance(rows, list) or not 0 < len(rows) <= limit:
        raise ParamError(illegal(name))
    return rows
