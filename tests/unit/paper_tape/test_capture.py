"""The recorded capture of the corpus, and small captures written here."""

import gzip
import json
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

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

CAPTURE = (
    Path(__file__).resolve().parents[4] / "shared/corpus/market/wsraw_usdm_btcusdt_20240808.gz"
)
needs_capture = pytest.mark.skipif(
    not CAPTURE.exists(), reason="needs the recorded capture in ../shared/corpus/market"
)
LINES = 12_000
START_MS = 1_795_000_000_000


@cache
def raw_head() -> tuple[dict[str, Any], ...]:
    with gzip.open(CAPTURE, "rt") as stream:
        return tuple(json.loads(next(stream)[20:]) for _ in range(LINES))


@cache
def tape_head(tmp: Path) -> tuple[TapeEvent, ...]:
    path = tmp / "head.gz"
    with gzip.open(CAPTURE, "rt") as stream, gzip.open(path, "wt") as head:
        head.writelines(next(stream) for _ in range(LINES))
    events = open_tape(path, symbols=INSTRUMENTS, seed=1, start_ms=START_MS)
    return tuple(event for event in events if event.symbol == "BTCUSDT")


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> tuple[TapeEvent, ...]:
    return tape_head(tmp_path_factory.mktemp("capture"))


def capture_file(folder: Path, messages: Iterable[tuple[int, dict[str, Any]]]) -> Path:
    path = folder / "capture.gz"
    with gzip.open(path, "wt") as stream:
        for at_ms, message in messages:
            stream.write(f"{at_ms * 1_000_000} {json.dumps(message)}\n")
    return path


def quote(update: int, bid: str, ask: str, quantity: str = "1.000") -> dict[str, Any]:
    data = {"u": update, "s": "BTCUSDT", "b": bid, "B": quantity, "a": ask, "A": quantity}
    return {"stream": "btcusdt@bookTicker", "data": data}


def depth(update: int, bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> dict[str, Any]:
    data = {"U": update, "u": update, "pu": update - 1, "b": bids, "a": asks}
    return {"stream": "btcusdt@depth@0ms", "data": data}


def bitcoin_events(path: Path) -> list[TapeEvent]:
    events = open_tape(path, symbols=INSTRUMENTS, seed=1, start_ms=START_MS)
    return [event for event in events if event.symbol == "BTCUSDT"]


def bitcoin_book(path: Path) -> PlainBook:
    book = PlainBook()
    for event in bitcoin_events(path):
        if isinstance(event, BookLevels):
            book.apply(event)
    return book


@needs_capture
def test_recorded_book_equals_every_announced_quote(head: tuple[TapeEvent, ...]) -> None:
    book = PlainBook()
    quotes = 0

    for event in head:
        if isinstance(event, BookLevels):
            book.apply(event)
        elif isinstance(event, BestQuote):
            quotes += 1
            if quotes % 10 == 0:
                quoted = (event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity)
                assert book.best == quoted

    assert quotes > 3_000


@needs_capture
def test_recorded_quotes_are_those_of_the_capture_in_their_order(
    head: tuple[TapeEvent, ...],
) -> None:
    raw = [m["data"] for m in raw_head() if m.get("stream", "").endswith("@bookTicker")]
    recorded = iter(
        [(Decimal(m["b"]), Decimal(m["B"]), Decimal(m["a"]), Decimal(m["A"])) for m in raw]
    )

    played = [
        (e.bid_price, e.bid_quantity, e.ask_price, e.ask_quantity)
        for e in head
        if isinstance(e, BestQuote)
    ]

    # Membership in an iterator consumes it up to the match: a subsequence test.
    assert all(quote in recorded for quote in played)
    assert played[-1][:4] in {
        (Decimal(m["b"]), Decimal(m["B"]), Decimal(m["a"]), Decimal(m["A"])) for m in raw[-20:]
    }


@needs_capture
def test_recorded_book_is_never_crossed(head: tuple[TapeEvent, ...]) -> None:
    book = PlainBook()
    levels = [event for event in head if isinstance(event, BookLevels)]

    for number, event in enumerate(levels):
        book.apply(event)
        if number % 10 == 0:
            bid, _, ask, _ = book.best
            assert bid < ask

    assert len(levels) > 3_000


@needs_capture
def test_recorded_prints_are_all_played_after_the_snapshot(head: tuple[TapeEvent, ...]) -> None:
    raw = raw_head()
    snapshot = next(i for i, message in enumerate(raw) if "lastUpdateId" in message)
    recorded = [
        (m["data"]["t"], Decimal(m["data"]["p"]), Decimal(m["data"]["q"]), m["data"]["m"])
        for m in raw[snapshot:]
        if m.get("stream", "").endswith("@trade")
    ]

    played = [
        (e.trade_id, e.price, e.quantity, e.buyer_is_maker)
        for e in head
        if isinstance(e, TradePrint)
    ]

    assert played == recorded
    assert len(played) > 1_000


@needs_capture
def test_recorded_tape_starts_with_the_whole_book_and_never_goes_back(
    head: tuple[TapeEvent, ...],
) -> None:
    first = head[0]
    times = [event.at_ms for event in head]

    assert isinstance(first, BookLevels)
    assert first.snapshot
    assert first.at_ms == START_MS
    assert len(first.bids) == len(first.asks) == 1_000
    assert times == sorted(times)


@needs_capture
def test_recorded_tape_marks_each_second(head: tuple[TapeEvent, ...]) -> None:
    marks = [event.at_ms for event in head if isinstance(event, MarkPrice)]
    seconds = (head[-1].at_ms - START_MS) // 1_000

    assert marks[1:] == [START_MS + 1_000 * (i + 1) for i in range(seconds)]
    assert seconds > 20


def test_symbols_a_capture_lacks_open_at_their_start_price(tmp_path: Path) -> None:
    path = capture_file(tmp_path, [(1_000, quote(1, "61800.00", "61800.10"))])

    events = list(open_tape(path, symbols=INSTRUMENTS, seed=1, start_ms=START_MS))

    opened = {e.symbol for e in events if isinstance(e, BookLevels) and e.snapshot}
    marked = {e.symbol for e in events if isinstance(e, MarkPrice)}
    assert opened == {spec.symbol for spec in INSTRUMENTS[1:]}
    assert marked == {spec.symbol for spec in INSTRUMENTS}
    assert {event.at_ms for event in events} == {START_MS}


def test_capture_without_snapshot_drops_levels_the_quote_contradicts(tmp_path: Path) -> None:
    path = capture_file(
        tmp_path,
        [
            (1_000, depth(5, [("100.00", "1.000"), ("99.00", "2.000")], [("101.00", "1.000")])),
            (1_010, quote(6, "98.00", "98.10")),
        ],
    )

    assert bitcoin_book(path).best == (Decimal(98), Decimal(1), Decimal("98.10"), Decimal(1))


def test_depth_older_than_the_quote_leaves_the_best_as_quoted(tmp_path: Path) -> None:
    path = capture_file(
        tmp_path,
        [
            (1_000, quote(10, "100.00", "100.10")),
            (1_010, depth(9, [("100.00", "0.000"), ("99.00", "4.000")], [("99.50", "3.000")])),
        ],
    )

    book = bitcoin_book(path)

    assert book.best == (Decimal(100), Decimal(1), Decimal("100.10"), Decimal(1))
    assert book.bids[Decimal(99)] == 4


def test_quote_older_than_the_depth_is_left_out(tmp_path: Path) -> None:
    path = capture_file(
        tmp_path,
        [
            (1_000, depth(20, [("100.00", "1.000")], [("100.10", "1.000")])),
            (1_010, quote(19, "90.00", "90.10")),
        ],
    )

    assert bitcoin_book(path).best[0] == 100
    assert not [event for event in bitcoin_events(path) if isinstance(event, BestQuote)]


def test_depth_that_crosses_stale_levels_removes_them(tmp_path: Path) -> None:
    path = capture_file(
        tmp_path,
        [
            (1_000, depth(1, [("100.00", "1.000"), ("95.00", "1.000")], [("100.10", "1.000")])),
            (1_010, depth(2, [("104.00", "1.000")], [("104.10", "1.000")])),
            (1_020, depth(3, [("94.00", "2.000")], [("95.00", "2.000")])),
        ],
    )

    assert bitcoin_book(path).best == (Decimal(94), Decimal(2), Decimal(95), Decimal(2))


def test_of_two_quotes_in_one_millisecond_only_the_last_is_played(tmp_path: Path) -> None:
    path = capture_file(
        tmp_path,
        [
            (1_000, quote(1, "100.00", "100.10")),
            (1_000, quote(2, "101.00", "101.10")),
            (1_001, quote(3, "102.00", "102.10")),
        ],
    )

    bids = [event.bid_price for event in bitcoin_events(path) if isinstance(event, BestQuote)]

    assert bids == [101, 102]


@pytest.mark.parametrize(
    "line",
    [
        "no stamp at all",
        "1723161255030314667 {broken",
        "1723161255030314667 []",
        '1723161255030314667 {"stream":"btcusdt@bookTicker","data":{"u":1}}',
        '1723161255030314667 {"stream":"btcusdt@trade","data":{"t":1,"p":"x","q":"1","m":false}}',
    ],
)
def test_unreadable_line_is_named(tmp_path: Path, line: str) -> None:
    path = capture_file(tmp_path, [(1_000, quote(1, "100.00", "100.10"))])
    with gzip.open(path, "at") as stream:
        stream.write(line + "\n")

    with pytest.raises(TapeError, match=r"capture\.gz, line 2: not a capture message"):
        bitcoin_events(path)


def test_capture_of_an_unlisted_symbol_is_refused_at_once(tmp_path: Path) -> None:
    path = capture_file(tmp_path, [(1_000, quote(1, "100.00", "100.10"))])

    with pytest.raises(TapeError, match="BTCUSDT is not listed here"):
        open_tape(path, symbols=INSTRUMENTS[1:], seed=1, start_ms=START_MS)


def test_damaged_archive_is_refused_with_its_name(tmp_path: Path) -> None:
    whole = capture_file(tmp_path, [(1_000, quote(i, "100.00", "100.10")) for i in range(9)])
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole.read_bytes()[:60])

    with pytest.raises(TapeError, match=r"cut\.gz: cannot be read"):
        open_tape(cut, symbols=INSTRUMENTS, seed=1, start_ms=START_MS)


def test_missing_or_wrong_file_is_refused_with_its_name(tmp_path: Path) -> None:
    text = tmp_path / "tape.gz"
    text.write_text("not compressed")

    with pytest.raises(TapeError, match=r"nowhere\.gz: no such file"):
        open_tape(tmp_path / "nowhere.gz", symbols=INSTRUMENTS, seed=1, start_ms=START_MS)
    with pytest.raises(TapeError, match=r"tape\.gz: cannot be read"):
        open_tape(text, symbols=INSTRUMENTS, seed=1, start_ms=START_MS)
