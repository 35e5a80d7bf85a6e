"""The routes under /paper: faults, truth, clock, tape, price, funding, transfers.

Never part of a venue's wire.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from tradeops.exchange.paper import fault_kinds as kinds
from tradeops.exchange.paper import margin
from tradeops.exchange.paper.amounts import text
from tradeops.exchange.paper.clock import VenueClock
from tradeops.exchange.paper.faults import FaultBook, FaultError
from tradeops.exchange.paper.forced import Cause, close_by_venue, expire_orders, liquidate
from tradeops.exchange.paper.ledger import Position
from tradeops.exchange.paper.orders import BOTH
from tradeops.exchange.paper.pinning import pin_price, unpin
from tradeops.exchange.paper.player import TapePlayer
from tradeops.exchange.paper.sockets import Hub
from tradeops.exchange.paper.tape_events import TapeError
from tradeops.exchange.paper.truth import truth
from tradeops.exchange.paper.upkeep import apply_funding, settle, transfer
from tradeops.exchange.paper.venue import Member, Venue
from tradeops.exchange.paper.wire.binance import BinanceWire
from tradeops.exchange.paper.wire.streams import listen_key_expired

MAX_SPEED = 1_000
CAUSES = {
    "adl": Cause.DELEVERAGING,
    "settlement": Cause.SETTLEMENT,
    "delivery": Cause.DELIVERY,
}
_Body = dict[str, Any]


class Controlled(Protocol):
    """The parts of a server that the control routes reach into."""

    venue: Venue
    wire: BinanceWire
    clock: VenueClock
    faults: FaultBook
    hub: Hub
    player: TapePlayer
    is_changed: bool

    def flush(self) -> None:
        """Send what happened to whoever listens."""


class Control:
    """Handlers of the control routes over one server."""

    def __init__(self, server: Controlled) -> None:
        self._server = server

    def add_routes(self, app: web.Application) -> None:
        """Register the routes."""
        app.router.add_get("/paper/health", self._health)
        app.router.add_get("/paper/truth", self._truth)
        app.router.add_get("/paper/faults", self._faults)
        app.router.add_delete("/paper/faults", self._remove_faults)
        posts: dict[str, Callable[[_Body], Any]] = {
            "faults": self._add_fault,
            "clock": self._clock,
            "tape": self._tape,
            "price": self._price,
            "funding": self._funding,
            "transfer": self._transfer,
            "liquidate": self._liquidate,
            "close": self._close,
        }
        for name, action in posts.items():
            app.router.add_post(f"/paper/{name}", self._posted(action))

    def _posted(
        self, action: Callable[[_Body], Any]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """Wrap an action: JSON object in, JSON out, 400 with the reason when it makes no sense."""

        async def handle(request: web.Request) -> web.Response:
            try:
                body = await request.json()
                if not isinstance(body, dict):
                    return _bad("a JSON object is expected")
                result = action(body)
            except (
                FaultError,
                TapeError,
                OSError,
                ValueError,
                TypeError,
                InvalidOperation,
            ) as wrong:
                return _bad(str(wrong) or "not understood")
            except KeyError as missing:
                return _bad(f"unknown or missing: {missing}")
            self._server.is_changed = True
            self._server.flush()
            return web.json_response(result)

        return handle

    async def _health(self, _request: web.Request) -> web.Response:
        server = self._server
        return web.json_response(
            {
                "status": "ok",
                "now_ms": server.clock.now_ms(),
                "offset_ms": server.clock.offset_ms,
                "tape": str(server.player.path) if server.player.path else None,
                "speed": server.player.speed,
                "tape_ended": server.player.has_ended,
                "tape_lag_ms": server.player.lag_ms,
                "sockets": len(server.hub.sockets),
                "struck": server.faults.struck,
                "marks": {name: text(s.mark) for name, s in server.venue.symbols.items()},
            }
        )

    async def _truth(self, request: web.Request) -> web.Response:
        server = self._server
        return web.json_response(
            truth(server.venue, server.wire.keys, request.query.get("account"))
        )

    async def _faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"faults": self._server.faults.listing()})

    async def _remove_faults(self, request: web.Request) -> web.Response:
        number = request.query.get("id", "")
        self._server.faults.remove(int(number) if number.isdecimal() else None)
        return web.json_response({"faults": self._server.faults.listing()})

    def _add_fault(self, body: _Body) -> Any:
        server = self._server
        now_ms = server.clock.now_ms()
        fault = server.faults.add(body, now_ms)
        if fault.kind == kinds.WS_DISCONNECT:
            server.hub.disconnect(fault.match)
            if not fault.until_ms and fault.count is None:
                server.faults.remove(fault.fault_id)
        elif fault.kind == kinds.LISTEN_KEY_EXPIRE:
            server.faults.remove(fault.fault_id)
            for name in server.venue.members:
                if fault.match in name:
                    self._expire(name, now_ms)
        return fault.as_json()

    def _expire(self, account: str, now_ms: int) -> None:
        ended = self._server.wire.listen_keys.close(account)
        if ended is not None:
            self._server.hub.dispatch([listen_key_expired(account, ended.key, now_ms)], now_ms)

    def _clock(self, body: _Body) -> Any:
        clock = self._server.clock
        if "set" in body:
            clock.set_to(int(body["set"]))
        else:
            clock.offset_ms = int(body["offset_ms"])
        return {"now_ms": clock.now_ms(), "offset_ms": clock.offset_ms}

    def _tape(self, body: _Body) -> Any:
        speed = float(body.get("speed", 1))
        if not 0 < speed <= MAX_SPEED:
            raise ValueError(f"speed must be above 0 and at most {MAX_SPEED}")
        path = body.get("path")
        self._server.player.start(Path(path) if path else None, speed)
        return {"path": path, "speed": speed}

    def _price(self, body: _Body) -> Any:
        server, symbol = self._server, str(body["symbol"])
        state = server.venue.symbols[symbol]
        if body.get("price") is None:
            unpin(server.venue, symbol)
            return {"symbol": symbol, "price": None}
        price = Decimal(str(body["price"]))
        if not state.spec.min_price <= price <= state.spec.max_price:
            raise ValueError("price outside the symbol's limits")
        pin_price(server.venue, symbol, price, server.clock.now_ms())
        return {"symbol": symbol, "price": str(price)}

    def _funding(self, body: _Body) -> Any:
        server, symbol = self._server, str(body["symbol"])
        now_ms = server.clock.now_ms()
        rate = Decimal(str(body.get("rate", server.venue.symbols[symbol].funding_rate)))
        apply_funding(server.venue, symbol, rate, now_ms)
        settle(server.venue, now_ms)
        return {"symbol": symbol, "rate": str(rate)}

    def _transfer(self, body: _Body) -> Any:
        server = self._server
        member = server.venue.members[str(body["account"])]
        amount = Decimal(str(body["amount"]))
        transfer(server.venue, member, amount, server.clock.now_ms())
        return {"account": member.account.name, "wallet": str(member.account.wallet)}

    def _liquidate(self, body: _Body) -> Any:
        """Liquidate one position now, whatever its margin."""
        server, now_ms = self._server, self._server.clock.now_ms()
        member, position = self._position(body)
        mark, spec = server.venue.mark(position.symbol), server.venue.spec(position.symbol)
        if position.symbol in member.account.isolated:
            balance, _ = margin.isolated_health(position, mark, spec)
        else:
            balance, _ = margin.cross_health(member.account, server.venue.mark, server.venue.spec)
        expire_orders(server.venue, member, position.symbol, now_ms)
        liquidate(server.venue, member, position, balance, now_ms)
        return {"account": member.account.name, "symbol": position.symbol}

    def _close(self, body: _Body) -> Any:
        """Close a position, or a part, as deleveraging, settlement or delivery does."""
        member, position = self._position(body)
        cause = CAUSES[str(body.get("cause", "adl"))]
        quantity = Decimal(str(body["quantity"])) if "quantity" in body else None
        if quantity is not None and quantity <= 0:
            raise ValueError("quantity must be above 0")
        now_ms = self._server.clock.now_ms()
        close_by_venue(
            self._server.venue, member, position, cause, now_ms=now_ms, quantity=quantity
        )
        return {"account": member.account.name, "symbol": position.symbol, "cause": cause.name}

    def _position(self, body: _Body) -> tuple[Member, Position]:
        member = self._server.venue.members[str(body["account"])]
        symbol, side = str(body["symbol"]), str(body.get("position_side", BOTH))
        position = member.account.position(symbol, side)
        if not position.amount:
            raise ValueError(f"{member.account.name} holds no {symbol} {side}")
        return member, position


def _bad(reason: str) -> web.Response:
    return web.json_response({"error": reason}, status=400)
