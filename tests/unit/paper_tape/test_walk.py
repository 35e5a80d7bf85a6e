from decimal import Decimal
from itertools import islice, takewhile

import pytest

from tests.unit.paper_tape.books import PlainBook, books_of
from tradeops.exchange.paper.instruments import INSTRUMENTS
from tradeops.exchange.paper.tape import open_tape
from tradeops.exchange.paper.tape_events import (
    BestQuote,
    BookLevels,
    MarkPrice,
    TapeEvent,
    TradePrint,
)

START_MS = 1_795_000_000_000
SPECS = {spec.symbol: spec for spec in INSTRUMENTS}


def minutes_of_walk(minutes: int, *, seed: int = 7) -> list[TapeEvent]:
    tape = open_tape(None, symbols=INSTRUMENTS, seed=seed, start_ms=START_MS)
    return list(takewhile(lambda e: e.at_ms < START_MS + minutes * 60_000, tape))


def test_walk_of_one_seed_repeats_and_of_another_differs() -> None:
    first = minutes_of_walk(1, seed=1)

    assert minutes_of_walk(1, seed=1) == first
    assert minutes_of_walk(1, seed=2) != first


def test_walk_opens_with_every_book_and_mark_at_the_start() -> None:
    tape = open_tape(None, symbols=INSTRUMENTS, seed=1, start_ms=START_MS)
    opening = list(islice(tape, 3 * len(INSTRUMENTS)))

    assert {event.at_ms for event in opening} == {START_MS}
    assert {e.symbol for e in opening if isinstance(e, BookLevels) and e.snapshot} == set(SPECS)
    assert {e.symbol for e in opening if isinstance(e, MarkPrice)} == set(SPECS)


def test_walk_times_never_go_back() -> None:
    times = [event.at_ms for event in minutes_of_walk(5)]

    assert times == sorted(times)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_walk_book_is_never_crossed_and_agrees_with_each_quote(seed: int) -> None:
    books = {symbol: PlainBook() for symbol in SPECS}
    quotes = 0

    for event in minutes_of_walk(5, seed=seed):
        if isinstance(event, BookLevels):
            books[event.symbol].apply(event)
            bid, _, ask, _ = books[event.symbol].best
            assert bid < ask
        elif isinstance(event, BestQuote):
            quotes += 1
            quoted = (event.bid_price, event.bid_quantity, event.ask_price, event.ask_quantity)
            assert books[event.symbol].best == quoted

    assert quotes > 100


def test_walk_prices_and_quantities_are_whole_ticks_and_steps() -> None:
    for event in minutes_of_walk(2):
        spec = SPECS[event.symbol]
        if isinstance(event, TradePrint):
            assert event.price % spec.tick_size == 0
            assert event.quantity > 0
            assert event.quantity % spec.step_size == 0
        elif isinstance(event, BookLevels):
            for price, quantity in event.bids + event.asks:
                assert price % spec.tick_size == 0
                assert quantity % spec.step_size == 0


def test_walk_prints_happen_at_the_best_price_with_rising_ids() -> None:
    books = {symbol: PlainBook() for symbol in SPECS}
    last_id = dict.fromkeys(SPECS, 0)
    prints = 0

    for event in minutes_of_walk(2):
        if isinstance(event, BookLevels):
            books[event.symbol].apply(event)
        elif isinstance(event, TradePrint):
            prints += 1
            bid, _, ask, _ = books[event.symbol].best
            assert event.price == (bid if event.buyer_is_maker else ask)
            assert event.trade_id > last_id[event.symbol]
            last_id[event.symbol] = event.trade_id

    assert prints > 500


def test_walk_book_fills_ten_bitcoin_within_a_tenth_of_a_percent() -> None:
    book = books_of(minutes_of_walk(10))["BTCUSDT"]
    bid, _, ask, _ = book.best

    assert sum(q for p, q in book.asks.items() if p <= ask * Decimal("1.001")) > 10
    assert sum(q for p, q in book.bids.items() if p >= bid * Decimal("0.999")) > 10
    assert (ask - bid) / ask < Decimal("0.0001")


def test_walk_marks_every_symbol_each_second_in_the_middle_of_its_book() -> None:
    marks = dict.fromkeys(SPECS, 0)
    quotes: dict[str, BestQuote] = {}

    for event in minutes_of_walk(1):
        if isinstance(event, BestQuote):
            quotes[event.symbol] = event
        elif isinstance(event, MarkPrice):
            marks[event.symbol] += 1
            quote = quotes[event.symbol]
            assert quote.bid_price < event.mark_price < quote.ask_price

    assert set(marks.values()) == {60}


def test_walk_moves_but_stays_within_its_range() -> None:
    tape = open_tape(None, symbols=INSTRUMENTS[:1], seed=3, start_ms=START_MS)
    prices = [e.mark_price for e in islice(tape, 60_000) if isinstance(e, MarkPrice)]

    home = INSTRUMENTS[0].start_price
    assert home / 2 <= min(prices) < max(prices) <= home * 2
    assert max(prices) / min(prices) > Decimal("1.005")
