"""The paper venue behind a network that loses, delays and repeats; no socket, no thread.

It speaks the venue's wire protocol through the same dialect as the paper server. Whatever a process
has sent travels on when the process dies.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any

import aiohttp
from yarl import URL

from tradeops.domain.clock import to_epoch_ms
from tradeops.exchange.paper.execution import book_makers
from tradeops.exchange.paper.instruments import INSTRUMENTS
from tradeops.exchange.paper.upkeep import on_time
from tradeops.exchange.paper.venue import AccountSpec, Venue
from tradeops.exchange.paper.wire.auth import ApiKey, KeyRing
from tradeops.exchange.paper.wire.binance import BinanceWire
from tradeops.exchange.paper.wire.calls import Reply, Request, parse_params
from tradeops.exchange.paper.wire.limits import Limits
from tradeops.simulator import faults as fates
from tradeops.simulator.faults import Faults
from tradeops.simulator.schedule import Schedule

SYMBOLS = ("BTCUSDT", "ETHUSDT")
SECRET = "sim-canary-secret-7f3a9c"  # noqa: S105 - of the simulated venue, looked for in events
BALANCE = Decimal(100_000)
_LATENCY_S = (0.002, 0.03)
_LATE_S = (0.5, 5.0)
_LAG_S = 4.0
_STALE_S = 8.0
_ORDER_PATHS = ("/fapi/v1/order", "/fapi/v1/algoOrder")
_LISTS = ("/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders", "/fapi/v1/userTrades")
_UNKNOWN = Reply(503, {"code": -1000, "msg": "Unknown error, please check your request."})
_BUSY = Reply(429, {"code": -1003, "msg": "Too many requests."}, {"Retry-After": "2"})
_GARBAGE = b"<html><body>502 Bad Gateway</body></html>"


def api_key(name: str) -> str:
    """The venue key of an account."""
    return f"sim-{name}-key"


@dataclass(slots=True)
class Connection:
    """One private stream; frames arrive in `frames` until it breaks."""

    account: str
    wake: Callable[[], None]
    frames: list[str] = field(default_factory=list)
    is_broken: bool = False
    is_muted: bool = False


@dataclass(slots=True)
class Answered:
    """A reply with status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    async def read(self) -> bytes:
        return self.body


class SimVenue:
    """`leaving` is told of each order request at the moment it leaves its process."""

    def __init__(
        self,
        schedule: Schedule,
        faults: Faults,
        accounts: tuple[str, ...],
        note: Callable[[str, str], None],
    ) -> None:
        self.schedule = schedule
        self.faults = faults
        self.skew_ms = 0
        self._told_ms = 0
        self.calls = 0
        self.created: Counter[tuple[str, str]] = Counter()
        self.leaving: Callable[[str, dict[str, str]], None] = lambda _account, _params: None
        self._note = note
        specs = [spec for spec in INSTRUMENTS if spec.symbol in SYMBOLS]
        members = [AccountSpec(name, BALANCE) for name in accounts]
        self.core = Venue(specs, members, self.now_ms())
        keys = KeyRing(ApiKey(api_key(name), SECRET, name) for name in accounts)
        self.wire = BinanceWire(self.core, keys, Limits())
        self._connections: list[Connection] = []
        self._replies: dict[str, tuple[int, Reply]] = {}
        self._born: dict[str, int] = {}
        for symbol in SYMBOLS:
            self.quote(symbol, self.core.mark(symbol))

    def now_ms(self) -> int:
        """The venue's clock; corrected now and then, and never stepping back."""
        self._told_ms = max(self._told_ms, to_epoch_ms(self.schedule.now()) + self.skew_ms)
        return self._told_ms

    # -- the market ---------------------------------------------------------------------------

    def quote(self, symbol: str, price: Decimal) -> None:
        """A new book around `price`; resting orders that it crosses are filled."""
        spec, now_ms = self.core.spec(symbol), self.now_ms()
        middle = price // spec.tick_size * spec.tick_size
        bids = [(middle - spec.tick_size * n, Decimal(50)) for n in range(1, 4)]
        asks = [(middle + spec.tick_size * n, Decimal(50)) for n in range(1, 4)]
        crossed = self.core.on_levels(symbol, bids, asks, is_snapshot=True, now_ms=now_ms)
        book_makers(self.core, crossed, now_ms)
        self.core.on_mark(symbol, middle, middle, Decimal("0.0001"))
        on_time(self.core, now_ms)
        self.flush()

    # -- calls --------------------------------------------------------------------------------

    def call(
        self, method: str, url: URL, data: bytes, headers: dict[str, str], limit_s: float
    ) -> Answered:
        """One HTTP call of the current process. Raises what aiohttp raises."""
        self.schedule.breathe()
        process = self.schedule.current
        self.calls += 1
        if process is None:
            return _answered(self._handle(method, url, data, headers))
        fate = self.faults.fate_of_call(is_read=method == "GET")
        self._announce(method, url, data, headers)
        if fate == fates.REFUSED:
            self.schedule.pause(0.01)
            raise aiohttp.ConnectionTimeoutError("simulated: no connection")
        box: list[Answered] = []
        rng = self.schedule.rng
        there_s = rng.uniform(*(_LATE_S if fate == fates.LATE else _LATENCY_S))
        back_s = rng.uniform(*_LATENCY_S)

        def hand_over(answer: Answered) -> None:
            box.append(answer)
            self.schedule.wake(process)

        def arrive() -> None:
            answer = self._fated(fate, method, url, data, headers)
            if answer is not None:
                self.schedule.call_later(back_s, partial(hand_over, answer))

        if fate != fates.DROPPED:
            self.schedule.call_later(there_s, arrive)
        ends_us = self.schedule.at_us + round(limit_s * 1_000_000)
        while not box and self.schedule.at_us < ends_us:
            self.schedule.wait((ends_us - self.schedule.at_us) / 1_000_000)
        if not box:
            raise TimeoutError("simulated: no answer")
        self._note(process.name, f"{method} {url.path} {fate} {box[0].status}")
        return box[0]

    def _announce(self, method: str, url: URL, data: bytes, headers: dict[str, str]) -> None:
        if method == "POST" and url.path in _ORDER_PATHS:
            account = self.wire.keys.keys[headers["X-MBX-APIKEY"]].account
            self.leaving(account, parse_params("", data.decode()))

    def _fated(
        self, fate: str, method: str, url: URL, data: bytes, headers: dict[str, str]
    ) -> Answered | None:
        untouched = {fates.ERROR_BEFORE: _UNKNOWN, fates.THROTTLED: _BUSY}.get(fate)
        if fate in {fates.STALE, fates.EMPTY, fates.NOT_YET}:
            untouched = self._untrue(fate, url, data, headers)
        if untouched is not None:
            return _answered(untouched)
        reply = self._handle(method, url, data, headers)
        if fate == fates.REPLY_LOST:
            return None
        if fate == fates.GARBAGE:
            return Answered(reply.status, {}, _GARBAGE)
        return _answered(_UNKNOWN if fate == fates.ERROR_AFTER else reply)

    def _untrue(self, fate: str, url: URL, data: bytes, headers: dict[str, str]) -> Reply | None:
        """What a lagging read replica says; None where it says the truth."""
        if fate == fates.EMPTY:
            return Reply(200, []) if url.path in _LISTS else None
        if fate == fates.STALE:
            at_us, reply = self._replies.get(_question(url, headers), (0, _UNKNOWN))
            fresh = self.schedule.at_us - at_us < _STALE_S * 1_000_000
            return reply if reply is not _UNKNOWN and fresh else None
        wanted = parse_params(url.raw_query_string, data.decode())
        client_id = wanted.get("origClientOrderId") or wanted.get("clientAlgoId") or ""
        born_us = self._born.get(client_id)
        if born_us is None or self.schedule.at_us - born_us > _LAG_S * 1_000_000:
            return None
        return Reply(400, {"code": -2013, "msg": "Order does not exist."})

    def _handle(self, method: str, url: URL, data: bytes, headers: dict[str, str]) -> Reply:
        request = Request(
            method=method,
            path=url.path,
            query=url.raw_query_string,
            body=data.decode(),
            api_key=headers.get("X-MBX-APIKEY"),
        )
        reply = self.wire.handle(request, self.now_ms())
        if method == "GET" and reply.status == 200:
            self._replies[_question(url, headers)] = (self.schedule.at_us, reply)
        if method == "POST" and url.path in _ORDER_PATHS and reply.status == 200:
            self._count(headers, data)
        self.flush()
        return reply

    def _count(self, headers: dict[str, str], data: bytes) -> None:
        params = parse_params("", data.decode())
        client_id = params.get("newClientOrderId") or params.get("clientAlgoId") or ""
        account = self.wire.keys.keys[headers["X-MBX-APIKEY"]].account
        self.created[account, client_id] += 1
        self._born.setdefault(client_id, self.schedule.at_us)

    # -- streams ------------------------------------------------------------------------------

    def connect(self, listen_key: str, wake: Callable[[], None]) -> Connection | None:
        """Open a private stream; None for a key that is over."""
        account = self.wire.listen_keys.account_of(listen_key)
        if account is None:
            return None
        connection = Connection(account, wake)
        self._connections.append(connection)
        return connection

    def break_streams(self) -> None:
        """Every connection ends; frames under way are lost."""
        for connection in self._connections:
            connection.is_broken = True
            connection.wake()
        self._connections.clear()

    def mute_streams(self) -> None:
        """Connected, and silent from now on (F16)."""
        for connection in self._connections:
            connection.is_muted = True

    def flush(self) -> None:
        """Send what happened to whoever listens."""
        for frame in self.wire.frames((), self.now_ms()):
            if not frame.account:
                continue
            text = json.dumps(frame.payload, separators=(",", ":"))
            for connection in self._connections:
                if connection.account == frame.account and not connection.is_muted:
                    self._send(connection, text)

    def _send(self, connection: Connection, text: str) -> None:
        base_s = self.schedule.rng.uniform(*_LATENCY_S)
        for delay_s in self.faults.deliveries_of_frame():

            def arrive() -> None:
                if not connection.is_broken:
                    connection.frames.append(text)
                    connection.wake()

            self.schedule.call_later(base_s + delay_s, arrive)


class SimSession:
    """Stands where the adapter has its aiohttp session."""

    def __init__(self, venue: SimVenue) -> None:
        self._venue = venue

    def get(self, url: URL, *, headers: dict[str, str], timeout: Any, **_options: Any) -> "_Call":
        """As aiohttp's."""
        return _Call(self._venue, "GET", url, b"", headers, timeout.total)

    def request(
        self,
        method: str,
        url: URL,
        *,
        data: bytes = b"",
        headers: dict[str, str],
        timeout: Any,
        **_options: Any,
    ) -> "_Call":
        """As aiohttp's."""
        return _Call(self._venue, method.upper(), url, data, headers, timeout.total)

    async def close(self) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class _Call:
    venue: SimVenue
    method: str
    url: URL
    data: bytes
    headers: dict[str, str]
    limit_s: float

    async def __aenter__(self) -> Answered:
        return self.venue.call(self.method, self.url, self.data, self.headers, self.limit_s)

    async def __aexit__(self, *_error: object) -> None: ...


def _answered(reply: Reply) -> Answered:
    return Answered(reply.status, reply.headers, json.dumps(reply.body).encode())


def _question(url: URL, headers: dict[str, str]) -> str:
    """What was asked, without time and signature."""
    pairs = sorted(
        (name, value)
        for name, value in url.query.items()
        if name not in {"timestamp", "signature", "recvWindow"}
    )
    return f"{headers.get('X-MBX-APIKEY', '')} {url.path} {pairs}"
