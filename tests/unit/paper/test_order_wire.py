"""Order endpoints of the dialect: what is accepted, refused with which code, shown by queries."""

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.paper.trader import BTC, START_MS, Bench, limit, market
from tradeops.exchange.paper.execution import book_makers

DAY_MS = 86_400_000
ORDER = "/fapi/v1/order"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("code", "order"),
    [
        (-1121, market("BUY", "1", symbol="NOPE")),
        (-1102, {k: v for k, v in market("BUY", "1").items() if k != "symbol"}),
        (-1102, {k: v for k, v in market("BUY", "1").items() if k != "quantity"}),
        (-1102, {k: v for k, v in limit("BUY", "1", "60000").items() if k != "timeInForce"}),
        (-1102, {k: v for k, v in limit("BUY", "1", "60000").items() if k != "price"}),
        (-1117, market("HOLD", "1")),
        (-1116, market("BUY", "1", type="ICEBERG")),
        (-1115, limit("BUY", "1", "60000", timeInForce="XXX")),
        (-4120, market("BUY", "1", type="STOP_MARKET", stopPrice="1")),
        (-4120, market("BUY", "1", type="TRAILING_STOP_MARKET")),
        (-1100, market("BUY", "NaN")),
        (-1100, market("BUY", "1e400")),
        (-1100, market("BUY", "9" * 500)),
        (-4003, market("BUY", "0")),
        (-4003, market("BUY", "-1")),
        (-4005, market("BUY", "1001")),
        (-1111, market("BUY", "0.0015")),
        (-1111, limit("BUY", "0.010", "60000.001")),
        (-4014, limit("BUY", "0.010", "60000.05")),
        (-4001, limit("BUY", "0.010", "0")),
        (-4002, limit("BUY", "0.010", "99999999")),
        (-4013, limit("SELL", "1", "400")),
        (-4016, limit("BUY", "0.010", "69000.10")),
        (-4024, limit("SELL", "0.010", "50999.90")),
        (-4164, market("BUY", "0.001", symbol="ETHUSDT")),
        (-4015, market("BUY", "0.010", newClientOrderId="x" * 37)),
        (-4015, market("BUY", "0.010", newClientOrderId="bad id")),
        (-4061, market("BUY", "0.010", positionSide="LONG")),
        (-4060, market("BUY", "0.010", positionSide="UP")),
        (-2022, market("BUY", "0.010", reduceOnly="true")),
        (-2019, market("BUY", "10")),
        (-1102, market("BUY", "0.010", reduceOnly="maybe")),
    ],
)
def test_refused_order_has_the_venues_code(bench: Bench, code: int, order: dict[str, Any]) -> None:
    assert bench.trader().code("POST", ORDER, **order) == code
    assert bench.member().fills == []
    assert bench.member().books.open_orders() == []


def test_notional_message_names_the_minimum(bench: Bench) -> None:
    reply = bench.trader().send("POST", ORDER, **limit("BUY", "0.001", "49999.90"))

    assert reply.body == {
        "code": -4164,
        "msg": "Order's notional must be no smaller than 50 (unless you choose reduce only)",
    }


@pytest.mark.parametrize(("side", "price"), [("SELL", "51000"), ("BUY", "69000")])
def test_price_at_the_edge_of_the_band_is_accepted(bench: Bench, side: str, price: str) -> None:
    assert bench.trader().limit(side, "0.001", price)["status"] == "FILLED"


def test_refused_order_is_kept_in_the_books_with_its_reason(bench: Bench) -> None:
    bench.trader().code("POST", ORDER, **market("BUY", "10", newClientOrderId="too-big"))

    (entry,) = bench.member().books.rejected
    assert (entry.wanted.client_order_id, entry.received_ms) == ("too-big", START_MS)
    assert entry.refusal.reason == "insufficient margin"


def test_placing_reply_has_neither_average_price_nor_quote_volume(bench: Bench) -> None:
    placed = bench.trader().market("BUY", "0.010", newClientOrderId="ae-1")

    assert {"avgPrice", "cumQuote", "cumBase"}.isdisjoint(placed)
    assert placed["clientOrderId"] == "ae-1"
    assert placed["executedQty"] == placed["cumQty"] == placed["origQty"] == "0.010"
    row = bench.trader().order(placed["orderId"])
    assert (row["avgPrice"], row["cumQuote"]) == ("60000.10000000", "600.00100")


def test_acknowledgement_says_new_although_the_order_filled(bench: Bench) -> None:
    placed = bench.trader().ok("POST", ORDER, **market("BUY", "0.010", newOrderRespType="ACK"))

    assert (placed["status"], placed["executedQty"]) == ("NEW", "0")
    assert bench.trader().order(placed["orderId"])["status"] == "FILLED"


def test_client_id_is_unique_among_open_orders_only(bench: Bench) -> None:
    trader = bench.trader()
    resting = trader.limit("BUY", "0.010", "59000", newClientOrderId="same")

    assert trader.code("POST", ORDER, **market("BUY", "0.010", newClientOrderId="same")) == -4116
    trader.ok("DELETE", ORDER, symbol=BTC, orderId=resting["orderId"])
    trader.market("BUY", "0.010", newClientOrderId="same")
    trader.market("BUY", "0.010", newClientOrderId="same")

    assert len(bench.member().fills) == 2
    row = trader.ok("GET", ORDER, symbol=BTC, origClientOrderId="same")
    assert row["orderId"] == bench.member().fills[-1].order_id


def test_other_account_may_use_the_same_client_id_and_sees_nothing(bench: Bench) -> None:
    mine = bench.trader("a").limit("BUY", "0.010", "59000", newClientOrderId="same")
    bench.trader("b").limit("BUY", "0.010", "59000", newClientOrderId="same")

    code = bench.trader("b").code("GET", ORDER, symbol=BTC, orderId=mine["orderId"])

    assert code == -2013


def test_order_without_client_id_gets_one(bench: Bench) -> None:
    first, second = bench.trader().market("BUY", "0.010"), bench.trader().market("BUY", "0.010")

    assert first["clientOrderId"] != second["clientOrderId"]
    assert second["orderId"] > first["orderId"]


def test_cancel_ends_an_open_order_once(bench: Bench) -> None:
    trader = bench.trader()
    order = trader.limit("BUY", "0.010", "59000")

    cancelled = trader.ok("DELETE", ORDER, symbol=BTC, orderId=order["orderId"])

    assert cancelled["status"] == "CANCELED"
    assert trader.code("DELETE", ORDER, symbol=BTC, orderId=order["orderId"]) == -2011
    assert trader.code("GET", "/fapi/v1/openOrder", symbol=BTC, orderId=order["orderId"]) == -2013


def test_query_needs_an_id_and_the_right_symbol(bench: Bench) -> None:
    order = bench.trader().limit("BUY", "0.010", "59000")

    assert bench.trader().code("GET", ORDER, symbol=BTC) == -1102
    assert bench.trader().code("GET", ORDER, symbol="ETHUSDT", orderId=order["orderId"]) == -2013


def test_unfilled_ended_order_vanishes_after_three_days_a_filled_one_after_ninety(
    bench: Bench,
) -> None:
    trader = bench.trader()
    filled = trader.market("BUY", "0.010")["orderId"]
    gone = trader.limit("BUY", "0.010", "59000")["orderId"]
    trader.ok("DELETE", ORDER, symbol=BTC, orderId=gone)

    bench.now_ms += 3 * DAY_MS + 1
    assert trader.code("GET", ORDER, symbol=BTC, orderId=gone) == -2013
    assert trader.order(filled)["status"] == "FILLED"
    bench.now_ms += 87 * DAY_MS
    assert trader.code("GET", ORDER, symbol=BTC, orderId=filled) == -2013


def test_amend_moves_price_and_quantity_and_can_end_the_order(bench: Bench) -> None:
    trader = bench.trader()
    order = trader.limit("BUY", "0.010", "59000")["orderId"]

    moved = trader.ok(
        "PUT", ORDER, symbol=BTC, side="BUY", orderId=order, quantity="0.020", price="59500"
    )
    assert (moved["price"], moved["origQty"], moved["status"]) == ("59500.00", "0.020", "NEW")
    same = trader.code(
        "PUT", ORDER, symbol=BTC, side="BUY", orderId=order, quantity="0.020", price="59500"
    )
    assert same == -5027
    taken = trader.ok(
        "PUT", ORDER, symbol=BTC, side="BUY", orderId=order, quantity="0.020", price="60001"
    )
    assert taken["status"] == "FILLED"
    assert bench.member().fills[0].price == 60000 + bench.venue.spec(BTC).tick_size


def test_amend_below_what_executed_cancels(bench: Bench) -> None:
    trader = bench.trader()
    order = trader.limit("SELL", "0.020", "61000")["orderId"]
    filled = bench.venue.on_print(
        BTC, Decimal(61000), Decimal("0.010"), buyer_is_maker=False, now_ms=bench.now_ms
    )
    book_makers(bench.venue, filled, bench.now_ms)
    amend = {"symbol": BTC, "orderId": order, "quantity": "0.010", "price": "61000"}

    assert trader.code("PUT", ORDER, side="BUY", **amend) == -2013
    assert trader.ok("PUT", ORDER, side="SELL", **amend)["status"] == "CANCELED"
    assert trader.order(order)["executedQty"] == "0.010"
    assert trader.code("PUT", ORDER, side="SELL", **amend) == -2013


def test_all_orders_pages_by_id(bench: Bench) -> None:
    trader = bench.trader()
    ids = [trader.market("BUY", "0.002")["orderId"] for _ in range(5)]

    page = trader.ok("GET", "/fapi/v1/allOrders", symbol=BTC, orderId=ids[2], limit=2)
    newest = trader.ok("GET", "/fapi/v1/allOrders", symbol=BTC, limit=2)

    assert [row["orderId"] for row in page] == ids[2:4]
    assert [row["orderId"] for row in newest] == ids[3:]


def test_user_trades_page_by_id_and_by_time(bench: Bench) -> None:
    trader = bench.trader()
    for _ in range(3):
        trader.market("BUY", "0.002")
        bench.later(1_000)
    everything = trader.ok("GET", "/fapi/v1/userTrades", symbol=BTC)
    ids = [row["id"] for row in everything]

    assert ids == sorted(set(ids))
    page = trader.ok("GET", "/fapi/v1/userTrades", symbol=BTC, fromId=ids[1], limit=1)
    late = trader.ok("GET", "/fapi/v1/userTrades", symbol=BTC, startTime=START_MS + 1_500)
    assert [row["id"] for row in page] == [ids[1]]
    assert [row["id"] for row in late] == [ids[2]]
    both = trader.code("GET", "/fapi/v1/userTrades", symbol=BTC, fromId=1, startTime=START_MS)
    assert both == -1128


def test_reduce_only_is_cut_to_the_position_and_ends_with_it(bench: Bench) -> None:
    trader = bench.trader()
    trader.market("BUY", "0.010")
    resting = trader.limit("SELL", "0.010", "61000", reduceOnly="true")["orderId"]

    cut = trader.market("SELL", "0.050", reduceOnly="true")

    assert (cut["origQty"], cut["status"]) == ("0.010", "FILLED")
    assert trader.position() == 0
    assert trader.order(resting)["status"] == "EXPIRED"


def test_reduce_only_shrinks_with_the_position(bench: Bench) -> None:
    trader = bench.trader()
    trader.market("BUY", "0.010")
    resting = trader.limit("SELL", "0.010", "61000", reduceOnly="true")["orderId"]

    trader.market("SELL", "0.004")

    assert trader.order(resting)["origQty"] == "0.006"


def test_good_till_date_ends_by_itself(bench: Bench) -> None:
    trader = bench.trader()
    until = START_MS + 700_000
    order = trader.limit("BUY", "0.010", "59000", timeInForce="GTD", goodTillDate=until)["orderId"]

    bench.later(699_000)
    assert trader.order(order)["status"] == "NEW"
    bench.later(1_000)

    assert trader.order(order)["status"] == "EXPIRED"


def test_price_match_takes_the_price_from_the_book(bench: Bench) -> None:
    trader = bench.trader()
    order = limit("BUY", "0.010", "0", priceMatch="QUEUE_5")
    del order["price"]

    placed = trader.ok("POST", ORDER, **order)

    assert (placed["price"], placed["status"]) == ("59999.60", "NEW")


def test_cancel_all_touches_one_symbol_only(bench: Bench) -> None:
    bench.price("3000", "ETHUSDT")
    trader = bench.trader()
    trader.limit("BUY", "0.010", "59000")
    trader.limit("BUY", "0.100", "2900", symbol="ETHUSDT")

    trader.ok("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)

    assert [row["symbol"] for row in trader.ok("GET", "/fapi/v1/openOrders")] == ["ETHUSDT"]


def test_countdown_cancels_unless_renewed(bench: Bench) -> None:
    trader = bench.trader()
    order = trader.limit("BUY", "0.010", "59000")["orderId"]
    countdown = "/fapi/v1/countdownCancelAll"
    trader.ok("POST", countdown, symbol=BTC, countdownTime=10_000)
    bench.later(9_000)
    trader.ok("POST", countdown, symbol=BTC, countdownTime=10_000)
    bench.later(9_000)
    assert trader.order(order)["status"] == "NEW"

    bench.later(1_000)

    assert trader.order(order)["status"] == "CANCELED"


def test_201st_resting_order_is_refused(bench: Bench) -> None:
    trader = bench.trader()
    for _ in range(200):
        trader.limit("BUY", "0.001", "51000")

    assert trader.code("POST", ORDER, **limit("BUY", "0.001", "51000")) == -2025
