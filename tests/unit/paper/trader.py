"""A client of the dialect without a socket: signed requests at a clock the test moves."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from tradeops.exchange.paper.instruments import INSTRUMENTS
from tradeops.exchange.paper.pinning import pin_price
from tradeops.exchange.paper.upkeep import on_time
from tradeops.exchange.paper.venue import AccountSpec, Member, Venue
from tradeops.exchange.paper.wire.auth import ApiKey, KeyRing, sign
from tradeops.exchange.paper.wire.binance import BinanceWire
from tradeops.exchange.paper.wire.calls import Reply, Request
from tradeops.exchange.paper.wire.limits import Limits
from tradeops.exchange.paper.wire.streams import Frame

START_MS = 1_795_168_800_000  # 2026-11-20 10:00 UTC
BTC = "BTCUSDT"


class Bench:
    """A venue with BTCUSDT pinned at 60000/60000.10, accounts a and b, and a clock."""

    def __init__(self, balance: str = "10000", limits: Limits | None = None) -> None:
        self.now_ms = START_MS
        accounts = [AccountSpec(name, Decimal(balance)) for name in ("a", "b")]
        self.venue = Venue(INSTRUMENTS, accounts, START_MS)
        keys = KeyRing(ApiKey(f"key-of-{name}", f"secret-{name}", name) for name in ("a", "b"))
        self.wire = BinanceWire(self.venue, keys, limits)
        self.price("60000")

    def price(self, price: str, symbol: str = BTC) -> None:
        pin_price(self.venue, symbol, Decimal(price), self.now_ms)

    def later(self, ms: int) -> None:
        self.now_ms += ms
        on_time(self.venue, self.now_ms)

    def member(self, name: str = "a") -> Member:
        return self.venue.members[name]

    def frames(self) -> list[Frame]:
        return self.wire.frames((), self.now_ms)

    def trader(self, name: str = "a") -> "Trader":
        return Trader(self, name)


class Trader:
    """One account's view of the venue."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.bench = bench
        self.name = name

    def send(self, method: str, path: str, **params: Any) -> Reply:
        """Send a signed request; everything in the body for writes, in the query for reads."""
        params.setdefault("timestamp", self.bench.now_ms)
        payload = urlencode(params)
        payload += f"&signature={sign(f'secret-{self.name}', payload)}"
        query, body = (payload, "") if method in ("GET", "DELETE") else ("", payload)
        request = Request(method, path, query, body, f"key-of-{self.name}")
        return self.bench.wire.handle(request, self.bench.now_ms)

    def ok(self, method: str, path: str, **params: Any) -> Any:
        reply = self.send(method, path, **params)
        assert reply.status == 200, reply.body
        return reply.body

    def code(self, method: str, path: str, **params: Any) -> int:
        reply = self.send(method, path, **params)
        assert reply.status != 200, reply.body
        code: int = reply.body["code"]
        return code

    def market(self, side: str, quantity: str, **more: Any) -> Any:
        return self.ok("POST", "/fapi/v1/order", **market(side, quantity, **more))

    def limit(self, side: str, quantity: str, price: str, **more: Any) -> Any:
        return self.ok("POST", "/fapi/v1/order", **limit(side, quantity, price, **more))

    def order(self, order_id: int) -> Any:
        return self.ok("GET", "/fapi/v1/order", symbol=BTC, orderId=order_id)

    def position(self) -> Decimal:
        return self.bench.member(self.name).account.position(BTC).amount


def market(side: str, quantity: str, **more: Any) -> dict[str, Any]:
    order = {"symbol": BTC, "side": side, "type": "MARKET", "quantity": quantity}
    return order | {"newOrderRespType": "RESULT"} | more


def limit(side: str, quantity: str, price: str, **more: Any) -> dict[str, Any]:
    order = {"symbol": BTC, "side": side, "type": "LIMIT", "quantity": quantity, "price": price}
    return order | {"timeInForce": "GTC", "newOrderRespType": "RESULT"} | more
