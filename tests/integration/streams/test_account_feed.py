"""The feed by itself: order, outages, poison and endings, with a scripted venue and book."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest
from django.db import IntegrityError, OperationalError

from tradeops.domain.enums import StreamState
from tradeops.engine.ingest import StaleFence
from tradeops.exchange.reports import BalanceReport, Report, StreamItem, StreamNotice
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.streams.services import account_feed
from tradeops.streams.services.account_feed import AccountFeed

if TYPE_CHECKING:
    from tradeops.exchange.port import ExchangePort

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BURST = 5_000
Script = Sequence[str | Sequence[StreamItem]]


def report(number: int) -> BalanceReport:
    return BalanceReport("USDT", Decimal(number), NOW)


class ScriptedPort:
    """Plays states and frames once, then stays silent."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.closed = False

    async def open(self) -> None:
        return

    async def close(self) -> None:
        self.closed = True

    def user_stream(self) -> "ScriptedPort":
        return self

    async def items(
        self, *, on_state: Callable[[str, str], None]
    ) -> AsyncIterator[Sequence[StreamItem]]:
        for step in self._script:
            if isinstance(step, str):
                on_state(step, "")
            else:
                yield step
        await asyncio.Event().wait()

    async def stop(self) -> None:
        return


class Recorder:
    """A book that keeps what it is told, after failing as it was told to."""

    def __init__(self, failures: Sequence[Exception] = (), poison: Sequence[Report] = ()) -> None:
        self.written: list[Report | StreamState] = []
        self.synchronisations = 0
        self.aside: list[tuple[str, str]] = []
        self._failures = list(failures)
        self._poison = poison

    def facts(self, reports: Sequence[Report]) -> None:
        if self._failures:
            raise self._failures.pop(0)
        if any(item in self._poison for item in reports):
            raise ValueError("cannot be booked")
        self.written += reports

    def state(self, state: StreamState, _detail: str, _at: datetime) -> None:
        self.written.append(state)

    def synchronised(self) -> None:
        self.synchronisations += 1

    def set_aside(self, raw: str, reason: str, _at: datetime, *, once: str) -> None:
        assert once
        self.aside.append((raw, reason))

    @property
    def numbers(self) -> list[int]:
        return [
            int(item.wallet_balance) for item in self.written if isinstance(item, BalanceReport)
        ]


def play(
    script: Script,
    book: Recorder,
    *,
    until: Callable[[], bool],
    fill_gap: Callable[[int], None] = lambda _account_id: None,
) -> AccountFeed:
    """Serve until `until` says so, then stop in order."""
    port = ScriptedPort(script)

    async def serve() -> AccountFeed:
        with ThreadPoolExecutor(1) as thread:
            feed = AccountFeed(
                1,
                open_port=lambda: cast("ExchangePort", port),
                book=book,
                fill_gap=fill_gap,
                clock=SYSTEM_CLOCK,
                thread=thread,
            )
            task = asyncio.create_task(feed.run())
            async with asyncio.timeout(30):
                while not until() and not task.done():  # noqa: ASYNC110 – any state
                    await asyncio.sleep(0.01)
                await feed.stop("test over")
                await task
        return feed

    feed = asyncio.run(serve())
    assert port.closed
    return feed


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_feed, "RETRY_MIN_S", 0.01)


def test_burst_is_written_whole_and_in_order() -> None:
    frames = [[report(number)] for number in range(BURST)]
    book = Recorder()

    play(["CONNECTED", *frames], book, until=lambda: len(book.written) > BURST)

    assert book.numbers == list(range(BURST))


def test_state_stays_in_its_place_between_reports() -> None:
    book = Recorder()
    script: Script = ["CONNECTED", [report(1)], "RECONNECTING", "CONNECTED", [report(2)]]

    play(script, book, until=lambda: len(book.written) == 5)

    assert book.written == [
        StreamState.CONNECTED,
        report(1),
        StreamState.RECONNECTING,
        StreamState.CONNECTED,
        report(2),
        StreamState.DISCONNECTED,
    ]


def test_database_outage_holds_up_and_loses_nothing() -> None:
    book = Recorder(failures=[OperationalError("down"), OperationalError("still down")])
    frames = [[report(number)] for number in range(10)]

    play(frames, book, until=lambda: len(book.written) == 10)

    assert book.numbers == list(range(10))


def test_poison_is_set_aside_alone(caplog: pytest.LogCaptureFixture) -> None:
    bad = [report(3), report(5)]
    book = Recorder(failures=[IntegrityError("twice")], poison=bad)

    play([[report(number) for number in range(8)]], book, until=lambda: len(book.numbers) == 6)

    assert book.numbers == [0, 1, 2, 4, 6, 7]
    assert caplog.text.count("set aside") == 2
    assert [raw for raw, _ in book.aside] == [repr(item) for item in bad]
    assert {reason for _, reason in book.aside} == {"BalanceReport: ValueError cannot be booked"}


def test_what_has_arrived_is_written_before_the_end() -> None:
    book = Recorder()
    frames = [[report(number)] for number in range(BURST)]

    play(["CONNECTED", *frames], book, until=lambda: bool(book.written))

    assert book.numbers == list(range(len(book.numbers)))
    assert book.written[-1] is StreamState.DISCONNECTED


def test_lost_lease_ends_the_feed() -> None:
    book = Recorder(failures=[StaleFence("gone")])

    with pytest.raises(StaleFence):
        play([[report(1)], [report(2)]], book, until=lambda: False)

    assert book.numbers == []


def test_gap_is_asked_for_until_it_is_filled() -> None:
    calls: list[int] = []

    def fill_gap(account_id: int) -> None:
        calls.append(account_id)
        if len(calls) < 3:
            raise ConnectionError("the venue is silent")

    book = Recorder()
    feed = play(["CONNECTED"], book, until=lambda: len(calls) == 3, fill_gap=fill_gap)

    assert calls == [1, 1, 1]
    assert feed.last_item_at is None


def test_notices_are_no_facts(caplog: pytest.LogCaptureFixture) -> None:
    items: Any = [StreamNotice("UNKNOWN", "whatever"), StreamNotice("IGNORED"), report(1)]
    book = Recorder()

    play([items], book, until=lambda: bool(book.numbers))

    assert book.numbers == [1]
    assert caplog.text.count("whatever") == 1
    assert book.aside == [("{}", "UNKNOWN: whatever")]
