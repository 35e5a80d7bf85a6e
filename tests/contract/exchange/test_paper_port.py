"""The adapter trades on the paper venue over the wire, and its reports equal the venue's books."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.exchange.wire import adapter_to
from tests.support.paper import PaperServer
from tradeops.domain.enums import (
    Environment,
    MarginMode,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    Venue,
)
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.errors import (
    Ambiguous,
    ClockSkew,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from tradeops.exchange.port import Credentials, OrderRequest
from tradeops.exchange.registry import open_port, open_public_port
from tradeops.exchange.throttle import Withheld
from tradeops.kit.clock import SYSTEM_CLOCK

MAIN = Credentials("paper-main-key", "paper-main-secret")
POST = "POST /fapi/v1/order"
_numbers = itertools.count(1)


def market(side: Side = Side.BUY, quantity: str = "0.010", symbol: str = "BTCUSDT") -> OrderRequest:
    return OrderRequest(
        symbol=symbol,
        client_order_id=f"ae-{next(_numbers):032x}",
        side=side,
        order_type=OrderType.MARKET,
        quantity=Decimal(quantity),
        signed_at=SYSTEM_CLOCK.now(),
    )


def resting(quantity: str = "0.010") -> OrderRequest:
    return replace(
        market(quantity=quantity),
        order_type=OrderType.LIMIT,
        price=Decimal("55000.00"),
        time_in_force=TimeInForce.GTC,
    )


def on_paper(
    paper: PaperServer,
    scenario: Callable[[BinanceUsdmAdapter], Awaitable[None]],
    credentials: Credentials = MAIN,
) -> None:
    async def run() -> None:
        async with adapter_to(paper.url, credentials=credentials) as port:
            await scenario(port)

    asyncio.run(run())


def booked(paper: PaperServer, request: OrderRequest) -> list[dict[str, Any]]:
    """What the venue's own books hold under the request's id."""
    orders = paper.truth("main")["orders"]
    return [row for row in orders if row["client_order_id"] == request.client_order_id]


def test_market_order_reports_equal_the_books_of_the_venue(paper: PaperServer) -> None:
    request = market()

    async def scenario(port: BinanceUsdmAdapter) -> None:
        sent = await port.submit(request)
        asked = await port.order("BTCUSDT", request.client_order_id)
        by_id = await port.order_by_venue_id("BTCUSDT", sent.venue_order_id)
        fills = await port.fills("BTCUSDT")
        (position,) = await port.positions()
        balances = {report.asset: report for report in await port.balances()}

        books = paper.truth("main")
        assert sent.status is OrderStatus.FILLED
        assert (sent.quantity, sent.filled_quantity) == (request.quantity, request.quantity)
        assert sent.average_price is None
        assert asked == by_id
        assert asked.average_price == Decimal(booked(paper, request)[0]["average_price"])
        assert [(f.trade_id, f.price, f.quantity, f.commission) for f in fills] == [
            (str(b["trade_id"]), *(Decimal(b[k]) for k in ("price", "quantity", "commission")))
            for b in books["fills"]
        ]
        assert sum(fill.quantity for fill in fills) == position.quantity == request.quantity
        assert (position.leverage, position.margin_mode) == (20, MarginMode.CROSS)
        paid = sum(fill.commission for fill in fills)
        assert balances["USDT"].wallet_balance == Decimal(10_000) - paid

        await port.submit(replace(market(Side.SELL), reduce_only=True))
        assert await port.positions() == []
        all_fills = await port.fills("BTCUSDT")
        last = await port.fills("BTCUSDT", from_trade_id=all_fills[-1].trade_id)
        assert last == all_fills[-1:]
        assert await port.fills("BTCUSDT", since=SYSTEM_CLOCK.now()) == []

    on_paper(paper, scenario)


def test_resting_order_is_seen_cancelled_and_then_not_found(paper: PaperServer) -> None:
    first, second, third = resting(), resting(), resting()

    async def scenario(port: BinanceUsdmAdapter) -> None:
        sent = await port.submit(first)
        other = await port.submit(second)
        await port.submit(third)
        assert sent.status is OrderStatus.ACKNOWLEDGED
        assert sent.price == first.price
        assert {o.client_order_id for o in await port.open_orders("BTCUSDT")} == {
            request.client_order_id for request in (first, second, third)
        }
        assert len(await port.open_orders()) == 3

        cancelled = await port.cancel("BTCUSDT", first.client_order_id)
        assert cancelled.status is OrderStatus.CANCELLED
        with pytest.raises(NotFound):
            await port.cancel("BTCUSDT", first.client_order_id)
        asked = await port.order("BTCUSDT", first.client_order_id)
        assert asked.status is OrderStatus.CANCELLED

        await port.cancel_by_venue_id("BTCUSDT", other.venue_order_id)
        await port.cancel_all("BTCUSDT")
        assert await port.open_orders() == []

    on_paper(paper, scenario)


def test_duplicate_id_of_an_open_order_is_ambiguous_and_a_query_proves_it(
    paper: PaperServer,
) -> None:
    request = resting()

    async def scenario(port: BinanceUsdmAdapter) -> None:
        await port.submit(request)
        with pytest.raises(Ambiguous) as failure:
            await port.submit(request)
        assert failure.value.code == -4116
        found = await port.order("BTCUSDT", request.client_order_id)
        assert found.status is OrderStatus.ACKNOWLEDGED
        await port.cancel_all("BTCUSDT")

    on_paper(paper, scenario)
    assert len(booked(paper, request)) == 1


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (market(quantity="0.0105"), -1111),
        (market(quantity="100"), -2019),
        (market(symbol="NOPEUSDT"), -1121),
        (replace(market(), reduce_only=True), -2022),
        (market(quantity="0.0000"), -4003),
    ],
)
def test_refused_order_is_rejected_with_the_code_of_the_venue(
    paper: PaperServer, request_: OrderRequest, code: int
) -> None:
    async def scenario(port: BinanceUsdmAdapter) -> None:
        with pytest.raises(Rejected) as failure:
            await port.submit(replace(request_, signed_at=SYSTEM_CLOCK.now()))
        assert failure.value.code == code

    on_paper(paper, scenario)
    assert booked(paper, request_) == []


def test_symbol_that_the_venue_does_not_list_has_nothing(paper: PaperServer) -> None:
    async def scenario(port: BinanceUsdmAdapter) -> None:
        assert list(await port.fills("NOPEUSDT", from_trade_id="0")) == []
        assert list(await port.open_orders("NOPEUSDT")) == []
        assert list(await port.open_conditional_orders("NOPEUSDT")) == []

    on_paper(paper, scenario)


def test_settings_of_a_symbol_are_set_and_read_back(paper: PaperServer) -> None:
    async def scenario(port: BinanceUsdmAdapter) -> None:
        assert (await port.set_leverage("SOLUSDT", 7)).leverage == 7
        assert (await port.set_leverage("SOLUSDT", 7)).leverage == 7
        await port.set_margin_mode("SOLUSDT", MarginMode.ISOLATED)
        await port.set_margin_mode("SOLUSDT", MarginMode.ISOLATED)
        told = {report.symbol: report for report in await port.leverages()}
        assert (told["SOLUSDT"].leverage, told["SOLUSDT"].margin_mode) == (7, MarginMode.ISOLATED)
        with pytest.raises(Rejected) as failure:
            await port.set_leverage("SOLUSDT", 500)
        assert failure.value.code == -4028

    on_paper(paper, scenario)


@pytest.mark.parametrize(
    ("kind", "landed"),
    [
        ("http_5xx_after", True),
        ("http_5xx_before", False),
        ("timeout_after", True),
        ("timeout_before", False),
    ],
)
def test_order_with_an_unknown_outcome_is_ambiguous_and_a_query_tells(
    paper: PaperServer,
    kind: str,
    landed: bool,
) -> None:
    request = replace(market(), signed_at=SYSTEM_CLOCK.now())
    # A held request ends soon after our limit of two seconds, so that the venue can stop.
    paper.fault(kind=kind, match=POST, count=1, ms=2_500)

    async def scenario(port: BinanceUsdmAdapter) -> None:
        with pytest.raises(Ambiguous):
            await port.submit(request)
        if landed:
            report = await port.order("BTCUSDT", request.client_order_id)
            assert report.status is OrderStatus.FILLED
        else:
            with pytest.raises(NotFound):
                await port.order("BTCUSDT", request.client_order_id)

    on_paper(paper, scenario)
    assert len(booked(paper, request)) == landed


def test_read_survives_one_server_fault(paper: PaperServer) -> None:
    paper.fault(kind="http_5xx_before", match="GET /fapi/v3/balance", count=1)

    async def scenario(port: BinanceUsdmAdapter) -> None:
        assert await port.balances()

    on_paper(paper, scenario)


def test_after_429_no_order_reaches_the_venue(paper: PaperServer) -> None:
    first, second = market(), market()
    paper.fault(kind="throttle_429", match=POST, count=1)

    async def scenario(port: BinanceUsdmAdapter) -> None:
        with pytest.raises(Throttled) as failure:
            await port.submit(replace(first, signed_at=SYSTEM_CLOCK.now()))
        assert failure.value.retry_after_s > 0
        with pytest.raises(Withheld):
            await port.submit(replace(second, signed_at=SYSTEM_CLOCK.now()))

    on_paper(paper, scenario)
    assert booked(paper, first) == booked(paper, second) == []


def test_clock_that_drifts_is_refused_measured_and_right_again(paper: PaperServer) -> None:
    async def scenario(port: BinanceUsdmAdapter) -> None:
        paper.request("POST", "/paper/clock", {"offset_ms": 10_000})
        with pytest.raises(ClockSkew):
            await port.submit(market())
        assert await port.balances()
        assert port.clock_offset_ms() > 9_000
        assert (await port.submit(market())).status is OrderStatus.FILLED

    on_paper(paper, scenario)


def test_order_signed_too_long_ago_is_refused_by_the_venue(paper: PaperServer) -> None:
    request = replace(market(), signed_at=SYSTEM_CLOCK.now().replace(year=2025))

    async def scenario(port: BinanceUsdmAdapter) -> None:
        with pytest.raises(ClockSkew):
            await port.submit(request)

    on_paper(paper, scenario)
    assert booked(paper, request) == []


@pytest.mark.parametrize(
    "credentials",
    [Credentials("unknown-key", "x"), Credentials("paper-main-key", "wrong-secret")],
)
def test_wrong_key_or_secret_is_unauthorized(paper: PaperServer, credentials: Credentials) -> None:
    async def scenario(port: BinanceUsdmAdapter) -> None:
        with pytest.raises(Unauthorized):
            await port.balances()
        with pytest.raises(Unauthorized):
            await port.submit(market())

    on_paper(paper, scenario, credentials)


def test_registry_opens_ports_of_the_paper_venue(paper: PaperServer) -> None:
    async def run() -> None:
        where: dict[str, Any] = {
            "venue": Venue.BINANCE_USDM,
            "environment": Environment.PAPER,
            "paper_url": paper.url,
            "clock": SYSTEM_CLOCK,
            "in_transaction": lambda: False,
        }
        private, public = open_port(credentials=MAIN, **where), open_public_port(**where)
        await private.open()
        await public.open()
        try:
            assert await private.balances()
            symbols = {spec.symbol for spec in await public.instruments()}
            assert {"BTCUSDT", "ETHUSDT"} <= symbols
            assert (await public.mark_price("BTCUSDT")).mark_price > 0
            with pytest.raises(Unavailable):
                await public.balances()
        finally:
            await private.close()
            await public.close()

    asyncio.run(run())
