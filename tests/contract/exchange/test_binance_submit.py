"""Orders and limits of the Binance adapter, against a venue of scripted answers."""

import asyncio
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.contract.exchange.wire import (
    KEY,
    Answer,
    ScriptedVenue,
    adapter_to,
    refused,
    until,
    with_venue,
)
from tradeops.domain.clock import FrozenClock
from tradeops.domain.enums import OrderStatus, OrderType, Side
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.errors import (
    Ambiguous,
    ClockSkew,
    ExchangeError,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.throttle import Withheld

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


def test_submit_signs_the_bytes_it_sends_with_the_time_of_the_commit() -> None:
    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        venue.server_ms = lambda: AT_MS + 1234
        assert await adapter.server_time_offset_ms() == 1234
        report = await adapter.submit(REQUEST)
        assert report.status is OrderStatus.FILLED
        assert report.filled_quantity == Decimal("0.008")

    venue = with_venue(scenario, {POST: [Answer(body=ORDER)]}, clock=FrozenClock(AT))

    (call,) = venue.named(POST)
    unsigned, _, signature = call.wire.rpartition("&signature=")
    expected = hmac.new(KEY.api_secret.encode(), unsigned.encode(), hashlib.sha256).hexdigest()
    assert signature == expected
    assert call.params["timestamp"] == str(AT_MS + 1234)
    assert call.params["recvWindow"] == "3000"
    assert call.params["newClientOrderId"] == "ae-1"
    assert call.headers["X-MBX-APIKEY"] == KEY.api_key
    assert KEY.api_secret not in repr(venue.calls)


SUBMIT_OUTCOMES = [
    (refused(400, -2019), Rejected),
    (refused(400, -2022), Rejected),
    (refused(401, -2015), Unauthorized),
    (refused(400, -1021), ClockSkew),
    (refused(429, -1015), Throttled),
    (refused(429, -1003), Throttled),
    (refused(503, -1008), Throttled),
    (refused(400, -4116), Ambiguous),
    (refused(408, -1007), Ambiguous),
    (Answer(503, "Service Unavailable"), Ambiguous),
    (Answer(500, ""), Ambiguous),
    (Answer(403, "<html>WAF</html>"), Ambiguous),
    (Answer(200, "<html>ok</html>"), Ambiguous),
    (Answer(200, ""), Ambiguous),
    (Answer(200, {"orderId": 7}), Ambiguous),
    (Answer(200, [ORDER]), Ambiguous),
    (Answer(drop=True), Ambiguous),
]


@pytest.mark.parametrize(("answer", "kind"), SUBMIT_OUTCOMES)
def test_submit_outcome_is_exact_and_is_never_sent_twice(
    answer: Answer, kind: type[ExchangeError]
) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(ExchangeError) as failure:
            await adapter.submit(REQUEST)
        assert type(failure.value) is kind
        if isinstance(answer.body, dict) and "code" in answer.body:
            assert failure.value.code == answer.body["code"]

    venue = with_venue(scenario, {POST: [answer]})

    assert len(venue.named(POST)) == 1


def test_submit_redirect_is_not_followed() -> None:
    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        before = len(venue.calls)
        with pytest.raises(Ambiguous):
            await adapter.submit(REQUEST)
        assert len(venue.calls) == before + 1

    with_venue(scenario, {POST: [Answer(302, "", {"Location": "/fapi/v1/time"})]})


def test_submit_without_an_answer_in_two_seconds_is_ambiguous() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Ambiguous):
            await adapter.submit(REQUEST)

    venue = with_venue(scenario, {POST: [Answer(hang=True)]})

    assert len(venue.named(POST)) == 1


def test_submit_without_a_connection_is_unavailable() -> None:
    async def run() -> None:
        venue = ScriptedVenue()
        async with venue.running(), adapter_to(venue.url) as adapter:
            await venue.stop()
            # The kept connection breaks while the order is under way: nobody knows.
            with pytest.raises(Ambiguous):
                await adapter.submit(REQUEST)
            # No new one can be made: nothing was sent.
            with pytest.raises(Unavailable):
                await adapter.submit(REQUEST)

    asyncio.run(run())


def test_open_without_a_venue_is_unavailable() -> None:
    async def run() -> None:
        with pytest.raises(Unavailable):
            async with adapter_to("http://127.0.0.1:9"):
                pass

    asyncio.run(run())


def test_port_that_is_not_open_is_unavailable_and_close_is_idempotent() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        await adapter.close()
        await adapter.close()
        with pytest.raises(Unavailable):
            await adapter.submit(REQUEST)

    with_venue(scenario, {})


def test_no_call_leaves_while_a_transaction_is_open() -> None:
    inside = False

    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        nonlocal inside
        inside = True
        before = len(venue.calls)
        with pytest.raises(RuntimeError, match="transaction"):
            await adapter.submit(REQUEST)
        with pytest.raises(RuntimeError, match="transaction"):
            await adapter.balances()
        assert len(venue.calls) == before

    with_venue(scenario, {POST: [Answer(body=ORDER)]}, guard=lambda: inside)


def test_submit_outside_recv_window_is_not_repeated_but_the_clock_is_measured() -> None:
    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        venue.server_ms = lambda: AT_MS - 4000
        with pytest.raises(ClockSkew):
            await adapter.submit(REQUEST)
        await until(lambda: adapter.clock_offset_ms() == -4000)

    venue = with_venue(scenario, {POST: [refused(400, -1021)]}, clock=FrozenClock(AT))

    assert len(venue.named(POST)) == 1


def test_clock_is_measured_again_after_a_minute() -> None:
    clock = FrozenClock(AT)

    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        venue.server_ms = lambda: int(clock.now().timestamp() * 1000) + 77
        clock.advance(59)
        await adapter.submit(REQUEST)
        assert len(venue.named("GET /fapi/v1/time")) == 1
        clock.advance(2)
        await adapter.submit(REQUEST)
        await until(lambda: adapter.clock_offset_ms() == 77)

    with_venue(scenario, {POST: [Answer(body=ORDER)]}, clock=clock)


def test_after_429_nothing_leaves_until_the_time_told() -> None:
    clock = FrozenClock(AT)

    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Throttled) as failure:
            await adapter.order("BTCUSDT", "ae-1")
        assert failure.value.retry_after_s == 20
        before = len(venue.calls)
        for call in (
            lambda: adapter.submit(REQUEST),
            lambda: adapter.cancel("BTCUSDT", "ae-1"),
            adapter.open_orders,
            adapter.server_time_offset_ms,
        ):
            with pytest.raises(Withheld):
                await call()
        assert len(venue.calls) == before
        assert adapter.rate_state().blocked_until_s == pytest.approx(AT.timestamp() + 20)

        clock.advance(20.1)
        assert (await adapter.submit(REQUEST)).venue_order_id == "7"

    limited = Answer(429, {"code": -1003, "msg": "Too many requests"}, {"Retry-After": "20"})
    with_venue(scenario, {GET: [limited], POST: [Answer(body=ORDER)]}, clock=clock)


def test_after_418_the_ban_is_kept_to_its_end() -> None:
    clock = FrozenClock(AT)
    until_ms = AT_MS + 120_000

    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Throttled) as failure:
            await adapter.balances()
        assert failure.value.banned
        clock.advance(119)
        with pytest.raises(Withheld):
            await adapter.balances()
        clock.advance(2)
        assert await adapter.balances() == []
        assert len(venue.named("GET /fapi/v3/balance")) == 2

    banned = refused(418, -1003, f"Way too many requests; IP banned until {until_ms}.")
    with_venue(scenario, {"GET /fapi/v3/balance": [banned, Answer(body=[])]}, clock=clock)


def test_after_too_many_orders_cancels_and_reads_go_on() -> None:
    clock = FrozenClock(AT)

    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Throttled):
            await adapter.submit(REQUEST)
        with pytest.raises(Withheld):
            await adapter.submit(REQUEST)
        await adapter.cancel("BTCUSDT", "ae-1")
        await adapter.order("BTCUSDT", "ae-1")
        clock.advance(2.6)
        with pytest.raises(Throttled):
            await adapter.submit(REQUEST)
        assert len(venue.named(POST)) == 2

    limited = refused(429, -1015, "Too many new orders; current limit is 300 per TEN_SECONDS.")
    scripts = {POST: [limited], GET: [Answer(body=ORDER)], DELETE: [Answer(body=ORDER)]}
    with_venue(scenario, scripts, clock=clock)


def test_order_counts_in_headers_keep_a_reserve_for_reduce_only() -> None:
    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        await adapter.submit(REQUEST)
        state = adapter.rate_state()
        assert (state.order_count_10s, state.order_count_1m) == (240, 241)
        assert (state.used_weight_1m, state.weight_limit_1m) == (42, 2400)
        with pytest.raises(Withheld):
            await adapter.submit(REQUEST)
        await adapter.submit(replace(REQUEST, reduce_only=True))
        assert len(venue.named(POST)) == 2

    headers = {
        "X-MBX-USED-WEIGHT-1M": "42",
        "X-MBX-ORDER-COUNT-10S": "240",
        "X-MBX-ORDER-COUNT-1M": "241",
    }
    with_venue(scenario, {POST: [Answer(200, ORDER, headers)]}, clock=FrozenClock(AT))
