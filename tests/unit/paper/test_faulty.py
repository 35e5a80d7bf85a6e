"""The dialect behind faults: what the venue did, and what the caller gets to know of it."""

import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.unit.paper.trader import BTC, Bench, limit, market
from tradeops.exchange.paper import fault_kinds as kinds
from tradeops.exchange.paper.faults import CallFate, FaultBook
from tradeops.exchange.paper.faulty import Answer, FaultyWire
from tradeops.exchange.paper.wire.auth import sign
from tradeops.exchange.paper.wire.calls import Request

ORDER = "/fapi/v1/order"
OPEN = "/fapi/v1/openOrders"
ALGO = "/fapi/v1/algoOrder"


class Faulty:
    """Account `a` of a bench, through faults."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.faults = FaultBook(3)
        self.wire = FaultyWire(bench.wire, self.faults)

    def send(self, method: str, path: str, **params: Any) -> tuple[CallFate, Answer]:
        params |= {"timestamp": self.bench.now_ms}
        query = urlencode(params)
        query += f"&signature={sign('secret-a', query)}"
        request = Request(method, path, query, "", "key-of-a")
        fate = self.wire.fate(request, self.bench.now_ms)
        return fate, self.wire.answer(request, fate, self.bench.now_ms)

    def body(self, method: str, path: str, **params: Any) -> Any:
        return json.loads(self.send(method, path, **params)[1].text)

    def add(self, kind: str, **more: Any) -> None:
        self.faults.add({"kind": kind} | more, self.bench.now_ms)

    def later(self, ms: int) -> None:
        self.bench.later(ms)
        self.wire.note(self.bench.now_ms)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def faulty(bench: Bench) -> Faulty:
    return Faulty(bench)


@pytest.mark.parametrize(
    ("kind", "executed", "status", "cut"),
    [
        (kinds.HTTP_5XX_BEFORE, 0, 503, False),
        (kinds.HTTP_5XX_AFTER, 1, 503, False),
        (kinds.TIMEOUT_BEFORE, 0, 503, True),
        (kinds.TIMEOUT_AFTER, 1, 503, True),
        (kinds.GARBAGE_BEFORE, 0, 502, False),
        (kinds.GARBAGE_AFTER, 1, 200, False),
        (kinds.THROTTLE_429, 0, 429, False),
        (kinds.BAN_418, 0, 418, False),
        (kinds.CLOCK_1021, 0, 400, False),
    ],
)
def test_order_is_executed_or_not_and_the_answer_does_not_say(
    bench: Bench, faulty: Faulty, kind: str, executed: int, status: int, *, cut: bool
) -> None:
    faulty.add(kind, count=1)

    _, answer = faulty.send("POST", ORDER, **market("BUY", "0.010"))

    assert len(bench.member().fills) == executed
    assert (answer.status, answer.is_cut, answer.is_executed) == (status, cut, bool(executed))
    assert (answer.hold_ms > 0) is cut


@pytest.mark.parametrize("kind", [kinds.GARBAGE_BEFORE, kinds.GARBAGE_AFTER])
def test_garbage_is_not_json(faulty: Faulty, kind: str) -> None:
    faulty.add(kind)

    with pytest.raises(ValueError, match=r"."):
        faulty.body("POST", ORDER, **market("BUY", "0.010"))


def test_stale_read_tells_the_books_of_a_moment_ago(bench: Bench, faulty: Faulty) -> None:
    faulty.add(kinds.STALE_READ, ms=1_000)
    trader = bench.trader()
    resting = trader.limit("BUY", "0.010", "59000")["orderId"]
    faulty.later(1_000)
    algo = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "58000"}
    placed = faulty.body("POST", ALGO, symbol=BTC, side="SELL", quantity="0.010", **algo)
    bench.price("58500")
    late = trader.market("BUY", "0.020")["orderId"]
    assert trader.position() == Decimal("0.030")

    assert [row["orderId"] for row in faulty.body("GET", OPEN)] == [resting]
    assert faulty.body("GET", ORDER, symbol=BTC, orderId=resting)["status"] == "NEW"
    assert faulty.body("GET", ORDER, symbol=BTC, orderId=late)["code"] == -2013
    assert faulty.body("GET", "/fapi/v1/userTrades", symbol=BTC) == []
    assert faulty.body("GET", "/fapi/v2/positionRisk", symbol=BTC)[0]["positionAmt"] == "0.000"
    assert faulty.body("GET", "/fapi/v3/balance")[0]["balance"] == "10000.00000000"
    assert faulty.body("GET", "/fapi/v1/income") == []
    assert faulty.body("GET", "/fapi/v1/openAlgoOrders") == []
    faulty.later(100)
    faulty.later(1_000)
    assert faulty.body("GET", OPEN) == []
    assert len(faulty.body("GET", "/fapi/v1/userTrades", symbol=BTC)) == 2
    assert faulty.body("GET", ALGO, algoId=placed["algoId"])["algoStatus"] == "NEW"
    assert faulty.body("GET", "/fapi/v2/positionRisk", symbol=BTC)[0]["positionAmt"] == "0.030"


def test_stale_read_changes_nothing_itself(bench: Bench, faulty: Faulty) -> None:
    faulty.add(kinds.STALE_READ, ms=1_000)
    bench.trader().limit("BUY", "0.010", "59000")
    faulty.later(100)
    bench.price("58000")

    faulty.body("GET", OPEN)

    assert bench.member().books.open_orders() == []
    assert len(bench.member().fills) == 1


def test_empty_read_is_an_empty_list_and_only_for_lists(bench: Bench, faulty: Faulty) -> None:
    bench.trader().limit("BUY", "0.010", "59000")
    faulty.add(kinds.EMPTY_READ)

    assert faulty.body("GET", OPEN) == []
    assert faulty.body("GET", "/fapi/v3/balance") == []
    assert "code" in faulty.body("GET", "/fapi/v1/userTrades", symbol="NOPE")


def test_accepted_order_is_not_found_for_a_while(bench: Bench, faulty: Faulty) -> None:
    faulty.add(kinds.READ_LAG, ms=2_000, count=1)
    placed = faulty.body("POST", ORDER, **limit("BUY", "0.010", "59000", newClientOrderId="x"))
    query = {"symbol": BTC, "origClientOrderId": "x"}

    assert faulty.body("GET", ORDER, **query)["code"] == -2013
    assert faulty.body("GET", OPEN) == []
    bench.price("58500")
    assert faulty.body("GET", "/fapi/v1/userTrades", symbol=BTC) == []
    faulty.later(2_000)
    assert faulty.body("GET", ORDER, **query)["orderId"] == placed["orderId"]
    assert len(faulty.body("GET", "/fapi/v1/userTrades", symbol=BTC)) == 1


def test_order_that_reads_do_not_see_can_be_cancelled(faulty: Faulty) -> None:
    faulty.add(kinds.READ_LAG, ms=2_000, count=1)
    faulty.body("POST", ORDER, **limit("BUY", "0.010", "59000", newClientOrderId="x"))

    cancelled = faulty.body("DELETE", ORDER, symbol=BTC, origClientOrderId="x")

    assert cancelled["status"] == "CANCELED"


def test_partial_fill_cuts_a_market_order_into_several_trades(bench: Bench, faulty: Faulty) -> None:
    faulty.add(kinds.PARTIAL_FILL, count=1)

    faulty.body("POST", ORDER, **market("BUY", "0.013"))
    bench.trader().market("BUY", "0.013")

    *pieces, whole = [fill.quantity for fill in bench.member().fills]
    assert len(pieces) > 1
    assert sum(pieces) == whole == Decimal("0.013")


@pytest.mark.parametrize(
    ("tif", "status"), [("GTC", "PARTIALLY_FILLED"), ("IOC", "EXPIRED"), ("FOK", "FILLED")]
)
def test_partial_fill_executes_the_first_piece_of_a_limit_order(
    bench: Bench, faulty: Faulty, tif: str, status: str
) -> None:
    faulty.add(kinds.PARTIAL_FILL)

    row = faulty.body("POST", ORDER, **limit("BUY", "0.013", "60010", timeInForce=tif))

    assert row["status"] == status
    executed = Decimal(row["executedQty"])
    assert executed == sum(fill.quantity for fill in bench.member().fills)
    assert (executed < Decimal("0.013")) is (status != "FILLED")


def test_smallest_order_has_only_one_piece(bench: Bench, faulty: Faulty) -> None:
    faulty.add(kinds.PARTIAL_FILL)

    faulty.body("POST", ORDER, **market("BUY", "0.001"))

    assert len(bench.member().fills) == 1
