"""The adapter's streams on the paper venue: facts arrive, and the line is always mended."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.contract.exchange.test_paper_port import MAIN, market
from tests.contract.exchange.wire import Log, adapter_to, until
from tests.support.paper import PaperServer
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.binance.stream import StreamTimings
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    LeverageReport,
    OrderReport,
    PositionReport,
    StreamNotice,
)

FAST = StreamTimings(backoff_min_s=0.02, backoff_max_s=0.1)


def following_paper(
    paper: PaperServer, scenario: Callable[[BinanceUsdmAdapter, Log], Awaitable[None]]
) -> Log:
    log = Log()

    async def run() -> None:
        async with adapter_to(paper.url, credentials=MAIN, timings=FAST) as port:
            stream = port.user_stream()
            task = asyncio.create_task(log.follow(stream))
            await until(lambda: "CONNECTED" in log.states)
            try:
                await scenario(port, log)
            finally:
                await stream.stop()
                await asyncio.wait_for(task, 10)

    asyncio.run(run())
    return log


def fills_of(log: Log, request: OrderRequest) -> list[FillReport]:
    return [
        item
        for item in log.items
        if isinstance(item, FillReport) and item.client_order_id == request.client_order_id
    ]


def test_user_stream_tells_every_fact_of_a_trade_as_rest_does(paper: PaperServer) -> None:
    request = market()

    async def scenario(port: BinanceUsdmAdapter, log: Log) -> None:
        await port.set_leverage("BTCUSDT", 12)
        await port.submit(request)
        await until(lambda: any(isinstance(item, PositionReport) for item in log.items))
        told = {fill.trade_id: fill for fill in await port.fills("BTCUSDT")}
        for fill in fills_of(log, request):
            same = told[fill.trade_id]
            assert (fill.price, fill.quantity, fill.commission, fill.realized_pnl) == (
                same.price, same.quantity, same.commission, same.realized_pnl,
            )  # fmt: skip
            assert (fill.venue_order_id, fill.liquidity, fill.side, fill.traded_at) == (
                same.venue_order_id, same.liquidity, same.side, same.traded_at,
            )  # fmt: skip

    log = following_paper(paper, scenario)

    assert sum(fill.quantity for fill in fills_of(log, request)) == request.quantity
    kinds = [type(item) for item in log.items if not isinstance(item, StreamNotice)]
    assert kinds.index(FillReport) < len(kinds) - 1 - kinds[::-1].index(OrderReport)
    assert {LeverageReport, OrderReport, FillReport, BalanceReport, PositionReport} <= set(kinds)
    assert not [
        item
        for item in log.items
        if isinstance(item, StreamNotice) and item.kind in {"UNKNOWN", "MALFORMED"}
    ]


def test_user_stream_that_the_venue_drops_comes_back_and_goes_on(paper: PaperServer) -> None:
    request = market()

    async def scenario(port: BinanceUsdmAdapter, log: Log) -> None:
        paper.fault(kind="ws_disconnect", match="main")
        await until(lambda: log.states.count("CONNECTED") == 2)
        await port.submit(request)
        await until(lambda: bool(fills_of(log, request)))

    log = following_paper(paper, scenario)

    assert log.states == ["CONNECTING", "CONNECTED", "RECONNECTING", "CONNECTED", "DISCONNECTED"]


def test_user_stream_whose_key_expires_gets_a_new_one(paper: PaperServer) -> None:
    request = market()

    async def scenario(port: BinanceUsdmAdapter, log: Log) -> None:
        paper.fault(kind="listen_key_expire", match="main")
        await until(lambda: log.states.count("CONNECTED") == 2)
        await port.submit(request)
        await until(lambda: bool(fills_of(log, request)))

    log = following_paper(paper, scenario)

    assert "listen key expired" in log.details
    assert "LISTEN_KEY_EXPIRED" in [
        item.kind for item in log.items if isinstance(item, StreamNotice)
    ]


def test_mark_stream_tells_prices_of_the_venue(paper: PaperServer) -> None:
    async def run() -> set[str]:
        async with adapter_to(paper.url, credentials=None, timings=FAST) as port:
            log, stream = Log(), port.mark_stream(("BTCUSDT", "ETHUSDT"))
            seen: set[str] = set()
            async for batch in stream.items(on_state=log.on_state):
                assert all(mark.mark_price > 0 for mark in batch)
                seen |= {mark.symbol for mark in batch}
                if len(seen) == 2:
                    break
            await stream.stop()
            return seen

    assert asyncio.run(run()) == {"BTCUSDT", "ETHUSDT"}
