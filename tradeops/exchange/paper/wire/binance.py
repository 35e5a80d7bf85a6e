"""The Binance USD-M dialect: routes, weights, security. Pure: request in, reply and frames out.

The server calls `handle` for each HTTP request and `frames` after it; a simulator may do the same
without a socket.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tradeops.exchange.paper.venue import Member, Venue
from tradeops.exchange.paper.wire import binance_account as account
from tradeops.exchange.paper.wire import binance_algo as algo
from tradeops.exchange.paper.wire import binance_batches as batches
from tradeops.exchange.paper.wire import binance_history as history
from tradeops.exchange.paper.wire import binance_market as market
from tradeops.exchange.paper.wire import binance_orders as orders
from tradeops.exchange.paper.wire import binance_positions as positions
from tradeops.exchange.paper.wire.auth import KeyRing, check_signed
from tradeops.exchange.paper.wire.calls import (
    Call,
    Handler,
    ParamError,
    Params,
    Reply,
    Request,
    Security,
    parse_params,
)
from tradeops.exchange.paper.wire.errors import UNKNOWN_LISTEN_KEY, WireError
from tradeops.exchange.paper.wire.limits import MINUTE_MS, TEN_SECONDS_MS, Limits, Meter
from tradeops.exchange.paper.wire.listen_keys import ListenKeys
from tradeops.exchange.paper.wire.streams import Frame, frames_of, listen_key_expired

OK = 200
NOT_FOUND = 404
LISTEN_KEY_PATH = "/fapi/v1/listenKey"
ORDER_LIMIT_PATH = "/fapi/v1/rateLimit/order"
INFO_PATH = "/fapi/v1/exchangeInfo"

View: TypeAlias = Callable[[Member], Member]


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a path, its weight (also without a symbol), security, orders counted."""

    handler: Handler
    weight: int = 1
    weight_all: int | None = None
    security: Security = Security.SIGNED
    orders: int = 0


def _public(handler: Handler, weight: int = 1, weight_all: int | None = None) -> Route:
    return Route(handler, weight, weight_all, Security.NONE)


ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/fapi/v1/ping"): _public(market.get_ping),
    ("GET", "/api/v3/ping"): _public(market.get_ping),
    ("GET", "/fapi/v1/time"): _public(market.get_time),
    ("GET", "/api/v3/time"): _public(market.get_time),
    ("GET", "/fapi/v1/depth"): _public(market.get_depth, 10),
    ("GET", "/fapi/v1/trades"): _public(market.get_trades, 5),
    ("GET", "/fapi/v1/aggTrades"): _public(market.get_agg_trades, 20),
    ("GET", "/fapi/v1/premiumIndex"): _public(market.get_premium_index, 1, 10),
    ("GET", "/fapi/v1/ticker/price"): _public(market.get_ticker_price, 1, 2),
    ("GET", "/fapi/v2/ticker/price"): _public(market.get_ticker_price, 1, 2),
    ("GET", "/fapi/v1/ticker/bookTicker"): _public(market.get_book_ticker, 2, 5),
    ("GET", "/fapi/v1/klines"): _public(history.get_klines, 5),
    ("GET", "/fapi/v1/markPriceKlines"): _public(history.get_mark_klines, 5),
    ("GET", "/fapi/v1/ticker/24hr"): _public(history.get_day_ticker, 1, 40),
    ("GET", "/fapi/v1/fundingRate"): _public(history.get_funding_rates, 1),
    ("GET", "/fapi/v1/openInterest"): _public(history.get_open_interest, 1),
    ("POST", "/fapi/v1/order"): Route(orders.post_order, 0, orders=1),
    ("POST", "/fapi/v1/order/test"): Route(orders.post_test_order, 0),
    ("POST", "/fapi/v1/batchOrders"): Route(batches.post_batch, 5, orders=5),
    ("PUT", "/fapi/v1/batchOrders"): Route(batches.put_batch, 5, orders=5),
    ("DELETE", "/fapi/v1/batchOrders"): Route(batches.delete_batch),
    ("PUT", "/fapi/v1/order"): Route(orders.put_order, 0, orders=1),
    ("GET", "/fapi/v1/order"): Route(orders.get_order),
    ("DELETE", "/fapi/v1/order"): Route(orders.delete_order),
    ("GET", "/fapi/v1/openOrder"): Route(orders.get_open_order),
    ("GET", "/fapi/v1/openOrders"): Route(orders.get_open_orders, 1, 40),
    ("GET", "/fapi/v1/allOrders"): Route(orders.get_all_orders, 5),
    ("DELETE", "/fapi/v1/allOpenOrders"): Route(orders.delete_open_orders),
    ("GET", "/fapi/v1/forceOrders"): Route(orders.get_force_orders, 20, 50),
    ("GET", "/fapi/v1/userTrades"): Route(orders.get_user_trades, 5),
    ("POST", "/fapi/v1/algoOrder"): Route(algo.post_algo, 0, orders=1),
    ("DELETE", "/fapi/v1/algoOrder"): Route(algo.delete_algo),
    ("GET", "/fapi/v1/algoOrder"): Route(algo.get_algo),
    ("GET", "/fapi/v1/openAlgoOrders"): Route(algo.get_open_algos, 1, 40),
    ("GET", "/fapi/v1/allAlgoOrders"): Route(algo.get_all_algos, 5),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Route(algo.delete_open_algos),
    ("POST", "/fapi/v1/countdownCancelAll"): Route(account.post_countdown, 10),
    ("GET", "/fapi/v2/account"): Route(positions.get_account_v2, 5),
    ("GET", "/fapi/v3/account"): Route(positions.get_account_v3, 5),
    ("GET", "/fapi/v2/balance"): Route(positions.get_balance_v2, 5),
    ("GET", "/fapi/v3/balance"): Route(positions.get_balance_v2, 5),
    ("GET", "/fapi/v2/positionRisk"): Route(positions.get_position_risk_v2, 5),
    ("GET", "/fapi/v3/positionRisk"): Route(positions.get_position_risk_v3, 5),
    ("POST", "/fapi/v1/leverage"): Route(account.post_leverage),
    ("POST", "/fapi/v1/marginType"): Route(account.post_margin_type),
    ("POST", "/fapi/v1/positionMargin"): Route(account.post_position_margin),
    ("GET", "/fapi/v1/positionMargin/history"): Route(account.get_margin_history),
    ("POST", "/fapi/v1/positionSide/dual"): Route(account.post_position_mode),
    ("GET", "/fapi/v1/positionSide/dual"): Route(account.get_position_mode, 30),
    ("GET", "/fapi/v1/multiAssetsMargin"): Route(account.get_multi_assets, 30),
    ("GET", "/fapi/v1/leverageBracket"): Route(account.get_leverage_bracket),
    ("GET", "/fapi/v1/commissionRate"): Route(account.get_commission_rate, 20),
    ("GET", "/fapi/v1/symbolConfig"): Route(account.get_symbol_config, 5),
    ("GET", "/fapi/v1/accountConfig"): Route(account.get_account_config, 5),
    ("GET", "/fapi/v1/income"): Route(account.get_income, 30),
    ("GET", "/fapi/v1/adlQuantile"): Route(positions.get_adl_quantile, 5),
    ("GET", "/fapi/v1/symbolAdlRisk"): _public(positions.get_adl_risk),
}


class BinanceWire:
    """The dialect over one venue: keys, limits and listen keys included."""

    def __init__(self, venue: Venue, keys: KeyRing, limits: Limits | None = None) -> None:
        self.venue = venue
        self.keys = keys
        self.meter = Meter(limits or Limits())
        self.listen_keys = ListenKeys()
        self._info: dict[str, Any] = {}
        own = {
            ("GET", INFO_PATH): _public(self._exchange_info),
            ("GET", ORDER_LIMIT_PATH): Route(self._order_limits),
            ("POST", LISTEN_KEY_PATH): Route(self._open_key, security=Security.KEY),
            ("PUT", LISTEN_KEY_PATH): Route(self._renew_key, security=Security.KEY),
            ("DELETE", LISTEN_KEY_PATH): Route(self._close_key, security=Security.KEY),
        }
        self.routes = ROUTES | own

    def handle(self, request: Request, now_ms: int, view: View | None = None) -> Reply:
        """Answer one request at the venue's time; `view` makes the account that handlers see."""
        route = self.routes.get((request.method, request.path))
        if route is None:
            return Reply(
                NOT_FOUND,
                {"code": -5000, "msg": f"Path {request.path}, Method {request.method} is invalid"},
            )
        params = parse_params(request.query, request.body)
        answer = self.meter.charge(request.ip, _weight(route, request.path, params), now_ms)
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.meter.used_weight(request.ip, now_ms))}
        if answer is None:
            answer = self._answer(route, request, params, now_ms, headers=headers, view=view)
        if isinstance(answer, WireError):
            return Reply(answer.status, answer.body, headers)
        return Reply(OK, answer, headers)

    def frames(self, wanted: Container[str], now_ms: int) -> list[Frame]:
        """Hand over the frames since the last call, expired listen keys included."""
        over = self.listen_keys.expired(now_ms)
        frames = frames_of(self.venue.drain(), wanted)
        return frames + [listen_key_expired(k.account, k.key, now_ms) for k in over]

    def call(self, name: str, params: Params, now_ms: int) -> Call:
        """A checked call of an account, by its name, or a public one when empty."""
        return Call(self.venue, params, now_ms, self.venue.members[name] if name else None)

    def run(self, handler: Handler, call: Call) -> Any:
        """Run a handler; a malformed parameter becomes its error."""
        try:
            return handler(call)
        except ParamError as refused:
            return refused.error

    def _answer(
        self,
        route: Route,
        request: Request,
        params: Params,
        now_ms: int,
        *,
        headers: dict[str, str],
        view: View | None,
    ) -> Any:
        if route.security is Security.NONE:
            return self.run(route.handler, self.call("", params, now_ms))
        key = self.keys.identify(request.api_key)
        if isinstance(key, WireError):
            return key
        if route.security is Security.SIGNED:
            failed = check_signed(key, request.query, request.body, params, now_ms)
            if failed is not None:
                return failed
        if route.orders:
            failed = self.meter.count_orders(key.account, now_ms, route.orders)
            headers |= self.order_headers(key.account, now_ms)
            if failed is not None:
                return failed
        call = self.call(key.account, params, now_ms)
        if view is not None:
            call = replace(call, account=view(call.member))
        return self.run(route.handler, call)

    def order_headers(self, name: str, now_ms: int) -> dict[str, str]:
        """The order count headers of an account."""
        return {
            "X-MBX-ORDER-COUNT-10S": str(self.meter.orders_used(name, TEN_SECONDS_MS, now_ms)),
            "X-MBX-ORDER-COUNT-1M": str(self.meter.orders_used(name, MINUTE_MS, now_ms)),
        }

    def _exchange_info(self, call: Call) -> Any:
        if not self._info:
            specs = [state.spec for state in self.venue.symbols.values()]
            self._info = market.exchange_info(specs, self.meter.limits, call.now_ms)
        return self._info | {"serverTime": call.now_ms}

    def _order_limits(self, _call: Call) -> Any:
        return [
            row for row in market.rate_limits(self.meter.limits) if row["rateLimitType"] == "ORDERS"
        ]

    def _open_key(self, call: Call) -> Any:
        return {"listenKey": self.listen_keys.open(call.member.account.name, call.now_ms)}

    def _renew_key(self, call: Call) -> Any:
        key = self.listen_keys.renew(call.member.account.name, call.now_ms)
        return {"listenKey": key} if key else UNKNOWN_LISTEN_KEY

    def _close_key(self, call: Call) -> Any:
        self.listen_keys.close(call.member.account.name)
        return {}


def _weight(route: Route, path: str, params: Params) -> int:
    if path == "/fapi/v1/depth":
        steps = (("5", 2), ("10", 2), ("20", 2), ("50", 2), ("100", 5), ("1000", 20))
        return dict(steps).get(params.get("limit", ""), route.weight)
    if route.weight_all is not None and "symbol" not in params:
        return route.weight_all
    return route.weight
