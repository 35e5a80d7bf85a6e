"""Replies that no venue should give end in an `ExchangeError`, and writes in doubt, never more."""

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.exchange.trader import LIMIT, LONG, STOP
from tests.support.hostile_frames import HOSTILE
from tests.support.paper_in_process import KEY, SECRET, START
from tradeops.domain.clock import FrozenClock
from tradeops.domain.enums import Environment, MarginMode, Side
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.urls import endpoints_for
from tradeops.exchange.errors import Ambiguous, ExchangeError, Throttled
from tradeops.exchange.port import AmendRequest, Credentials
from tradeops.kit.portal import drive

AMENDMENT = AmendRequest("BTCUSDT", "ae-1", Side.BUY, Decimal(1), Decimal(1), START)
Act = Callable[[BinanceUsdmAdapter], Coroutine[Any, Any, Any]]
ACTS: dict[str, Act] = {
    "time": lambda port: port.server_time_offset_ms(),
    "instruments": lambda port: port.instruments(),
    "mark price": lambda port: port.mark_price("BTCUSDT"),
    "submit": lambda port: port.submit(LONG),
    "submit limit": lambda port: port.submit(LIMIT),
    "submit stop": lambda port: port.submit(STOP),
    "amend": lambda port: port.amend(AMENDMENT),
    "cancel": lambda port: port.cancel("BTCUSDT", "ae-1"),
    "cancel stop": lambda port: port.cancel("BTCUSDT", "ae-1", conditional=True),
    "order": lambda port: port.order("BTCUSDT", "ae-1"),
    "stop": lambda port: port.order("BTCUSDT", "ae-1", conditional=True),
    "open orders": lambda port: port.open_orders(),
    "open stops": lambda port: port.open_conditional_orders(),
    "fills": lambda port: port.fills("BTCUSDT"),
    "positions": lambda port: port.positions(),
    "balances": lambda port: port.balances(),
    "leverages": lambda port: port.leverages(),
    "set leverage": lambda port: port.set_leverage("BTCUSDT", 3),
    "position mode": lambda port: port.position_mode(),
    "brackets": lambda port: port.leverage_brackets(),
    "quantiles": lambda port: port.adl_quantiles(),
    "income": lambda port: port.income(since=START - timedelta(days=1)),
}
# Their success says nothing but that it is one.
SILENT: dict[str, Act] = {
    "cancel all": lambda port: port.cancel_all("BTCUSDT"),
    "cancel all stops": lambda port: port.cancel_all_conditional("BTCUSDT"),
    "margin mode": lambda port: port.set_margin_mode("BTCUSDT", MarginMode.CROSS),
    "margin": lambda port: port.change_isolated_margin("BTCUSDT", Decimal(1)),
    "dead man": lambda port: port.arm_dead_man("BTCUSDT", 0),
}
BODIES: dict[str, bytes] = {
    name: frame if isinstance(frame, bytes) else frame.encode("utf-8", "surrogatepass")
    for name, frame in HOSTILE.items()
    if len(frame) < 1_000_000
} | {
    f"json {text[:30]}": text.encode()
    for text in (
        "null", "true", "17", '"text"', "{}", '{"code":Infinity,"msg":"x"}', '{"code":{},"msg":1}',
        '[{"symbol":"BTCUSDT"}]', '[null]', '[[]]', '{"listenKey":{}}', '{"serverTime":"soon"}',
        '{"symbols":[{"contractType":"PERPETUAL","filters":7}],"rateLimits":[{"interval":"DAY"}]}',
        '{"algoStatus":"NEW","algoId":true}', '[{"symbol":"A","brackets":[7]}]',
        '[{"symbol":"A","adlQuantile":7}]',
    )
}  # fmt: skip
HEADERS = {
    "X-MBX-USED-WEIGHT-1M": "\u00b2",
    "X-MBX-ORDER-COUNT-10S": "-5",
    "X-MBX-ORDER-COUNT-1M": "many",
    "Retry-After": "\u0661",
}


@dataclass
class Session:
    """Answers every request alike."""

    status: int
    body: bytes
    calls: int = 0

    def get(self, _url: Any, **_options: Any) -> "Session":
        return self

    def request(self, _method: str, _url: Any, **_options: Any) -> "Session":
        return self

    async def __aenter__(self) -> "Session":
        self.calls += 1
        return self

    async def __aexit__(self, *_error: object) -> None:
        return

    @property
    def headers(self) -> dict[str, str]:
        return HEADERS

    async def read(self) -> bytes:
        return self.body

    async def close(self) -> None:
        return


async def _no_pause(_seconds: float) -> None:
    return


def outcome(act: Act, status: int, body: bytes) -> ExchangeError | None:
    """How the call ends behind `status` and `body`; any other exception fails the test."""
    session = Session(200, json.dumps({"serverTime": 1, "symbols": []}).encode())
    asides: list[Coroutine[Any, Any, None]] = []
    port = BinanceUsdmAdapter(
        Credentials(KEY, SECRET),
        endpoints_for(Environment.PAPER, "http://127.0.0.1:1"),
        clock=FrozenClock(START),
        guard=lambda: False,
        jitter=lambda: 0.0,
        open_session=lambda: session,
        pause=_no_pause,
        aside=asides.append,
    )
    drive(port.open())
    session.status, session.body = status, body
    try:
        drive(act(port))
    except ExchangeError as error:
        return error
    finally:
        for aside in asides:
            drive(aside)
        drive(port.close())
    return None


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_hostile_reply_is_never_believed(name: str, status: int) -> None:
    for body in BODIES.values():
        error = outcome(ACTS[name], status, body)

        if status == 200 and error is None:
            # An empty list is an answer: nothing open, no such income.
            assert json.loads(body or b"[]") in ([], {}), (name, body[:80])
        else:
            assert isinstance(error, Ambiguous), (name, body[:80], error)


@pytest.mark.parametrize("name", SILENT)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_hostile_reply_to_a_silent_call_is_in_doubt(name: str, status: int) -> None:
    for body in BODIES.values():
        assert isinstance(outcome(SILENT[name], status, body), Ambiguous), body[:80]


@pytest.mark.parametrize("name", ACTS | SILENT)
def test_hostile_limit_is_still_a_limit(name: str) -> None:
    error = outcome((ACTS | SILENT)[name], 429, b"<html>slow down</html>")

    assert isinstance(error, Throttled)
    assert 0 < error.retry_after_s <= 60
