"""Binance's public CSV files, and the forms the corpus holds."""

import gzip
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.paper_tape.books import PlainBook
from tradeops.exchange.paper.instruments import INSTRUMENTS
from tradeops.exchange.paper.tape import open_tape
from tradeops.exchange.paper.tape_events import (
    BestQuote,
    BookLevels,
    MarkPrice,
    TapeError,
    TapeEvent,
    TradePrint,
)

START_MS = 1_795_000_000_000
CORPUS = Path(__file__).resolve().parents[4] / "shared/corpus/market"
TRADES_HEADER = "id,price,qty,quote_qty,time,is_buyer_maker\n"
TRADES = (
    "5266583935,61800.30,0.006,370.8018,1723161256322,false\n"
    "5266583936,61800.20,0.199,12298.2398,1723161256344,true\n"
    "5266583937,61805.00,0.045,2781.225,1723161257431,false\n"
)
CANDLE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,"
    "taker_buy_quote_volume,ignore\n"
)
CANDLES = (
    "1670889600000,17204.0,17207.6,17203.9,17207.5,31.000,1670889659999,0,0,0,0,0\n"
    "1670889660000,17207.5,17219.8,17190.0,17195.0,62.000,1670889719999,0,0,0,0,0\n"
)


def written(folder: Path, text: str, name: str = "BTCUSDT-2024-08-08.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def played(path: Path, symbol: str = "BTCUSDT") -> list[TapeEvent]:
    events = open_tape(path, symbols=INSTRUMENTS, seed=1, start_ms=START_MS)
    return [event for event in events if event.symbol == symbol]


def prints(events: list[TapeEvent]) -> list[tuple[int, int, Decimal, Decimal, bool]]:
    return [
        (e.at_ms - START_MS, e.trade_id, e.price, e.quantity, e.buyer_is_maker)
        for e in events
        if isinstance(e, TradePrint)
    ]


EXPECTED_TRADES = [
    (0, 5266583935, Decimal("61800.30"), Decimal("0.006"), False),
    (22, 5266583936, Decimal("61800.20"), Decimal("0.199"), True),
    (1109, 5266583937, Decimal("61805.00"), Decimal("0.045"), False),
]


@pytest.mark.parametrize("header", [TRADES_HEADER, ""], ids=["header", "no header"])
def test_public_trades_are_played_as_recorded(tmp_path: Path, header: str) -> None:
    assert prints(played(written(tmp_path, header + TRADES))) == EXPECTED_TRADES


def test_public_trades_may_be_gzipped_or_zipped(tmp_path: Path) -> None:
    packed = tmp_path / "BTCUSDT-trades.csv.gz"
    packed.write_bytes(gzip.compress((TRADES_HEADER + TRADES).encode()))
    archive = tmp_path / "BTCUSDT-trades-2024-08-08.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("BTCUSDT-trades-2024-08-08.csv", TRADES_HEADER + TRADES)

    assert prints(played(packed)) == EXPECTED_TRADES
    assert prints(played(archive)) == EXPECTED_TRADES


def test_public_aggregate_trades_are_played(tmp_path: Path) -> None:
    row = "77,61800.30,0.006,5266583935,5266583936,1723161256322,false\n"
    header = (
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
    )
    expected = [(0, 77, Decimal("61800.30"), Decimal("0.006"), False)]

    assert prints(played(written(tmp_path, header + row))) == expected
    assert prints(played(written(tmp_path, row))) == expected


def test_times_in_microseconds_are_read_as_such(tmp_path: Path) -> None:
    text = TRADES_HEADER + (
        "1,61800.30,0.006,370.8,1723161256322000,false\n"
        "2,61800.30,0.006,370.8,1723161256422500,false\n"
    )

    assert [row[0] for row in prints(played(written(tmp_path, text)))] == [0, 100]


def test_book_around_prints_is_uncrossed_deep_and_best_at_the_print(tmp_path: Path) -> None:
    book = PlainBook()
    checked = 0

    for event in played(written(tmp_path, TRADES_HEADER + TRADES)):
        if isinstance(event, BookLevels):
            book.apply(event)
        elif isinstance(event, TradePrint):
            checked += 1
            bid, _, ask, _ = book.best
            assert bid < ask
            assert event.price == (bid if event.buyer_is_maker else ask)
            assert sum(book.bids.values()) > 10
            assert sum(book.asks.values()) > 10

    assert checked == 3


@pytest.mark.parametrize("header", [CANDLE_HEADER, ""], ids=["header", "no header"])
def test_candle_is_played_through_its_four_prices_and_volume(tmp_path: Path, header: str) -> None:
    rows = prints(played(written(tmp_path, header + CANDLES)))
    rising = [row for row in rows if row[0] < 60_000]
    falling = [row for row in rows if row[0] >= 60_000]

    rising_prices = [price for _, _, price, _, _ in rising]
    assert rising_prices[0] == Decimal("17204.0")
    assert rising_prices[-1] == Decimal("17207.5")
    assert min(rising_prices) == Decimal("17203.9")
    assert max(rising_prices) == Decimal("17207.6")
    assert rising_prices.index(min(rising_prices)) < rising_prices.index(max(rising_prices))
    assert sum(quantity for _, _, _, quantity, _ in rising) == 31

    falling_prices = [price for _, _, price, _, _ in falling]
    assert falling_prices.index(max(falling_prices)) < falling_prices.index(min(falling_prices))
    assert (falling_prices[0], falling_prices[-1]) == (Decimal("17207.5"), Decimal("17195.0"))
    assert falling[-1][0] < 120_000


def test_candles_mark_each_second_between_prints(tmp_path: Path) -> None:
    events = played(written(tmp_path, CANDLE_HEADER + CANDLES))
    marks = [event.at_ms - START_MS for event in events if isinstance(event, MarkPrice)]

    assert marks[1:100] == [1_000 * i for i in range(1, 100)]


def test_two_plays_of_a_file_are_equal(tmp_path: Path) -> None:
    path = written(tmp_path, CANDLE_HEADER + CANDLES)

    assert played(path) == played(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "empty file"),
        (TRADES_HEADER, "no data rows"),
        ("a,b,c\n1,2,3\n", "neither trades"),
        ("1,2,3\n", "3 columns without a header"),
        (TRADES_HEADER + "1,abc,0.006,1,1723161256322,false\n", "line 2: "),
        (TRADES_HEADER + TRADES + "1,-5,0.006,1,1723161256322,false\n", "line 5: .*not a positive"),
        (TRADES_HEADER + "1,NaN,0.006,1,1723161256322,false\n", "line 2: .*not a positive"),
        (TRADES_HEADER + "1,5,0.006,1,1723161256322,perhaps\n", "neither true nor false"),
        (TRADES_HEADER + "1,5,0.006\n", "line 2: "),
        (TRADES_HEADER + "x" * 200_000, "field larger than field limit"),
        (CANDLE_HEADER + "1670889600000,5,4,3,4,1,0,0,0,0,0,0\n", "outside low"),
    ],
)
def test_bad_file_is_refused_with_file_and_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = written(tmp_path, text)

    with pytest.raises(TapeError, match=rf"BTCUSDT-2024-08-08\.csv[:,] .*{complaint}"):
        played(path)


def test_file_name_without_a_listed_symbol_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, TRADES_HEADER + TRADES, name="trades.csv")

    with pytest.raises(TapeError, match=r"trades\.csv: the name contains no listed symbol"):
        played(path)


def test_zip_of_several_files_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "BTCUSDT.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.csv", TRADES)
        target.writestr("b.csv", TRADES)

    with pytest.raises(TapeError, match=r"BTCUSDT\.zip: .*holds 2 \.csv files"):
        played(archive)


@pytest.mark.skipif(not CORPUS.exists(), reason="needs the market data in ../shared/corpus")
@pytest.mark.parametrize(
    ("name", "symbol", "rows"),
    [
        ("trades_usdm_btcusdt_20240808.csv.gz", "BTCUSDT", 21_313),
        ("trades_freqtrade_ETHUSDT-like_20230202.csv.gz", "ETHUSDT", 1_000),
        ("klines_1m_Binance-USD-M_ADAUSDT_20221213.csv.gz", "ADAUSDT", 1_440 * 31),
        ("klines_1d_Binance-spot_BTCUSDT_2020.csv", "BTCUSDT", 366 * 31),
    ],
)
def test_corpus_files_are_played_to_their_end(name: str, symbol: str, rows: int) -> None:
    spec = next(spec for spec in INSTRUMENTS if spec.symbol == symbol)
    events = played(CORPUS / name, symbol)

    assert len(prints(events)) == rows
    assert [event.at_ms for event in events] == sorted(event.at_ms for event in events)
    quotes = [event for event in events if isinstance(event, BestQuote)]
    assert quotes
    for quote in quotes:
        assert 0 < quote.bid_price < quote.ask_price
        assert quote.bid_price % spec.tick_size == 0
