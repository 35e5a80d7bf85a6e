"""The websocket API of the Binance dialect: JSON requests to the same handlers as REST. Pure.

Source: developers.binance.com, USD-M futures, websocket API general information, August 2026.
"""

import json
from typing import Any
from urllib.parse import urlencode

from tradeops.exchange.paper.wire.auth import check_signed
from tradeops.exchange.paper.wire.binance import OK, BinanceWire, Route
from tradeops.exchange.paper.wire.calls import Params, Security
from tradeops.exchange.paper.wire.errors import BAD_REQUEST, WireError, missing

BAD_JSON = WireError(-1135, "Invalid JSON Request")
UNKNOWN_METHOD = WireError(-5000, "Path not found.")

METHODS: dict[str, tuple[str, str]] = {
    "ping": ("GET", "/fapi/v1/ping"),
    "time": ("GET", "/fapi/v1/time"),
    "depth": ("GET", "/fapi/v1/depth"),
    "ticker.price": ("GET", "/fapi/v1/ticker/price"),
    "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
    "order.place": ("POST", "/fapi/v1/order"),
    "order.modify": ("PUT", "/fapi/v1/order"),
    "order.cancel": ("DELETE", "/fapi/v1/order"),
    "order.status": ("GET", "/fapi/v1/order"),
    "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
    "account.balance": ("GET", "/fapi/v2/balance"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "account.status": ("GET", "/fapi/v2/account"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "account.position": ("GET", "/fapi/v2/positionRisk"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
    "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
    "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
}


def method_and_account(wire: BinanceWire, message: str) -> str:
    """What faults match a request by: "WS order.place main"."""
    try:
        request = json.loads(message)
        key = wire.keys.keys.get(str(request.get("params", {}).get("apiKey")))
        return f"WS {request.get('method')} {key.account if key else ''}"
    except (ValueError, AttributeError):
        return "WS"


def answer(wire: BinanceWire, message: str, ip: str, now_ms: int) -> dict[str, Any]:
    """Answer one request of the websocket API."""
    try:
        request = json.loads(message)
        number, method = request.get("id"), str(request.get("method"))
        params = {str(k): _as_text(v) for k, v in (request.get("params") or {}).items()}
    except (ValueError, AttributeError):
        return {"id": None, "status": BAD_REQUEST, "error": BAD_JSON.body}
    route = wire.routes.get(METHODS.get(method, ("", "")))
    if route is None:
        result: Any = UNKNOWN_METHOD
    else:
        result = wire.meter.charge(ip, max(1, route.weight), now_ms)
        if result is None:
            result = _run(wire, route, params, now_ms)
    reply: dict[str, Any] = {"id": number}
    if isinstance(result, WireError):
        reply |= {"status": result.status, "error": result.body}
    else:
        reply |= {"status": OK, "result": result}
    reply["rateLimits"] = [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": wire.meter.limits.weight_1m,
            "count": wire.meter.used_weight(ip, now_ms),
        }
    ]
    return reply


def _run(wire: BinanceWire, route: Route, params: Params, now_ms: int) -> Any:
    if route.security is Security.NONE:
        return wire.run(route.handler, wire.call("", params, now_ms))
    if not params.get("apiKey"):
        return missing("apiKey")
    key = wire.keys.identify(params["apiKey"])
    if isinstance(key, WireError):
        return key
    if route.security is Security.SIGNED:
        # The signature covers the parameters in alphabetical order.
        covered = urlencode(sorted((k, v) for k, v in params.items() if k != "signature"))
        failed = check_signed(key, covered, "", params, now_ms)
        if failed is not None:
            return failed
    if route.orders:
        failed = wire.meter.count_orders(key.account, now_ms, route.orders)
        if failed is not None:
            return failed
    return wire.run(route.handler, wire.call(key.account, params, now_ms))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
