"""Conditional orders at the paper venue: refusals, triggers, and what becomes of them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.paper.trader import BTC, START_MS, Bench, Trader

ALGO = "/fapi/v1/algoOrder"
OPEN = "/fapi/v1/openAlgoOrders"


def stop(side: str, trigger: str, **more: Any) -> dict[str, Any]:
    order = {"algoType": "CONDITIONAL", "symbol": BTC, "side": side, "type": "STOP_MARKET"}
    return order | {"triggerPrice": trigger, "quantity": "0.010"} | more


def closing(side: str, trigger: str, kind: str = "STOP_MARKET") -> dict[str, Any]:
    order = stop(side, trigger, type=kind, closePosition="true")
    del order["quantity"]
    return order


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def trader(bench: Bench) -> Trader:
    return bench.trader()


def states(bench: Bench) -> list[str]:
    return [f.payload["o"]["X"] for f in bench.frames() if f.event == "ALGO_UPDATE"]


def test_waiting_order_is_listed_and_can_be_cancelled(bench: Bench, trader: Trader) -> None:
    placed = trader.ok("POST", ALGO, **stop("SELL", "59000", clientAlgoId="sl-1"))

    assert (placed["algoStatus"], placed["clientAlgoId"]) == ("NEW", "sl-1")
    assert [row["algoId"] for row in trader.ok("GET", OPEN)] == [placed["algoId"]]
    gone = trader.ok("DELETE", ALGO, clientAlgoId="sl-1")
    assert (gone["code"], gone["msg"]) == ("200", "success")
    assert trader.code("DELETE", ALGO, clientAlgoId="sl-1") == -2011
    assert trader.ok("GET", ALGO, algoId=placed["algoId"])["algoStatus"] == "CANCELED"
    assert trader.ok("GET", OPEN) == []
    assert states(bench) == ["NEW", "CANCELED"]


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "waits_at", "fires_at"),
    [
        ("STOP_MARKET", "SELL", "59000", "59000.10", "59000"),
        ("STOP_MARKET", "BUY", "61000", "60999.90", "61000"),
        ("TAKE_PROFIT_MARKET", "SELL", "61000", "60999.90", "61000"),
        ("TAKE_PROFIT_MARKET", "BUY", "59000", "59000.10", "59000"),
    ],
)
def test_trigger_rule_of_each_type_and_side(  # noqa: PLR0917 - one row of the table each
    bench: Bench, kind: str, side: str, trigger: str, waits_at: str, fires_at: str
) -> None:
    trader = bench.trader()
    trader.ok("POST", ALGO, **stop(side, trigger, type=kind))

    bench.price(waits_at)
    assert trader.position() == 0
    bench.price(fires_at)

    assert trader.position() == Decimal("0.010" if side == "BUY" else "-0.010")


def test_trigger_places_an_order_with_the_same_client_id_and_finishes(
    bench: Bench, trader: Trader
) -> None:
    placed = trader.ok("POST", ALGO, **stop("BUY", "61000", clientAlgoId="in-1"))

    bench.price("61000")

    row = trader.ok("GET", ALGO, algoId=placed["algoId"])
    order = trader.order(int(row["actualOrderId"]))
    assert (row["algoStatus"], row["actualQty"]) == ("FINISHED", "0.010")
    assert (order["clientOrderId"], order["status"]) == ("in-1", "FILLED")
    assert states(bench) == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]


def test_stop_limit_rests_after_its_trigger_and_finishes_with_the_order(
    bench: Bench, trader: Trader
) -> None:
    trader.ok("POST", ALGO, **stop("BUY", "61000", type="STOP", price="60500"))

    bench.price("61000")
    (resting,) = trader.ok("GET", "/fapi/v1/openOrders")
    assert states(bench)[-1] == "TRIGGERED"
    trader.ok("DELETE", "/fapi/v1/order", symbol=BTC, orderId=resting["orderId"])
    bench.later(100)

    assert states(bench) == ["FINISHED"]


def test_trigger_that_the_margin_does_not_cover_is_rejected(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", ALGO, **stop("BUY", "61000", quantity="10"))

    bench.price("61000")

    assert states(bench) == ["NEW", "TRIGGERING", "REJECTED"]
    assert bench.member().fills == []


def test_closing_stop_takes_the_whole_position_and_expires_with_it(
    bench: Bench, trader: Trader
) -> None:
    assert trader.code("POST", ALGO, **closing("SELL", "59000")) == -4509
    trader.market("BUY", "0.010")
    trader.ok("POST", ALGO, **closing("SELL", "59000"))
    assert trader.code("POST", ALGO, **closing("SELL", "58000")) == -4130
    profit = trader.ok("POST", ALGO, **closing("SELL", "62000", "TAKE_PROFIT_MARKET"))
    trader.market("BUY", "0.005")

    bench.price("59000")
    bench.later(100)

    assert trader.position() == 0
    assert trader.ok("GET", ALGO, algoId=profit["algoId"])["algoStatus"] == "EXPIRED"


def test_cancel_all_orders_leaves_conditional_ones(trader: Trader) -> None:
    trader.ok("POST", ALGO, **stop("SELL", "59000"))

    trader.ok("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    assert len(trader.ok("GET", OPEN)) == 1
    trader.ok("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)

    assert trader.ok("GET", OPEN) == []


def test_mark_price_stop_ignores_the_last_trade(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", ALGO, **stop("SELL", "59000", workingType="MARK_PRICE"))
    bench.venue.publish(BTC, Decimal(58000), Decimal(1), buyer_is_maker=True, now_ms=bench.now_ms)
    bench.later(100)
    assert trader.position() == 0

    bench.venue.on_mark(BTC, Decimal(59000), Decimal(59000), Decimal(0))
    bench.later(100)

    assert trader.position() < 0


def test_trailing_stop_waits_for_activation_then_follows(bench: Bench, trader: Trader) -> None:
    trader.market("BUY", "0.010")
    order = stop("SELL", "0", type="TRAILING_STOP_MARKET", callbackRate="1", activatePrice="61000")
    del order["triggerPrice"]
    trader.ok("POST", ALGO, **order)

    bench.price("59000")
    bench.price("61000")
    bench.price("62000")
    bench.price("61380.10")
    assert trader.position() == Decimal("0.010")
    bench.price("61380")

    assert trader.position() == 0


@pytest.mark.parametrize(
    ("code", "order"),
    [
        (-2021, stop("SELL", "60000")),
        (-2021, stop("BUY", "60000")),
        (-1116, stop("SELL", "59000", type="MARKET")),
        (-1102, {k: v for k, v in stop("SELL", "1").items() if k != "triggerPrice"}),
        (-1102, {k: v for k, v in stop("SELL", "1").items() if k != "algoType"}),
        (-1102, {k: v for k, v in stop("SELL", "1").items() if k != "quantity"}),
        (-4137, stop("SELL", "59000", closePosition="true")),
        (-4138, closing("SELL", "59000") | {"reduceOnly": "true"}),
        (-2007, stop("SELL", "1", type="TRAILING_STOP_MARKET", callbackRate="21")),
        (-4015, stop("SELL", "59000", clientAlgoId="x" * 40)),
        (-1111, stop("SELL", "59000", quantity="0.0001")),
        (-4061, stop("SELL", "59000", positionSide="LONG")),
    ],
)
def test_refused_conditional_order_has_the_venues_code(
    bench: Bench, code: int, order: dict[str, Any]
) -> None:
    assert bench.trader().code("POST", ALGO, **order) == code
    assert bench.member().algos.by_id == {}


def trailing(side: str, activate: str) -> dict[str, Any]:
    order = stop(side, "0", type="TRAILING_STOP_MARKET", callbackRate="1", activatePrice=activate)
    del order["triggerPrice"]
    return order


@pytest.mark.parametrize(("side", "activate"), [("SELL", "60000"), ("BUY", "60000")])
def test_trailing_stop_whose_activation_is_reached_already_is_refused(
    trader: Trader, side: str, activate: str
) -> None:
    assert trader.code("POST", ALGO, **trailing(side, activate)) == -2021


def test_trailing_stop_tells_its_activation(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", ALGO, **trailing("SELL", "61000"))
    bench.price("61000")

    told = [f.payload["o"] for f in bench.frames() if f.event == "ALGO_UPDATE"]

    assert [(o["X"], o["ia"]) for o in told] == [("NEW", False), ("NEW", True)]


def test_triggered_order_tells_what_it_came_from(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", ALGO, **stop("BUY", "61000", clientAlgoId="in-1", workingType="MARK_PRICE"))
    bench.frames()

    bench.price("61000")

    frame = next(f for f in bench.frames() if f.event == "ORDER_TRADE_UPDATE").payload["o"]
    assert (frame["o"], frame["ot"], frame["sp"]) == ("MARKET", "STOP_MARKET", "61000")
    assert (frame["c"], frame["wt"]) == ("in-1", "MARK_PRICE")
    row = trader.order(frame["i"])
    assert (row["type"], row["origType"]) == ("MARKET", "STOP_MARKET")
    assert (row["stopPrice"], row["workingType"]) == ("61000", "MARK_PRICE")


def test_good_till_date_ends_a_waiting_order(bench: Bench, trader: Trader) -> None:
    until = START_MS + 700_000
    order = stop("BUY", "61000", type="STOP", price="61100", timeInForce="GTD", goodTillDate=until)
    placed = trader.ok("POST", ALGO, **order)

    bench.later(699_000)
    assert placed["goodTillDate"] == until
    assert len(trader.ok("GET", OPEN)) == 1
    bench.later(1_000)

    assert states(bench) == ["NEW", "EXPIRED"]


def test_201st_waiting_order_is_refused_over_all_symbols(bench: Bench, trader: Trader) -> None:
    bench.price("3000", "ETHUSDT")
    for _ in range(200):
        trader.ok("POST", ALGO, **stop("SELL", "59000"))

    assert trader.code("POST", ALGO, **stop("SELL", "2900", symbol="ETHUSDT")) == -4045


def test_reduce_only_stop_without_a_position_is_rejected_with_the_reason(
    bench: Bench, trader: Trader
) -> None:
    trader.ok("POST", ALGO, **stop("SELL", "59000", reduceOnly="true"))

    bench.price("59000")

    last = [f.payload["o"] for f in bench.frames() if f.event == "ALGO_UPDATE"][-1]
    assert (last["X"], last["rm"]) == ("REJECTED", "ReduceOnly Order is rejected.")
    assert bench.member().fills == []


def test_client_id_is_unique_among_waiting_orders(trader: Trader) -> None:
    trader.ok("POST", ALGO, **stop("SELL", "59000", clientAlgoId="same"))

    assert trader.code("POST", ALGO, **stop("SELL", "58000", clientAlgoId="same")) == -4116
