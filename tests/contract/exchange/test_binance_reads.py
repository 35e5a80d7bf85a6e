"""Reads and settings of the Binance adapter, against a venue of scripted answers."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.exchange.wire import (
    Answer,
    ScriptedVenue,
    refused,
    with_venue,
)
from tradeops.domain.clock import FrozenClock
from tradeops.domain.enums import MarginMode, OrderType, Side
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.errors import (
    Ambiguous,
    NotFound,
    Rejected,
    Unavailable,
)
from tradeops.exchange.port import OrderRequest
from tradeops.kit.clock import SYSTEM_CLOCK

AT = datetime(2026, 11, 20, 8, 0, 7, 500_000, tzinfo=UTC)
AT_MS = 1_795_161_607_500
ORDER = {
    "symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "ae-1", "side": "BUY", "type": "MARKET",
    "origType": "MARKET", "status": "FILLED", "origQty": "0.008", "executedQty": "0.008",
    "price": "0", "timeInForce": "GTC", "reduceOnly": False, "closePosition": False,
    "positionSide": "BOTH", "updateTime": AT_MS,
}  # fmt: skip
REQUEST = OrderRequest("BTCUSDT", "ae-1", Side.BUY, OrderType.MARKET, Decimal("0.008"), AT)
POST = "POST /fapi/v1/order"
GET = "GET /fapi/v1/order"
DELETE = "DELETE /fapi/v1/order"


def test_public_calls_carry_neither_signature_nor_time() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        await adapter.mark_price("BTCUSDT")

    mark = {"symbol": "BTCUSDT", "markPrice": "61000.1", "time": AT_MS}
    venue = with_venue(scenario, {"GET /fapi/v1/premiumIndex": [Answer(body=mark)]})

    (call,) = venue.named("GET /fapi/v1/premiumIndex")
    assert call.params == {"symbol": "BTCUSDT"}


def test_port_without_a_key_reads_public_data_only() -> None:
    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        before = len(venue.calls)
        with pytest.raises(Unavailable):
            await adapter.submit(REQUEST)
        with pytest.raises(Unavailable):
            await adapter.balances()
        assert len(venue.calls) == before
        assert await adapter.instruments() == []

    venue = with_venue(scenario, {}, credentials=None)

    assert all("X-MBX-APIKEY" not in call.headers for call in venue.calls)


@pytest.mark.parametrize(
    "answer", [Answer(502, "bad gateway"), Answer(200, "{"), Answer(drop=True), refused(408, -1007)]
)
def test_read_is_repeated_once_after_a_chance_failure(answer: Answer) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        assert (await adapter.order("BTCUSDT", "ae-1")).venue_order_id == "7"

    venue = with_venue(scenario, {GET: [answer, Answer(body=ORDER)]})

    # aiohttp itself asks again when a kept connection turns out to be closed.
    assert len(venue.named(GET)) == 2


def test_read_of_an_unknown_order_is_not_found_at_once() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(NotFound) as failure:
            await adapter.order("BTCUSDT", "ae-1")
        assert failure.value.code == -2013

    venue = with_venue(scenario, {GET: [refused(400, -2013)]})

    assert len(venue.named(GET)) == 1


def test_cancel_of_a_gone_order_is_not_found() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(NotFound):
            await adapter.cancel("BTCUSDT", "ae-1")

    venue = with_venue(scenario, {DELETE: [refused(400, -2011)]})

    assert venue.named(DELETE)[0].params["origClientOrderId"] == "ae-1"


def test_read_outside_recv_window_measures_the_clock_and_asks_again() -> None:
    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        venue.server_ms = lambda: AT_MS + 9000
        await adapter.order("BTCUSDT", "ae-1")
        assert adapter.clock_offset_ms() == 9000

    venue = with_venue(
        scenario, {GET: [refused(400, -1021), Answer(body=ORDER)]}, clock=FrozenClock(AT)
    )

    assert [call.params["timestamp"] for call in venue.named(GET)] == [
        str(AT_MS),
        str(AT_MS + 9000),
    ]


@pytest.mark.parametrize("code", [-4046, -4059])
def test_set_margin_mode_already_so_is_success(code: int) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        await adapter.set_margin_mode("BTCUSDT", MarginMode.ISOLATED)

    venue = with_venue(scenario, {"POST /fapi/v1/marginType": [refused(400, code)]})

    assert venue.named("POST /fapi/v1/marginType")[0].params["marginType"] == "ISOLATED"


def test_set_margin_mode_with_a_position_is_rejected() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Rejected) as failure:
            await adapter.set_margin_mode("BTCUSDT", MarginMode.CROSS)
        assert failure.value.code == -4048

    with_venue(scenario, {"POST /fapi/v1/marginType": [refused(400, -4048)]})


def test_positions_come_from_v2_without_the_flat_ones() -> None:
    held = {
        "symbol": "BTCUSDT", "positionAmt": "0.5", "entryPrice": "61000", "leverage": "10",
        "marginType": "cross", "positionSide": "BOTH", "updateTime": AT_MS,
    }  # fmt: skip

    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        (position,) = await adapter.positions()
        assert (position.symbol, position.leverage) == ("BTCUSDT", 10)

    flat = held | {"symbol": "ETHUSDT", "positionAmt": "0.000"}
    with_venue(scenario, {"GET /fapi/v2/positionRisk": [Answer(body=[flat, held])]})


def test_positions_with_one_unreadable_row_are_ambiguous_and_never_half_a_list() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Ambiguous):
            await adapter.positions()

    with_venue(scenario, {"GET /fapi/v2/positionRisk": [Answer(body=[{"symbol": "BTCUSDT"}])]})


def test_fills_from_an_id_send_no_time_and_come_in_rising_order() -> None:
    def trade(number: int) -> dict[str, Any]:
        return {
            "id": number, "orderId": 7, "symbol": "BTCUSDT", "side": "BUY", "price": "1",
            "qty": "1", "time": AT_MS, "realizedPnl": "0",
        }  # fmt: skip

    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        fills = await adapter.fills("BTCUSDT", from_trade_id="9", since=AT, limit=2)
        assert [fill.trade_id for fill in fills] == ["9", "10"]
        await adapter.fills("BTCUSDT", since=AT)

    name = "GET /fapi/v1/userTrades"
    venue = with_venue(scenario, {name: [Answer(body=[trade(10), trade(9)])]})

    first, second = venue.named(name)
    assert first.params["fromId"] == "9"
    assert first.params["limit"] == "2"
    assert "startTime" not in first.params
    assert second.params["startTime"] == str(AT_MS)
    assert "fromId" not in second.params


def test_limits_of_the_venue_are_learned_when_the_port_opens() -> None:
    rows = [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 9000}
    ]

    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        assert adapter.rate_state().weight_limit_1m == 9000

    info = {"symbols": [], "rateLimits": rows}
    with_venue(scenario, {"GET /fapi/v1/exchangeInfo": [Answer(body=info)]})


def test_system_clock_offset_to_this_machine_is_small() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        assert abs(adapter.clock_offset_ms()) < 1000

    with_venue(scenario, {}, clock=SYSTEM_CLOCK)
