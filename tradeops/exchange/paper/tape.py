"""Where the paper venue's prices come from: a raw capture, a public CSV file, or a seeded walk.

Events come in ascending ``at_ms``; whoever plays them decides how fast. A recorded tape is shifted
to start at ``start_ms`` and ends with its file; symbols it does not hold get a book at their start
price. The events live in ``tape_events``, which imports nothing, for the pure rooms of the venue.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.tape_capture import CaptureReader
from tradeops.exchange.paper.tape_csv import CsvReader
from tradeops.exchange.paper.tape_events import (
    BestQuote,
    BookLevels,
    MarkPrice,
    TapeError,
    TapeEvent,
    TradePrint,
)
from tradeops.exchange.paper.tape_walk import FUNDING_RATE, opening_books, walk

__all__ = [
    "BestQuote",
    "BookLevels",
    "MarkPrice",
    "TapeError",
    "TapeEvent",
    "TradePrint",
    "open_tape",
]

_SECOND_MS = 1_000
# Over a longer gap (a candle file with missing days) one mark price stands for all of them.
_MARK_GAP_MS = 60_000


def open_tape(
    path: Path | None, *, symbols: Sequence[InstrumentSpec], seed: int, start_ms: int
) -> Iterator[TapeEvent]:
    """Open a tape, or with no path an endless walk over all symbols that the seed determines.

    The file and its format are checked at once; a bad line further on raises where it is reached.

    Raises TapeError if the file cannot be opened, is of no known format or of no listed symbol.
    """
    if path is None:
        return walk(symbols, seed=seed, start_ms=start_ms)
    by_symbol = {spec.symbol: spec for spec in symbols}
    if _is_csv(path):
        spec = _symbol_named(path, symbols)
        held: tuple[str, ...] = (spec.symbol,)
        events = CsvReader(path.name, _lines(path), spec, seed=seed, start_ms=start_ms).events()
    else:
        capture = CaptureReader(path.name, _lines(path), start_ms=start_ms)
        held, events = capture.symbols, capture.events()
        unknown = [symbol for symbol in held if symbol not in by_symbol]
        if unknown:
            raise TapeError(f"{path.name}: {', '.join(unknown)} is not listed here")
    others = [spec for spec in symbols if spec.symbol not in held]
    return chain(opening_books(others, seed=seed, start_ms=start_ms), _with_marks(events, start_ms))


def _with_marks(events: Iterator[TapeEvent], start_ms: int) -> Iterator[TapeEvent]:
    """Add what recordings lack: each second, the middle of the best quote as mark and index."""
    quotes: dict[str, BestQuote] = {}
    due_ms = start_ms + _SECOND_MS
    for event in events:
        if event.at_ms >= due_ms:
            if event.at_ms - due_ms > _MARK_GAP_MS:
                due_ms = event.at_ms
            while due_ms <= event.at_ms:
                for quote in quotes.values():
                    yield _mark(due_ms, quote)
                due_ms += _SECOND_MS
        yield event
        if isinstance(event, BestQuote):
            if event.symbol not in quotes:
                yield _mark(event.at_ms, event)
            quotes[event.symbol] = event


def _mark(at_ms: int, quote: BestQuote) -> MarkPrice:
    middle = (quote.bid_price + quote.ask_price) / 2
    return MarkPrice(at_ms, quote.symbol, middle, middle, FUNDING_RATE)


def _is_csv(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".csv", ".zip"))


def _symbol_named(path: Path, symbols: Sequence[InstrumentSpec]) -> InstrumentSpec:
    name = path.name.upper()
    named = [spec for spec in symbols if spec.symbol in name]
    if not named:
        raise TapeError(
            f"{path.name}: the name contains no listed symbol; call it like BTCUSDT-trades.csv"
        )
    return max(named, key=lambda spec: len(spec.symbol))


def _lines(path: Path) -> Iterator[str]:
    """The lines of a plain, .gz or .zip file, read as they are asked for.

    Raises TapeError if the file cannot be opened or is damaged.
    """
    opener: Callable[[Path], io.TextIOBase]
    if path.suffix == ".zip":
        opener = _open_zip
    elif path.suffix == ".gz":
        opener = _open_gzip
    else:
        opener = _open_plain
    try:
        with opener(path) as stream:
            yield from stream
    except FileNotFoundError as error:
        raise TapeError(f"{path.name}: no such file") from error
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, zipfile.BadZipFile) as error:
        raise TapeError(f"{path.name}: cannot be read ({error})") from error


def _open_plain(path: Path) -> io.TextIOBase:
    return path.open(encoding="utf-8", newline="")


def _open_gzip(path: Path) -> io.TextIOBase:
    return io.TextIOWrapper(gzip.open(path, "rb"), encoding="utf-8", newline="")


def _open_zip(path: Path) -> io.TextIOBase:
    archive = zipfile.ZipFile(path)
    members = [name for name in archive.namelist() if name.endswith(".csv")]
    if len(members) != 1:
        archive.close()
        raise zipfile.BadZipFile(f"holds {len(members)} .csv files, expected one")
    return io.TextIOWrapper(archive.open(members[0]), encoding="utf-8", newline="")
