"""Who trades with whom at the paper venue, and at which price."""

from decimal import Decimal

import pytest

from tests.unit.paper.trader import BTC, Bench, limit
from tradeops.exchange.paper.book import REFILL_MS
from tradeops.exchange.paper.execution import book_makers

D = Decimal


def small_book(bench: Bench) -> None:
    """Asks 1 @ 60000.10, 2 @ 60000.20; bids 1 @ 60000, 2 @ 59999.90."""
    fills = bench.venue.on_levels(
        BTC,
        [(D("60000"), D(1)), (D("59999.90"), D(2))],
        [(D("60000.10"), D(1)), (D("60000.20"), D(2))],
        is_snapshot=True,
        now_ms=bench.now_ms,
    )
    book_makers(bench.venue, fills, bench.now_ms)


def public_trade(bench: Bench, price: str, quantity: str, *, buyer_is_maker: bool) -> None:
    fills = bench.venue.on_print(
        BTC, D(price), D(quantity), buyer_is_maker=buyer_is_maker, now_ms=bench.now_ms
    )
    book_makers(bench.venue, fills, bench.now_ms)


@pytest.fixture
def bench() -> Bench:
    made = Bench(balance="1000000")
    small_book(made)
    return made


def prices(bench: Bench, name: str = "a") -> list[tuple[str, str, bool]]:
    return [(str(f.price), str(f.quantity), f.is_maker) for f in bench.member(name).fills]


def test_market_order_walks_the_book_level_by_level(bench: Bench) -> None:
    placed = bench.trader().market("BUY", "2.500")

    assert placed["status"] == "FILLED"
    assert prices(bench) == [("60000.10", "1", False), ("60000.20", "1.500", False)]


def test_market_order_beyond_the_book_expires_its_rest(bench: Bench) -> None:
    placed = bench.trader().market("SELL", "5")

    assert (placed["status"], placed["executedQty"]) == ("EXPIRED", "3.000")


def test_taken_quantity_is_gone_until_the_refill(bench: Bench) -> None:
    trader = bench.trader()
    trader.market("BUY", "1")
    trader.market("BUY", "1")
    bench.later(REFILL_MS)
    trader.market("BUY", "1")

    assert [p for p, _, _ in prices(bench)] == ["60000.10", "60000.20", "60000.10"]


def test_limit_that_crosses_takes_then_rests(bench: Bench) -> None:
    placed = bench.trader().limit("BUY", "1.500", "60000.10")

    assert (placed["status"], placed["executedQty"]) == ("PARTIALLY_FILLED", "1.000")
    assert bench.venue.symbols[BTC].book.best("BUY") == D("60000.10")


def test_resting_order_waits_behind_the_queue_at_its_price(bench: Bench) -> None:
    order = bench.trader().limit("BUY", "1", "60000")

    public_trade(bench, "60000", "0.900", buyer_is_maker=True)
    assert bench.trader().order(order["orderId"])["executedQty"] == "0.000"
    public_trade(bench, "60000", "0.400", buyer_is_maker=True)

    row = bench.trader().order(order["orderId"])
    assert (row["status"], row["executedQty"]) == ("PARTIALLY_FILLED", "0.300")
    assert prices(bench) == [("60000", "0.300", True)]


def test_print_through_the_price_fills_without_queue_at_the_orders_price(bench: Bench) -> None:
    order = bench.trader().limit("SELL", "0.500", "60000.20")

    public_trade(bench, "60000.30", "2", buyer_is_maker=False)

    row = bench.trader().order(order["orderId"])
    assert (row["status"], D(row["avgPrice"])) == ("FILLED", D("60000.20"))


def test_print_on_the_other_side_fills_nothing(bench: Bench) -> None:
    order = bench.trader().limit("BUY", "1", "60000")

    public_trade(bench, "60000", "50", buyer_is_maker=False)

    assert bench.trader().order(order["orderId"])["status"] == "NEW"


def test_book_that_moves_through_a_resting_order_fills_what_it_shows(bench: Bench) -> None:
    order = bench.trader().limit("BUY", "3", "59999.90")

    fills = bench.venue.on_levels(
        BTC, [(D("59999"), D(1))], [(D("59999.50"), D(2))], is_snapshot=True, now_ms=bench.now_ms
    )
    book_makers(bench.venue, fills, bench.now_ms)

    row = bench.trader().order(order["orderId"])
    assert (row["executedQty"], D(row["avgPrice"])) == ("2.000", D("59999.90"))


def test_better_priced_order_of_another_account_is_taken_first(bench: Bench) -> None:
    maker = bench.trader("b").limit("SELL", "0.500", "60000.10")
    inside = bench.trader("b").limit("SELL", "0.200", "60000.20")

    bench.trader("a").market("BUY", "1.700")

    assert bench.trader("b").order(maker["orderId"])["status"] == "FILLED"
    assert bench.trader("b").order(inside["orderId"])["status"] == "NEW"
    assert prices(bench, "b") == [("60000.10", "0.500", True)]
    assert prices(bench) == [
        ("60000.10", "1", False),
        ("60000.10", "0.500", False),
        ("60000.20", "0.200", False),
    ]


@pytest.mark.parametrize(
    ("mode", "maker_status", "taker_status"),
    [
        ("EXPIRE_MAKER", "EXPIRED_IN_MATCH", "FILLED"),
        ("EXPIRE_TAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NONE", "FILLED", "FILLED"),
    ],
)
def test_self_trade_prevention(
    bench: Bench, mode: str, maker_status: str, taker_status: str
) -> None:
    trader = bench.trader()
    maker = trader.limit("SELL", "0.100", "60000.10")

    taker = trader.market("BUY", "1.100", selfTradePreventionMode=mode)

    assert trader.order(maker["orderId"])["status"] == maker_status
    assert taker["status"] == taker_status


def test_ioc_expires_what_it_cannot_take(bench: Bench) -> None:
    placed = bench.trader().limit("BUY", "1.500", "60000.10", timeInForce="IOC")

    assert (placed["status"], placed["executedQty"]) == ("EXPIRED", "1.000")


@pytest.mark.parametrize(("quantity", "expected"), [("3", "FILLED"), ("3.001", None)])
def test_fok_fills_whole_or_is_refused(bench: Bench, quantity: str, expected: str | None) -> None:
    reply = bench.trader().send(
        "POST", "/fapi/v1/order", **limit("BUY", quantity, "60000.20", timeInForce="FOK")
    )

    if expected is None:
        assert reply.body["code"] == -5021
        assert bench.member().fills == []
    else:
        assert reply.body["status"] == expected


@pytest.mark.parametrize(("price", "accepted"), [("60000.00", True), ("60000.10", False)])
def test_gtx_rests_or_is_refused(bench: Bench, price: str, *, accepted: bool) -> None:
    reply = bench.trader().send(
        "POST", "/fapi/v1/order", **limit("BUY", "1", price, timeInForce="GTX")
    )

    assert (reply.body.get("status") == "NEW") is accepted
    assert (reply.body.get("code") == -5022) is not accepted


def test_market_with_an_empty_side_expires(bench: Bench) -> None:
    bench.venue.on_levels(BTC, [(D("60000"), D(1))], [], is_snapshot=True, now_ms=bench.now_ms)

    placed = bench.trader().market("BUY", "0.100")

    assert (placed["status"], placed["executedQty"]) == ("EXPIRED", "0.000")


def test_depth_shows_resting_orders_on_top_of_the_tape(bench: Bench) -> None:
    bench.trader().limit("BUY", "0.250", "60000.00")

    depth = bench.trader().ok("GET", "/fapi/v1/depth", symbol=BTC, limit=5)

    assert depth["bids"][0] == ["60000", "1.250"]


def test_two_orders_at_one_price_fill_in_time_order(bench: Bench) -> None:
    first = bench.trader("a").limit("SELL", "0.300", "60000.20")
    second = bench.trader("b").limit("SELL", "0.300", "60000.20")

    public_trade(bench, "60000.20", "2.400", buyer_is_maker=False)

    assert bench.trader("a").order(first["orderId"])["executedQty"] == "0.300"
    assert bench.trader("b").order(second["orderId"])["executedQty"] == "0.100"
