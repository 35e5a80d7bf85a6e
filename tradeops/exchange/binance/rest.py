"""Transport to Binance USDⓈ-M: python-binance's methods over our own signing and error tree.

The library keeps its table of endpoints (`futures_*`); `_request`, the one function through which
all of them go, is replaced because the library's overwrites timestamp and recvWindow (F65), signs
other bytes than it sends, shares the last response between calls, and can log secrets (F71).
Nothing here logs.
"""

import hmac
import json
import warnings
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from tradeops.domain.clock import Clock, to_epoch_ms
from tradeops.exchange.binance.fields import UNREADABLE
from tradeops.exchange.binance.outcomes import (
    ORDER_RATE,
    OVERLOADED,
    failure_of,
    is_refusal,
    understood,
)
from tradeops.exchange.binance.urls import Endpoints
from tradeops.exchange.errors import Ambiguous, ExchangeError, Throttled, Unavailable
from tradeops.exchange.port import Credentials
from tradeops.exchange.throttle import OrderBudget, WeightBudget

with warnings.catch_warnings():
    # python-binance 1.0.37 imports names that websockets has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from binance.async_client import AsyncClient

RECV_WINDOW_MS = 3000
KEEP_ALIVE_S = 30.0
_WRITE_TIMEOUT = aiohttp.ClientTimeout(total=2.0, sock_connect=1.5)
_READ_TIMEOUT = aiohttp.ClientTimeout(total=5.0, sock_connect=2.0)
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_ORDER_COUNT_HEADERS = {10: "X-MBX-ORDER-COUNT-10S", 60: "X-MBX-ORDER-COUNT-1M"}
_OK = range(200, 300)
_BAD_REQUEST, _WALLED_OFF = 400, 403
# The firewall before the venue answers 403 to whoever asks too fast; what it let through before
# that is unknown, and asking on makes it worse. Source: general-info, HTTP return codes.
_WALL_PAUSE_S = 10.0
_TRUSTED_ROUND_TRIP_S = 1.0
OpenSession: TypeAlias = Callable[[], Any]


def open_aiohttp_session() -> aiohttp.ClientSession:
    """The session of a real connection. Call it in the loop that uses it."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "User-Agent": "tradeops"},
    )
    # aiohttp sends PUT and DELETE again when a connection breaks: an amendment went out twice. The
    # switch is private, and the one that its own test client uses.
    session._retry_connection = False
    return session


class FuturesClient(AsyncClient):
    """One account's connection over the session that `open_session` makes.

    Every method raises only what `tradeops.exchange.errors` lists, and RuntimeError while
    `guard()` says that a database transaction is open (I14).
    """

    def __init__(
        self,
        credentials: Credentials | None,
        endpoints: Endpoints,
        *,
        clock: Clock,
        guard: Callable[[], bool],
        weight: WeightBudget,
        orders: OrderBudget,
        open_session: OpenSession,
    ) -> None:
        self._clock = clock
        self._guard = guard
        self._weight = weight
        self._orders = orders
        self._base_url = endpoints.rest
        self._secret = credentials.api_secret.encode() if credentials else None
        key_header = {"X-MBX-APIKEY": credentials.api_key} if credentials else {}
        self._get_headers_of_call = key_header
        self._write_headers_of_call = key_header | _FORM
        # The library's constructor makes two websocket clients that nobody uses, and an event loop
        # where none runs. What its table of endpoints reads is set here instead.
        self.session = open_session()
        self.testnet = self.demo = False
        self.timestamp_offset = 0
        self.FUTURES_URL = f"{endpoints.rest}/fapi"

    async def close(self) -> None:
        """Close the connections; idempotent."""
        await self.session.close()

    @property
    def offset_ms(self) -> int:
        """Venue clock minus ours, as last measured."""
        return self.timestamp_offset

    async def measure_offset(self) -> int:
        """Ask the venue for its time and return the new offset in ms.

        A slow answer says little about when it was made, so it never replaces an earlier one.
        """
        sent_at, started_s = self._clock.now(), self._clock.monotonic_s()
        reply = await self.futures_time()
        round_trip_s = self._clock.monotonic_s() - started_s
        if round_trip_s < _TRUSTED_ROUND_TRIP_S or not self.timestamp_offset:
            half_ms = round(round_trip_s * 500)
            venue_ms = understood(lambda told: int(told["serverTime"]), reply)
            self.timestamp_offset = venue_ms - to_epoch_ms(sent_at) - half_ms
        return self.offset_ms

    async def _request(
        self,
        method: str,
        uri: str,
        signed: bool,  # noqa: FBT001 - the library's signature
        force_params: bool = False,  # noqa: FBT001, FBT002
        **kwargs: Any,
    ) -> Any:
        if self._guard():
            message = "a venue call inside a database transaction (I14)"
            raise RuntimeError(message)
        if not uri.startswith(f"{self._base_url}/"):
            message = f"{uri} does not belong to this environment"
            raise RuntimeError(message)
        query = self._query(kwargs.get("data") or {}, signed=signed)
        windows = self._weight.window(), self._orders.windows()
        try:
            async with self._send(method, uri, query) as response:
                body = await response.read()
                self._observe(response.headers, *windows)
                return self._conclude(response, body)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            message = f"no connection to the venue: {type(error).__name__}"
            raise Unavailable(message) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            message = f"no answer to {method.upper()} {URL(uri).path}: {type(error).__name__}"
            raise Ambiguous(message) from error

    def _send(self, method: str, uri: str, query: str) -> Any:
        if method == "get":
            url = URL(f"{uri}?{query}" if query else uri, encoded=True)
            return self.session.get(
                url,
                headers=self._get_headers_of_call,
                timeout=_READ_TIMEOUT,
                allow_redirects=False,
            )
        return self.session.request(
            method,
            URL(uri, encoded=True),
            data=query.encode(),
            headers=self._write_headers_of_call,
            timeout=_WRITE_TIMEOUT,
            allow_redirects=False,
        )

    def _query(self, data: Mapping[str, Any], *, signed: bool) -> str:
        """Encode the parameters and sign exactly the bytes that will be sent.

        A `timestamp` (ms of the venue's clock) among `data` is kept: it is the time of the
        commit to send, and with recvWindow the venue itself refuses a late order (F65).
        """
        pairs = [(name, value) for name, value in data.items() if value is not None]
        if not signed:
            return urlencode(pairs)
        if self._secret is None:
            message = "no venue key: only public data can be read"
            raise Unavailable(message)
        if "timestamp" not in data:
            pairs.append(("timestamp", to_epoch_ms(self._clock.now()) + self.offset_ms))
        pairs.append(("recvWindow", RECV_WINDOW_MS))
        query = urlencode(pairs)
        return f"{query}&signature={hmac.digest(self._secret, query.encode(), 'sha256').hex()}"

    def _observe(
        self, headers: Mapping[str, str], minute: int, order_windows: Mapping[int, int]
    ) -> None:
        used = _count(headers, "X-MBX-USED-WEIGHT-1M")
        if used is not None:
            self._weight.observe(used, minute)
        for window_s, name in _ORDER_COUNT_HEADERS.items():
            count = _count(headers, name)
            if count is not None:
                self._orders.observe(window_s, count, order_windows[window_s])

    def _conclude(self, response: Any, body: bytes) -> Any:
        """Return the payload of a success. Raises what any other reply stands for."""
        if response.status not in _OK:
            raise self._failure(response.status, response.headers, body)
        try:
            payload = json.loads(body, parse_float=Decimal) if body else {}
        except UNREADABLE as error:
            message = f"HTTP {response.status} with an unreadable body"
            raise Ambiguous(message) from error
        if is_refusal(payload):
            raise self._failure(_BAD_REQUEST, response.headers, body)
        return payload

    def _failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ExchangeError:
        failure = failure_of(status, headers, body, self._venue_now_s())
        if isinstance(failure, Throttled) and failure.code != OVERLOADED:
            budget = self._orders if failure.code == ORDER_RATE else self._weight
            budget.block(failure.retry_after_s)
        elif status == _WALLED_OFF and not failure.code:
            self._weight.block(_WALL_PAUSE_S)
        return failure

    def _venue_now_s(self) -> float:
        return self._clock.now().timestamp() + self.offset_ms / 1000


def _count(headers: Mapping[str, str], name: str) -> int | None:
    told = headers.get(name, "")
    return int(told) if told.isascii() and told.isdigit() else None
