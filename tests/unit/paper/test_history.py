"""Candles, day statistics, funding history and open interest of the paper venue."""

from decimal import Decimal

import pytest

from tests.unit.paper.trader import BTC, START_MS, Bench

MINUTE_MS = 60_000


@pytest.fixture
def bench() -> Bench:
    return Bench()


def trade(bench: Bench, price: str, quantity: str, *, buyer_is_maker: bool = False) -> None:
    bench.venue.publish(
        BTC,
        Decimal(price),
        Decimal(quantity),
        buyer_is_maker=buyer_is_maker,
        now_ms=bench.now_ms,
    )


def test_minute_candles_and_their_merger_into_longer_ones(bench: Bench) -> None:
    trade(bench, "100", "1")
    trade(bench, "120", "2", buyer_is_maker=True)
    bench.later(MINUTE_MS)
    trade(bench, "90", "3")
    trader = bench.trader()

    minutes = trader.ok("GET", "/fapi/v1/klines", symbol=BTC, interval="1m")
    (five,) = trader.ok("GET", "/fapi/v1/klines", symbol=BTC, interval="5m")

    assert [row[:6] for row in minutes] == [
        [START_MS, "100", "120", "100", "120", "3"],
        [START_MS + MINUTE_MS, "90", "90", "90", "90", "3"],
    ]
    assert five[:6] == [START_MS, "100", "120", "90", "90", "6"]
    assert (five[6], five[7], five[8]) == (START_MS + 5 * MINUTE_MS - 1, "610", 3)
    assert (five[9], five[10]) == ("4", "370")


def test_klines_page_from_a_start_and_refuse_unknown_intervals(bench: Bench) -> None:
    for _ in range(3):
        trade(bench, "100", "1")
        bench.later(MINUTE_MS)
    trader = bench.trader()

    page = trader.ok(
        "GET", "/fapi/v1/klines", symbol=BTC, interval="1m", startTime=START_MS + 1, limit=1
    )

    assert [row[0] for row in page] == [START_MS + MINUTE_MS]
    assert trader.code("GET", "/fapi/v1/klines", symbol=BTC, interval="7m") == -1120


def test_mark_price_candles_follow_the_mark_and_have_no_volume(bench: Bench) -> None:
    bench.later(0)
    bench.price("61000")
    bench.later(1_000)
    trade(bench, "50", "1")

    (row,) = bench.trader().ok("GET", "/fapi/v1/markPriceKlines", symbol=BTC, interval="1m")

    assert row[:6] == [START_MS, "60000", "61000", "60000", "61000", "0"]


def test_day_ticker_compares_with_the_first_trade_of_the_day(bench: Bench) -> None:
    trade(bench, "100", "1")
    trade(bench, "125", "1")

    row = bench.trader().ok("GET", "/fapi/v1/ticker/24hr", symbol=BTC)

    assert (row["priceChange"], row["priceChangePercent"]) == ("25", "25.000")
    assert Decimal(row["weightedAvgPrice"]) == Decimal("112.5")


def test_funding_history_and_open_interest(bench: Bench) -> None:
    bench.trader("a").market("BUY", "0.100")
    bench.trader("b").market("SELL", "0.300")
    bench.later(6 * 60 * MINUTE_MS)
    trader = bench.trader()

    (funding,) = trader.ok("GET", "/fapi/v1/fundingRate", symbol=BTC)
    interest = trader.ok("GET", "/fapi/v1/openInterest", symbol=BTC)

    assert (funding["fundingRate"], funding["fundingTime"]) == ("0.00010000", bench.now_ms)
    assert interest["openInterest"] == "0.100"
