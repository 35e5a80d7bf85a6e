"""The venue as a process on each kind of tape: what it quotes is what the tape says."""

import http.client
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.paper import PaperServer

CAPTURE = (
    Path(__file__).resolve().parents[4] / "shared/corpus/market/wsraw_usdm_btcusdt_20240808.gz"
)
needs_capture = pytest.mark.skipif(
    not CAPTURE.exists(), reason="needs the recorded capture in ../shared/corpus/market"
)
TRADES = "".join(
    f"{i},25000.{i % 2}0,0.500,12500,{1_700_000_000_000 + i},{'true' if i % 2 else 'false'}\n"
    for i in range(50)
)


def get(server: PaperServer, path: str) -> Any:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        assert reply.status == 200
        return json.loads(reply.read())
    finally:
        connection.close()


@needs_capture
@pytest.mark.parametrize("speed", ["1", "100"])
def test_capture_is_played_with_its_own_prices_and_depth(speed: str) -> None:
    with PaperServer(tape=CAPTURE, speed=speed) as server:
        best = get(server, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")
        book = get(server, "/fapi/v1/depth?symbol=BTCUSDT&limit=500")

    bids = [Decimal(price) for price, _ in book["bids"]]
    asks = [Decimal(price) for price, _ in book["asks"]]
    assert len(bids) == len(asks) == 500
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    # The lowest and the highest price of the recorded minutes.
    for price in (best["bidPrice"], best["askPrice"], bids[0], asks[0]):
        assert 61_300 < Decimal(price) < 62_000
    assert bids[0] < asks[0]


@needs_capture
def test_symbols_the_capture_lacks_can_be_traded_too() -> None:
    with PaperServer(tape=CAPTURE) as server:
        quotes = get(server, "/fapi/v1/ticker/bookTicker")
        marks = get(server, "/fapi/v1/premiumIndex")

    assert len(quotes) == len(marks) == 10
    assert all(Decimal(q["bidPrice"]) < Decimal(q["askPrice"]) for q in quotes)
    assert all(Decimal(mark["markPrice"]) > 0 for mark in marks)


def test_public_trade_file_sets_the_price_and_its_last_book_stays(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-trades-2023-11-14.csv"
    path.write_text(TRADES)

    with PaperServer(tape=path, speed="100") as server:
        best = get(server, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")

    assert {Decimal(best["bidPrice"]), Decimal(best["askPrice"])} <= {
        Decimal(price) for price in ("24999.90", "25000.00", "25000.10", "25000.20")
    }


def test_tape_can_be_changed_while_the_venue_runs(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT-trades-2023-11-14.csv"
    path.write_text(TRADES)

    with PaperServer() as server:
        before = Decimal(get(server, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")["bidPrice"])
        server.request("POST", "/paper/tape", {"path": str(path), "speed": 100})
        after = Decimal(get(server, "/fapi/v1/ticker/bookTicker?symbol=BTCUSDT")["bidPrice"])

    assert before > 50_000
    assert 24_999 < after < 25_001


@pytest.mark.parametrize("name", ["nowhere.csv", "BTCUSDT-nowhere.csv", "nowhere.gz"])
def test_unreadable_tape_is_refused_and_the_venue_keeps_running(name: str, tmp_path: Path) -> None:
    with PaperServer() as server:
        with pytest.raises(RuntimeError, match=name):
            server.request("POST", "/paper/tape", {"path": str(tmp_path / name), "speed": 1})

        assert get(server, "/fapi/v1/ping") == {}


def test_unreadable_tape_stops_the_start_with_one_sentence(tmp_path: Path) -> None:
    server = PaperServer(tape=tmp_path / "BTCUSDT-nowhere.csv")

    with pytest.raises(RuntimeError, match=r"BTCUSDT-nowhere\.csv: no such file") as caught:
        server.start()

    assert "Traceback" not in str(caught.value)
