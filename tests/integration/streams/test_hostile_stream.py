"""Hostile frames on a live feed: each is kept as an event, and the good one after it is booked."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

import pytest

from accounts.models import ExchangeAccount
from orders.models import Fill
from tests.support.hostile_frames import HOSTILE, LISTEN_KEY, Frame, good_frame, published
from tradeops.domain.enums import StreamState
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.reports import StreamItem
from tradeops.journal.event_store import first_broken_link
from tradeops.journal.models import Event
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.streams.services.account_feed import AccountFeed
from tradeops.streams.services.stream_book import StreamBook

if TYPE_CHECKING:
    from tradeops.exchange.port import ExchangePort

LIMIT_S = 60
# Readable, but beyond what some column or database takes.
AWKWARD: dict[str, Frame] = {
    "symbol longer than its column": good_frame(900_001, s="A" * 60),
    "asset longer than its column": good_frame(900_002, N="B" * 60),
    "quantity of 60 digits": good_frame(900_003, l="0." + "1" * 58, z="1", q="1"),
    "price of zero": good_frame(900_004, L="0"),
    "negative order": good_frame(900_005, q="-1", z="-1", l="0"),
}


class FramePort:
    """A venue whose stream is the given frames, read as the adapter reads them."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames
        self.is_heard = False

    async def open(self) -> None:
        return

    async def close(self) -> None:
        return

    async def stop(self) -> None:
        return

    def user_stream(self) -> "FramePort":
        return self

    async def items(
        self, *, on_state: Callable[[str, str], None]
    ) -> AsyncIterator[Sequence[StreamItem]]:
        on_state("CONNECTED", "")
        for frame in self._frames:
            yield parse_frame(frame, SYSTEM_CLOCK.now())
        self.is_heard = True
        await asyncio.Event().wait()


@pytest.fixture
def account(committed_db: None) -> ExchangeAccount:
    return ExchangeAccount.objects.create(name="hostile")


def hear(account: ExchangeAccount, frames: Sequence[Frame]) -> list[StreamState]:
    """Feed the frames to the account's books until all are written; the states on the way."""
    port, states = FramePort(frames), list[StreamState]()

    def show(state: StreamState, _detail: str) -> bool:
        states.append(state)
        return True

    async def serve() -> None:
        with ThreadPoolExecutor(1) as thread:
            feed = AccountFeed(
                account.pk,
                open_port=lambda: cast("ExchangePort", port),
                book=StreamBook(account.pk, fence=lambda: None, show=show, clock=SYSTEM_CLOCK),
                fill_gap=lambda _account_id: None,
                clock=SYSTEM_CLOCK,
                thread=thread,
            )
            task = asyncio.create_task(feed.run())
            async with asyncio.timeout(LIMIT_S):
                while not port.is_heard and not task.done():  # noqa: ASYNC110 – a flag of the fake
                    await asyncio.sleep(0.01)
                await feed.stop("test over")
                await task

    asyncio.run(serve())
    return states


def booked(account: ExchangeAccount) -> list[int]:
    fills = Fill.objects.filter(account_id=account.pk, symbol="BTCUSDT", trade_id__lt=900_000)
    return sorted(fills.values_list("trade_id", flat=True))


def with_successors(frames: Sequence[Frame]) -> list[Frame]:
    """Each frame followed by a good one, whose trades are numbered 1, 2, 3, …"""
    numbers = itertools.count(1)
    return [item for frame in frames for item in (frame, good_frame(next(numbers)))]


def kept(account: ExchangeAccount) -> list[Event]:
    return list(Event.objects.filter(account_id=account.pk, type="FrameSetAside").order_by("seq"))


def test_each_hostile_frame_is_kept_and_its_successor_is_booked(account: ExchangeAccount) -> None:
    frames = with_successors(list(HOSTILE.values()))

    states = hear(account, frames)

    assert booked(account) == list(range(1, len(HOSTILE) + 1))
    assert states == [StreamState.CONNECTED, StreamState.DISCONNECTED]
    events = kept(account)
    assert len(events) == len(HOSTILE)
    for event in events:
        payload = event.payload
        assert payload["stream"] == "user"
        assert payload["reason"].startswith(("MALFORMED: ", "UNKNOWN: "))
        assert len(payload["raw"]) <= 4000
        assert payload["raw"].isascii()
    everything = str([event.payload for event in events])
    assert LISTEN_KEY[:50] not in everything
    assert first_broken_link(account.pk) is None


def test_frame_that_no_column_takes_does_not_stop_the_feed(account: ExchangeAccount) -> None:
    hear(account, with_successors(list(AWKWARD.values())))

    assert booked(account) == list(range(1, len(AWKWARD) + 1))
    assert first_broken_link(account.pk) is None


def test_the_same_hostile_frame_again_is_kept_once(account: ExchangeAccount) -> None:
    same, other = HOSTILE["half"], HOSTILE["no order"]

    hear(account, [same, other, same, same, good_frame(1)])

    assert len(kept(account)) == 2
    assert booked(account) == [1]


def test_of_an_event_that_the_venue_added_one_specimen_a_day_is_kept(
    account: ExchangeAccount,
) -> None:
    frames = [f'{{"e":"EVENT_OF_2027","E":{number}}}' for number in range(50)]

    hear(account, [*frames, '{"e":"EVENT_OF_2028"}', good_frame(1)])

    assert [event.payload["reason"] for event in kept(account)] == [
        "UNKNOWN: EVENT_OF_2027",
        "UNKNOWN: EVENT_OF_2028",
    ]
    assert booked(account) == [1]


def test_published_frames_do_not_hold_up_the_next(account: ExchangeAccount) -> None:
    frames = published("ws")
    if not frames:
        pytest.skip("no corpus of real payloads beside the repository")

    hear(account, with_successors(list(frames.values())))

    assert set(range(1, len(frames) + 1)) <= set(booked(account))
    assert kept(account) == []
    assert first_broken_link(account.pk) is None
