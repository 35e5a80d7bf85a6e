"""The paper venue without a socket, and the real adapter on it without an event loop."""

import json
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from tradeops.domain.clock import FrozenClock, to_epoch_ms
from tradeops.domain.enums import Environment
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.binance.urls import endpoints_for
from tradeops.exchange.paper.execution import book_makers
from tradeops.exchange.paper.instruments import INSTRUMENTS
from tradeops.exchange.paper.upkeep import on_time
from tradeops.exchange.paper.venue import AccountSpec, Venue
from tradeops.exchange.paper.wire.auth import ApiKey, KeyRing
from tradeops.exchange.paper.wire.binance import BinanceWire
from tradeops.exchange.paper.wire.calls import Request, parse_params
from tradeops.exchange.port import Credentials
from tradeops.exchange.reports import StreamItem
from tradeops.kit.portal import drive

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY, SECRET, ACCOUNT = "in-process-key", "in-process-secret", "main"


@dataclass(frozen=True)
class Sent:
    """One request as it reached the venue, without time and signature."""

    name: str
    params: dict[str, str]


@dataclass
class _Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    async def read(self) -> bytes:
        return self.body


@dataclass
class _Call:
    reply: _Reply

    async def __aenter__(self) -> _Reply:
        return self.reply

    async def __aexit__(self, *_error: object) -> None:
        return


@dataclass
class PaperInProcess:
    """A venue of one account with 100,000 USDT at prices that the test sets.

    It is also the session that the adapter opens. `aside` keeps what the adapter does beside its
    callers until `settle`.
    """

    clock: FrozenClock = field(default_factory=lambda: FrozenClock(START))
    sent: list[Sent] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    aside: list[Coroutine[Any, Any, None]] = field(default_factory=list)
    closed: int = 0

    def __post_init__(self) -> None:
        specs = [spec for spec in INSTRUMENTS if spec.symbol in {"BTCUSDT", "ETHUSDT"}]
        members = [AccountSpec(ACCOUNT, Decimal(100_000))]
        self.venue = Venue(specs, members, self.now_ms())
        self.wire = BinanceWire(self.venue, KeyRing([ApiKey(KEY, SECRET, ACCOUNT)]))
        for spec in specs:
            self.quote(Decimal(60_000 if spec.symbol == "BTCUSDT" else 3_000), symbol=spec.symbol)

    def now_ms(self) -> int:
        return to_epoch_ms(self.clock.now())

    def adapter(self) -> BinanceUsdmAdapter:
        """The real adapter, open."""
        adapter = BinanceUsdmAdapter(
            Credentials(KEY, SECRET),
            endpoints_for(Environment.PAPER, "http://127.0.0.1:1"),
            clock=self.clock,
            guard=lambda: False,
            jitter=lambda: 0.0,
            open_session=lambda: self,
            pause=self._pause,
            aside=self.aside.append,
        )
        drive(adapter.open())
        return adapter

    def quote(self, price: Decimal, *, symbol: str = "BTCUSDT") -> None:
        """Book, last price and mark around `price`; what it reaches is filled or triggered."""
        tick = self.venue.spec(symbol).tick_size
        bids = [(price - tick * n, Decimal(100)) for n in range(1, 4)]
        asks = [(price + tick * n, Decimal(100)) for n in range(1, 4)]
        now_ms = self.now_ms()
        crossed = self.venue.on_levels(symbol, bids, asks, is_snapshot=True, now_ms=now_ms)
        book_makers(self.venue, crossed, now_ms)
        self.venue.symbols[symbol].last_price = price
        self.venue.on_mark(symbol, price, price, Decimal("0.0001"))
        on_time(self.venue, now_ms)

    def advance(self, seconds: float) -> None:
        """Let time pass for both sides."""
        self.clock.advance(seconds)
        on_time(self.venue, self.now_ms())

    def settle(self) -> None:
        """Run what the adapter put aside."""
        while self.aside:
            drive(self.aside.pop(0))

    def items(self) -> list[StreamItem]:
        """What the account's stream told since the last time, as the adapter reads it."""
        frames = self.wire.frames((), self.now_ms())
        return [item for frame in frames for item in parse_frame(json.dumps(frame.payload))]

    def named(self, name: str) -> list[dict[str, str]]:
        """Parameters of the calls of `METHOD /path` so far."""
        return [sent.params for sent in self.sent if sent.name == name]

    def get(self, url: Any, *, headers: dict[str, str], **_options: Any) -> _Call:
        """As aiohttp's."""
        return self._answer("GET", str(url), "", headers)

    def request(
        self, method: str, url: Any, *, data: bytes, headers: dict[str, str], **_options: Any
    ) -> _Call:
        """As aiohttp's."""
        return self._answer(method.upper(), str(url), data.decode(), headers)

    async def close(self) -> None:
        """As aiohttp's."""
        self.closed += 1

    def _answer(self, method: str, url: str, body: str, headers: dict[str, str]) -> _Call:
        parts = urlsplit(url)
        unsigned = {"timestamp", "signature", "recvWindow"}
        params = parse_params(parts.query, body)
        self.sent.append(
            Sent(f"{method} {parts.path}", {k: v for k, v in params.items() if k not in unsigned})
        )
        request = Request(method, parts.path, parts.query, body, headers.get("X-MBX-APIKEY"))
        reply = self.wire.handle(request, self.now_ms())
        return _Call(_Reply(reply.status, reply.headers, json.dumps(reply.body).encode()))

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
