"""What we count before each call is what the venue counts after it."""

import asyncio
import http.client
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.paper import PaperServer
from tradeops.domain.enums import Environment
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.urls import endpoints_for
from tradeops.exchange.port import Credentials
from tradeops.exchange.throttle import VenueLimits, WeightBudget
from tradeops.kit.clock import SYSTEM_CLOCK


@pytest.fixture
def venue() -> Iterator[PaperServer]:
    with PaperServer() as server:
        yield server


class Deaf(WeightBudget):
    """Counts ahead and hears no header, so that nothing corrects what it counted."""

    def observe(self, used: int, window: int) -> None:
        """Hear nothing."""


def told_weight(venue: PaperServer) -> int:
    """What the venue counted for this address before this very call."""
    connection = http.client.HTTPConnection(venue.host, venue.port, timeout=5)
    try:
        connection.request("GET", "/fapi/v1/ping")
        reply = connection.getresponse()
        reply.read()
        return int(reply.getheader("X-MBX-USED-WEIGHT-1M") or "") - 1
    finally:
        connection.close()


async def _read_everything(adapter: BinanceUsdmAdapter) -> None:
    await adapter.open()
    try:
        await adapter.mark_price("BTCUSDT")
        await adapter.open_orders("BTCUSDT")
        await adapter.open_orders()
        await adapter.open_conditional_orders()
        await adapter.fills("BTCUSDT")
        await adapter.positions()
        await adapter.balances()
        await adapter.leverages()
        await adapter.position_mode()
        await adapter.leverage_brackets()
        await adapter.adl_quantiles()
        await adapter.income(since=SYSTEM_CLOCK.now() - timedelta(hours=1))
        await adapter.set_leverage("BTCUSDT", 5)
        await adapter.cancel_all("BTCUSDT")
        await adapter.arm_dead_man("BTCUSDT", 0)
    finally:
        await adapter.close()


def test_weights_counted_ahead_are_those_of_the_venue(venue: PaperServer) -> None:
    weight = Deaf(SYSTEM_CLOCK, VenueLimits())
    before, minute = told_weight(venue) + 1, weight.window()
    adapter = BinanceUsdmAdapter(
        Credentials("paper-main-key", "paper-main-secret"),
        endpoints_for(Environment.PAPER, venue.url),
        clock=SYSTEM_CLOCK,
        guard=lambda: False,
        jitter=lambda: 0.5,
        weight=weight,
    )

    asyncio.run(_read_everything(adapter))

    counted, told = weight.used_1m, told_weight(venue)
    if weight.window() == minute:  # else the venue's minute began anew on the way
        assert counted == told - before
