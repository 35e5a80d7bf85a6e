"""Amendments, margin, income and limits of the adapter, against a venue of scripted answers."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tests.contract.exchange.test_binance_submit import AT, AT_MS, ORDER, REQUEST
from tests.contract.exchange.wire import Answer, ScriptedVenue, refused, with_venue
from tradeops.domain.clock import FrozenClock
from tradeops.domain.enums import OrderStatus, PositionMode, PositionSide, Side
from tradeops.exchange.binance.adapter import BinanceUsdmAdapter
from tradeops.exchange.errors import Ambiguous, NotFound, Rejected, Throttled
from tradeops.exchange.port import AmendRequest
from tradeops.exchange.throttle import Withheld

AMENDMENT = AmendRequest("BTCUSDT", "ae-1", Side.BUY, Decimal("0.01"), Decimal(60000), AT)
ORDER_POST, ORDER_GET, ORDER_PUT = (f"{method} /fapi/v1/order" for method in ("POST", "GET", "PUT"))
MARGIN = "POST /fapi/v1/positionMargin"
COUNTDOWN = "POST /fapi/v1/countdownCancelAll"


def test_amendment_sends_quantity_and_price_under_the_time_of_the_commit() -> None:
    amended = ORDER | {"type": "LIMIT", "status": "NEW", "price": "60000", "origQty": "0.010"}

    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        report = await adapter.amend(AMENDMENT)
        assert (report.price, report.quantity) == (Decimal(60000), Decimal("0.010"))

    venue = with_venue(scenario, {ORDER_PUT: [Answer(body=amended)]}, clock=FrozenClock(AT))

    (call,) = venue.named(ORDER_PUT)
    sent = {k: v for k, v in call.params.items() if k not in {"signature", "recvWindow"}}
    assert sent == {
        "origClientOrderId": "ae-1",
        "price": "60000",
        "quantity": "0.01",
        "side": "BUY",
        "symbol": "BTCUSDT",
        "timestamp": str(AT_MS),
    }


def test_amendment_to_what_is_so_already_succeeds_with_the_order_as_it_is() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        assert (await adapter.amend(AMENDMENT)).venue_order_id == "7"

    scripts = {ORDER_PUT: [refused(400, -5027)], ORDER_GET: [Answer(body=ORDER)]}
    venue = with_venue(scenario, scripts)

    assert len(venue.named(ORDER_PUT)) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400, -2013), NotFound),
        (refused(400, -5041), Rejected),
        (refused(503, -1008), Throttled),
        (Answer(502, ""), Ambiguous),
        (Answer(drop=True), Ambiguous),
    ],
)
def test_amendment_outcome_is_exact_and_is_never_sent_twice(
    answer: Answer, kind: type[Exception]
) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(kind) as failure:
            await adapter.amend(AMENDMENT)
        assert type(failure.value) is kind

    venue = with_venue(scenario, {ORDER_PUT: [answer]})

    assert len(venue.named(ORDER_PUT)) == 1


def test_overload_holds_nothing_back_and_a_closing_order_passes() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        opening = REQUEST
        with pytest.raises(Throttled) as failure:
            await adapter.submit(opening)
        assert failure.value.code == -1008
        closing = replace(opening, client_order_id="ae-2", reduce_only=True)
        assert (await adapter.submit(closing)).status is OrderStatus.FILLED

    scripts = {ORDER_POST: [refused(503, -1008), Answer(body=ORDER)]}
    venue = with_venue(scenario, scripts)

    assert len(venue.named(ORDER_POST)) == 2


def test_after_the_firewall_refused_nothing_leaves_for_a_while() -> None:
    clock = FrozenClock(AT)

    async def scenario(venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Withheld):  # not even the second try of this very read
            await adapter.positions()
        before = len(venue.calls)
        with pytest.raises(Withheld):
            await adapter.balances()
        assert len(venue.calls) == before
        clock.advance(11)
        assert await adapter.balances() == []

    risk = "GET /fapi/v2/positionRisk"
    scripts = {risk: [Answer(403, "<html>WAF</html>")], "GET /fapi/v3/balance": [Answer(body=[])]}
    venue = with_venue(scenario, scripts, clock=clock)

    assert len(venue.named(risk)) == 1


@pytest.mark.parametrize(
    ("amount", "kind", "side"),
    [
        (Decimal("25.50"), "1", PositionSide.BOTH),
        (Decimal("-3"), "2", PositionSide.LONG),
    ],
)
def test_isolated_margin_is_moved_once(amount: Decimal, kind: str, side: PositionSide) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        await adapter.change_isolated_margin("BTCUSDT", amount, side)

    body = {"amount": 1, "code": 200, "msg": "done", "type": 1}
    venue = with_venue(scenario, {MARGIN: [Answer(body=body)]})

    (call,) = venue.named(MARGIN)
    assert call.params["type"] == kind
    assert Decimal(call.params["amount"]) == abs(amount)
    assert call.params.get("positionSide") == (None if side is PositionSide.BOTH else side.value)


Write = Callable[[BinanceUsdmAdapter], Awaitable[object]]
WRITES: dict[str, Write] = {
    MARGIN: lambda port: port.change_isolated_margin("BTCUSDT", Decimal(5)),
    COUNTDOWN: lambda port: port.arm_dead_man("BTCUSDT", 120_000),
    "POST /fapi/v1/leverage": lambda port: port.set_leverage("BTCUSDT", 5),
    "DELETE /fapi/v1/order": lambda port: port.cancel("BTCUSDT", "ae-1"),
    "DELETE /fapi/v1/algoOrder": lambda port: port.cancel("BTCUSDT", "ae-1", conditional=True),
    "DELETE /fapi/v1/allOpenOrders": lambda port: port.cancel_all("BTCUSDT"),
    "DELETE /fapi/v1/algoOpenOrders": lambda port: port.cancel_all_conditional("BTCUSDT"),
}


@pytest.mark.parametrize("answer", [Answer(503, ""), Answer(drop=True)], ids=["503", "drop"])
@pytest.mark.parametrize("path", WRITES)
def test_write_with_an_unknown_outcome_is_ambiguous_and_sent_once(
    path: str, answer: Answer
) -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        with pytest.raises(Ambiguous):
            await WRITES[path](adapter)

    venue = with_venue(scenario, {path: [answer]})

    assert len(venue.named(path)) == 1


def test_position_mode_that_cannot_be_read_is_unknown() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        assert await adapter.position_mode() is PositionMode.HEDGE
        with pytest.raises(Ambiguous):
            await adapter.position_mode()

    path = "GET /fapi/v1/positionSide/dual"
    with_venue(scenario, {path: [Answer(body={"dualSidePosition": True}), Answer(body={})]})


def test_income_passes_over_empty_weeks_and_comes_in_rising_time() -> None:
    row = {"incomeType": "FUNDING_FEE", "income": "1", "asset": "USDT", "tranId": 2}
    rows = [row | {"time": AT_MS}, row | {"time": AT_MS - 60_000, "tranId": 1}]
    since = datetime(2026, 11, 3, tzinfo=UTC)

    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        told = await adapter.income(since=since, limit=100)
        assert [report.transaction_id for report in told] == ["1", "2"]

    path = "GET /fapi/v1/income"
    scripts = {path: [Answer(body=[]), Answer(body=[]), Answer(body=rows)]}
    venue = with_venue(scenario, scripts, clock=FrozenClock(AT))

    starts = [since + timedelta(days=7 * week) for week in range(3)]
    calls = venue.named(path)
    assert [call.params["startTime"] for call in calls] == [
        str(int(start.timestamp() * 1000)) for start in starts
    ]
    assert {call.params["limit"] for call in calls} == {"100"}


def test_income_without_any_row_ends_at_the_present() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        assert await adapter.income(since=AT - timedelta(days=8)) == []

    path = "GET /fapi/v1/income"
    venue = with_venue(scenario, {path: [Answer(body=[])]}, clock=FrozenClock(AT))

    assert len(venue.named(path)) == 2


def test_countdown_is_armed_and_disarmed_by_symbol() -> None:
    async def scenario(_venue: ScriptedVenue, adapter: BinanceUsdmAdapter) -> None:
        await adapter.arm_dead_man("BTCUSDT", 120_000)
        await adapter.arm_dead_man("BTCUSDT", 0)

    body = {"symbol": "BTCUSDT", "countdownTime": "120000"}
    venue = with_venue(scenario, {COUNTDOWN: [Answer(body=body)]})

    assert [call.params["countdownTime"] for call in venue.named(COUNTDOWN)] == ["120000", "0"]
