"""Positions that the venue closes, and its warnings before it does."""

from decimal import Decimal

import pytest

from tests.unit.paper.trader import BTC, Bench, Trader
from tradeops.exchange.paper.forced import Cause, close_by_venue

D = Decimal
LEVERAGE = "/fapi/v1/leverage"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def trader(bench: Bench) -> Trader:
    return bench.trader()


def close(bench: Bench, cause: Cause, quantity: str | None = None) -> None:
    member = bench.member()
    close_by_venue(
        bench.venue,
        member,
        member.account.position(BTC),
        cause,
        now_ms=bench.now_ms,
        quantity=D(quantity) if quantity else None,
    )


def test_deleveraging_closes_a_part_under_the_venues_own_id(bench: Bench, trader: Trader) -> None:
    trader.market("SELL", "0.100")
    resting = trader.limit("BUY", "0.010", "59000")["orderId"]
    bench.price("59500")
    bench.frames()

    close(bench, Cause.DELEVERAGING, "0.030")

    (frame,) = [f.payload["o"] for f in bench.frames() if f.event == "ORDER_TRADE_UPDATE"]
    assert (frame["c"], frame["S"], frame["o"]) == ("adl_autoclose", "BUY", "MARKET")
    assert (frame["x"], frame["X"], frame["L"]) == ("CALCULATED", "FILLED", "59500.00")
    assert trader.position() == D("-0.070")
    assert trader.order(resting)["status"] == "NEW"
    (row,) = trader.ok("GET", "/fapi/v1/forceOrders", autoCloseType="ADL")
    assert row["executedQty"] == "0.030"
    assert trader.ok("GET", "/fapi/v1/forceOrders", autoCloseType="LIQUIDATION") == []
    assert trader.code("GET", "/fapi/v1/forceOrders", autoCloseType="X") == -1100


@pytest.mark.parametrize("cause", [Cause.SETTLEMENT, Cause.DELIVERY])
def test_settlement_closes_all_and_is_no_forced_order(
    bench: Bench, trader: Trader, cause: Cause
) -> None:
    trader.market("BUY", "0.100")

    close(bench, cause)

    order = bench.member().books.by_id[bench.member().fills[-1].order_id]
    assert order.client_order_id == f"{cause}{order.order_id}"
    assert trader.position() == 0
    assert trader.ok("GET", "/fapi/v1/forceOrders") == []


def test_closing_by_the_venue_expires_the_closing_stop(bench: Bench, trader: Trader) -> None:
    trader.market("BUY", "0.100")
    stop = {"algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET"}
    trader.ok(
        "POST", "/fapi/v1/algoOrder", symbol=BTC, triggerPrice="1", closePosition="true", **stop
    )

    close(bench, Cause.DELEVERAGING)
    bench.later(100)

    (algo,) = bench.member().algos.by_id.values()
    assert algo.status == "EXPIRED"


def test_wallet_adds_up_after_each_kind_of_closing(bench: Bench, trader: Trader) -> None:
    for cause in (Cause.DELEVERAGING, Cause.SETTLEMENT, Cause.DELIVERY):
        trader.market("BUY", "0.100")
        bench.price("60500")
        close(bench, cause)

    account = bench.member().account
    assert account.wallet == account.opening + sum(entry.amount for entry in account.incomes)


def calls(bench: Bench) -> list[list[str]]:
    return [
        [leg["mt"] for leg in f.payload["p"]] for f in bench.frames() if f.event == "MARGIN_CALL"
    ]


def test_margin_is_called_for_once_until_it_has_recovered(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=50)
    trader.market("BUY", "3")
    bench.frames()

    bench.price("57030")
    assert calls(bench) == [["CROSSED"]]
    bench.price("57025")
    assert calls(bench) == []
    bench.price("60000")
    bench.price("57030")

    assert calls(bench) == [["CROSSED"]]
    assert trader.position() == 3


def test_isolated_position_is_called_for_by_itself(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", "/fapi/v1/marginType", symbol=BTC, marginType="ISOLATED")
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=20)
    trader.market("BUY", "0.100")
    bench.frames()

    bench.price("57280")

    assert calls(bench) == [["ISOLATED"]]
    assert trader.position() == D("0.100")
