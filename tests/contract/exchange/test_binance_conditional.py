"""Conditional orders of the adapter, against a venue of scripted answers."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.exchange.test_binance_submit import AT, AT_MS, ORDER
from tests.contract.exchange.wire import Answer, ScriptedVenue, refused, with_venue
from tradeops.domain.clock import FrozenClock
from tradeops.domain.enums import (
    OrderStatus,
    OrderType,
    Side,
    WorkingType,
)
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.errors import Ambiguous, NotFound, Rejected
from tradeops.exchange.port import OrderRequest

ALGO: dict[str, Any] = {
    "algoId": 77, "clientAlgoId": "ae-1", "algoType": "CONDITIONAL", "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT", "side": "SELL", "positionSide": "BOTH", "timeInForce": "GTC",
    "quantity": "0.008", "algoStatus": "NEW", "triggerPrice": "58000.0", "price": "0.0",
    "workingType": "MARK_PRICE", "closePosition": False, "reduceOnly": True,
    "createTime": AT_MS, "updateTime": AT_MS, "triggerTime": 0, "goodTillDate": 0,
}  # fmt: skip
TRIGGERED = ALGO | {"algoStatus": "TRIGGERED", "actualOrderId": "7", "triggerTime": AT_MS}
FINISHED = TRIGGERED | {"algoStatus": "FINISHED"}
DONE = {"algoId": 77, "clientAlgoId": "ae-1", "code": "200", "msg": "success"}
STOP = OrderRequest(
    "BTCUSDT",
    "ae-1",
    Side.SELL,
    OrderType.STOP_MARKET,
    Decimal("0.008"),
    AT,
    reduce_only=True,
    trigger_price=Decimal(58000),
    working_type=WorkingType.MARK_PRICE,
)
POST, GET, DELETE = (f"{method} /fapi/v1/algoOrder" for method in ("POST", "GET", "DELETE"))
ORDER_POST, ORDER_GET, ORDER_DELETE = (
    f"{method} /fapi/v1/order" for method in ("POST", "GET", "DELETE")
)


def test_stop_goes_to_the_algo_service_under_our_id_at_the_time_of_the_commit() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        report = await adapter.submit(STOP)
        assert (report.algo_id, report.venue_order_id) == ("77", "")
        assert report.status is OrderStatus.ACKNOWLEDGED
        assert report.trigger_price == Decimal(58000)

    venue = with_venue(scenario, {POST: [Answer(body=ALGO)]}, clock=FrozenClock(AT))

    (call,) = venue.named(POST)
    sent = {k: v for k, v in call.params.items() if k not in {"signature", "recvWindow"}}
    assert sent == {
        "algoType": "CONDITIONAL",
        "clientAlgoId": "ae-1",
        "quantity": "0.008",
        "reduceOnly": "true",
        "side": "SELL",
        "symbol": "BTCUSDT",
        "timestamp": str(AT_MS),
        "triggerPrice": "58000",
        "type": "STOP_MARKET",
        "workingType": "MARK_PRICE",
    }
    assert venue.named(ORDER_POST) == []


@pytest.mark.parametrize("code", [-2021, -4120, -4130, -4045, -4164])
def test_stop_refused_keeps_its_code_and_is_sent_once(code: int) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Rejected) as failure:
            await adapter.submit(STOP)
        assert type(failure.value) is Rejected
        assert failure.value.code == code

    venue = with_venue(scenario, {POST: [refused(400, code)]})

    assert len(venue.named(POST)) == 1


@pytest.mark.parametrize(
    "answer",
    [Answer(503, "x"), Answer(drop=True), Answer(body={"algoId": 77}), refused(400, -4116)],
)
def test_stop_with_an_unknown_outcome_is_ambiguous_and_sent_once(answer: Answer) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Ambiguous):
            await adapter.submit(STOP)

    venue = with_venue(scenario, {POST: [answer]})

    assert len(venue.named(POST)) == 1


def test_order_of_a_waiting_stop_asks_the_algo_service_alone() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        by_our_id = await adapter.order("BTCUSDT", "ae-1", conditional=True)
        by_algo_id = await adapter.order_by_venue_id("BTCUSDT", "77", conditional=True)
        assert by_our_id == by_algo_id
        assert by_our_id.venue_order_id == ""

    venue = with_venue(scenario, {GET: [Answer(body=ALGO)]})

    assert [call.params.get("clientAlgoId") for call in venue.named(GET)] == ["ae-1", None]
    assert [call.params.get("algoId") for call in venue.named(GET)] == [None, "77"]


@pytest.mark.parametrize("algo", [TRIGGERED, FINISHED])
def test_order_of_a_triggered_stop_is_told_with_both_views(algo: dict[str, Any]) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        report = await adapter.order("BTCUSDT", "ae-1", conditional=True)
        assert (report.algo_id, report.venue_order_id) == ("77", "7")
        assert (report.status, report.filled_quantity) == (OrderStatus.FILLED, Decimal("0.008"))
        assert report.order_type is OrderType.STOP_MARKET
        assert report.working_type is WorkingType.MARK_PRICE
        assert report.triggered_at == AT

    venue = with_venue(scenario, {GET: [Answer(body=algo)], ORDER_GET: [Answer(body=ORDER)]})

    (call,) = venue.named(ORDER_GET)
    assert (call.params["orderId"], call.params["symbol"]) == ("7", "BTCUSDT")


@pytest.mark.parametrize(
    ("algo", "status"),
    [
        (TRIGGERED | {"actualQty": "0"}, OrderStatus.ACKNOWLEDGED),
        (FINISHED | {"actualQty": "0.008"}, OrderStatus.ACKNOWLEDGED),
        (FINISHED | {"actualQty": "0.000"}, OrderStatus.CANCELLED),
    ],
)
def test_order_whose_triggered_order_is_not_found_is_ended_only_by_the_service(
    algo: dict[str, Any], status: OrderStatus
) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        report = await adapter.order("BTCUSDT", "ae-1", conditional=True)
        assert (report.status, report.venue_order_id) == (status, "7")

    with_venue(scenario, {GET: [Answer(body=algo)], ORDER_GET: [refused(400, -2013)]})


def test_order_that_the_algo_service_does_not_know_is_not_found() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(NotFound):
            await adapter.order("BTCUSDT", "ae-1", conditional=True)

    venue = with_venue(scenario, {GET: [refused(400, -2013)]})

    assert venue.named(ORDER_GET) == []


@pytest.mark.parametrize("view", [ALGO, ALGO | {"algoStatus": "CANCELED"}])
def test_cancel_of_a_waiting_stop_is_cancelled_even_where_the_read_lags(
    view: dict[str, Any],
) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        report = await adapter.cancel("BTCUSDT", "ae-1", conditional=True)
        assert report.status is OrderStatus.CANCELLED

    venue = with_venue(scenario, {DELETE: [Answer(body=DONE)], GET: [Answer(body=view)]})

    (call,) = venue.named(DELETE)
    assert call.params["clientAlgoId"] == "ae-1"
    assert "symbol" not in call.params


@pytest.mark.parametrize("answer", [refused(400, -2013), refused(429, -1003), refused(401, -2015)])
def test_cancel_that_was_done_is_not_refused_by_the_read_after_it(answer: Answer) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Ambiguous):
            await adapter.cancel("BTCUSDT", "ae-1", conditional=True)

    with_venue(scenario, {DELETE: [Answer(body=DONE)], GET: [answer]})


def test_cancel_of_a_triggered_stop_cancels_the_order_that_it_became() -> None:
    cancelled = ORDER | {"status": "CANCELED", "executedQty": "0.003"}

    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        report = await adapter.cancel_by_venue_id("BTCUSDT", "77", conditional=True)
        assert (report.status, report.filled_quantity) == (
            OrderStatus.CANCELLED,
            Decimal("0.003"),
        )
        assert (report.algo_id, report.order_type) == ("77", OrderType.STOP_MARKET)

    venue = with_venue(
        scenario,
        {
            DELETE: [refused(400, -2011)],
            GET: [Answer(body=TRIGGERED)],
            ORDER_DELETE: [Answer(body=cancelled)],
        },
    )

    (call,) = venue.named(ORDER_DELETE)
    assert call.params["orderId"] == "7"


@pytest.mark.parametrize(
    ("algo", "ordinary"),
    [
        (TRIGGERED, refused(400, -2011)),  # it has filled meanwhile
        (ALGO | {"algoStatus": "CANCELED"}, None),
        (ALGO | {"algoStatus": "TRIGGERING"}, None),
    ],
)
def test_cancel_of_what_is_gone_is_not_found(algo: dict[str, Any], ordinary: Answer | None) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(NotFound):
            await adapter.cancel("BTCUSDT", "ae-1", conditional=True)

    scripts = {DELETE: [refused(400, -2011)], GET: [Answer(body=algo)]}
    if ordinary is not None:
        scripts[ORDER_DELETE] = [ordinary]
    venue = with_venue(scenario, scripts)

    assert len(venue.named(ORDER_DELETE)) == (ordinary is not None)


def test_refusal_under_status_200_is_a_refusal() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(NotFound):
            await adapter.cancel_all_conditional("BTCUSDT")

    body = {"code": -2011, "msg": "Unknown order sent."}
    with_venue(scenario, {"DELETE /fapi/v1/algoOpenOrders": [Answer(body=body)]})
