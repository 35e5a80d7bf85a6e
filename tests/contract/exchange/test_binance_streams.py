"""The stream supervisors on the wire: they lose nothing and never give up."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import WSCloseCode, web

from tests.contract.exchange.wire import Answer, Log, ScriptedVenue, adapter_to, refused, until
from tests.support.hostile_frames import HOSTILE, good_frame
from tradeops.exchange.binance.stream import StreamTimings
from tradeops.exchange.port import UserStream
from tradeops.exchange.reports import FillReport, MarkPriceReport, StreamItem, StreamNotice

KEY_ROUTE = "POST /fapi/v1/listenKey"
RENEW_ROUTE = "PUT /fapi/v1/listenKey"
SOCKET = "WS /private/ws"
FAST = StreamTimings(backoff_min_s=0.01, backoff_max_s=0.05)


def frame(number: int) -> str:
    return json.dumps({"e": "TRADE_LITE", "t": number})


def number_of(item: StreamItem) -> Any:
    assert isinstance(item, StreamNotice)
    return item.raw["t"]


async def stay_open(_request: web.Request, socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


@asynccontextmanager
async def following(
    venue: ScriptedVenue, timings: StreamTimings = FAST
) -> AsyncIterator[tuple[Log, UserStream]]:
    async with venue.running(), adapter_to(venue.url, timings=timings) as adapter:
        log, stream = Log(), adapter.user_stream()
        task = asyncio.create_task(log.follow(stream))
        try:
            yield log, stream
        finally:
            await stream.stop()
            await asyncio.wait_for(task, 10)


def venue_with(
    on_socket: Callable[[web.Request, web.WebSocketResponse], Awaitable[None]], *keys: str
) -> ScriptedVenue:
    venue = ScriptedVenue()
    venue.script(KEY_ROUTE, *(Answer(body={"listenKey": key}) for key in keys or ("key-1",)))
    venue.script(RENEW_ROUTE, Answer(body={}))
    venue.on_socket = on_socket
    return venue


def test_user_stream_burst_of_5000_frames_arrives_whole_and_in_order() -> None:
    async def burst(request: web.Request, socket: web.WebSocketResponse) -> None:
        for number in range(5000):
            await socket.send_str(frame(number))
        await stay_open(request, socket)

    async def run() -> None:
        venue = venue_with(burst)
        async with following(venue) as (log, _):
            await until(lambda: len(log.items) == 5000)
        assert [number_of(item) for item in log.items] == list(range(5000))
        assert log.states == ["CONNECTING", "CONNECTED", "DISCONNECTED"]
        assert log.batches < 5000

    asyncio.run(run())


def test_user_stream_state_changes_stand_where_they_happened_among_the_items() -> None:
    async def twice(_request: web.Request, socket: web.WebSocketResponse) -> None:
        connection = len(venue.named(SOCKET))
        await socket.send_str(frame(connection))
        if connection == 2:
            await stay_open(_request, socket)
        await socket.close(code=WSCloseCode.GOING_AWAY)

    venue = venue_with(twice)

    async def run() -> None:
        async with following(venue) as (log, _):
            await until(lambda: len(log.items) == 2)
        marks = [entry if isinstance(entry, str) else number_of(entry) for entry in log.seen]
        assert marks == [
            "CONNECTING", "CONNECTED", 1, "RECONNECTING", "CONNECTED", 2, "DISCONNECTED",
        ]  # fmt: skip
        assert log.details[2] == "closed by the venue with code 1001"

    asyncio.run(run())


def test_user_stream_dropped_line_is_connected_again_for_ever() -> None:
    async def drop(request: web.Request, socket: web.WebSocketResponse) -> None:
        if len(venue.named(SOCKET)) > 12:
            await socket.send_str(frame(12))
            await stay_open(request, socket)
        assert request.transport is not None
        request.transport.abort()

    venue = venue_with(drop)

    async def run() -> None:
        async with following(venue) as (log, _):
            await until(lambda: bool(log.items))
        assert log.states.count("CONNECTED") == 13
        assert log.states.count("RECONNECTING") == 12

    asyncio.run(run())


def test_user_stream_venue_without_keys_is_asked_until_it_has_one() -> None:
    venue = venue_with(stay_open)
    venue.script(
        KEY_ROUTE,
        Answer(503, "Service Unavailable"),
        refused(401, -2015),
        Answer(200, "<html>"),
        Answer(200, {}),
        Answer(200, []),
        Answer(200, {"listenKey": "key-9"}),
    )

    async def run() -> None:
        async with following(venue) as (log, _):
            await until(lambda: "CONNECTED" in log.states)
        assert log.states == ["CONNECTING", *["RECONNECTING"] * 5, "CONNECTED", "DISCONNECTED"]
        assert "-2015" in log.details[2]

    asyncio.run(run())
    assert venue.named(SOCKET)[0].params["listenKey"] == "key-9"


def test_user_stream_hostile_frames_end_neither_the_connection_nor_the_next_frame() -> None:
    frames = [frame for name, frame in HOSTILE.items() if name != "torn listen key"]

    async def attack(request: web.Request, socket: web.WebSocketResponse) -> None:
        for number, hostile in enumerate(frames, 1):
            if isinstance(hostile, str):
                await socket.send_str(hostile)
            else:
                await socket.send_bytes(hostile)
            await socket.send_str(good_frame(number))
        await stay_open(request, socket)

    def fills(log: Log) -> list[str]:
        return [item.trade_id for item in log.items if isinstance(item, FillReport)]

    async def run() -> None:
        async with following(venue_with(attack)) as (log, _):
            await until(lambda: len(fills(log)) == len(frames))
        assert fills(log) == [str(number) for number in range(1, len(frames) + 1)]
        assert log.states == ["CONNECTING", "CONNECTED", "DISCONNECTED"]

    asyncio.run(run())


def test_user_stream_expired_key_is_replaced_at_once() -> None:
    async def expire_first(request: web.Request, socket: web.WebSocketResponse) -> None:
        if request.query["listenKey"] == "key-1":
            await socket.send_json({"e": "listenKeyExpired", "E": 1, "listenKey": "key-1"})
        else:
            await socket.send_str(frame(1))
        await stay_open(request, socket)

    venue = venue_with(expire_first, "key-1", "key-2")

    async def run() -> None:
        async with following(venue) as (log, _):
            await until(lambda: len(log.items) == 2)
        notice = log.items[0]
        assert isinstance(notice, StreamNotice)
        assert notice.kind == "LISTEN_KEY_EXPIRED"
        assert log.states == [
            "CONNECTING", "CONNECTED", "RECONNECTING", "CONNECTED", "DISCONNECTED",
        ]  # fmt: skip
        assert log.details[2] == "listen key expired"

    asyncio.run(run())
    assert [call.params["listenKey"] for call in venue.named(SOCKET)] == ["key-1", "key-2"]


def test_user_stream_key_is_renewed_and_a_failed_renewal_is_repeated() -> None:
    venue = venue_with(stay_open)
    venue.script(RENEW_ROUTE, Answer(500, ""), Answer(drop=True), Answer(body={}), Answer(body={}))
    often = StreamTimings(backoff_min_s=0.01, renew_s=0.01, renew_again_s=0.01)

    async def run() -> None:
        async with following(venue, often) as (log, _):
            await until(lambda: len(venue.named(RENEW_ROUTE)) >= 6)
        assert log.states == ["CONNECTING", "CONNECTED", "DISCONNECTED"]

    asyncio.run(run())
    assert venue.named(RENEW_ROUTE)[0].params["listenKey"] == "key-1"
    assert not venue.named("DELETE /fapi/v1/listenKey")


@pytest.mark.parametrize("answer", [refused(400, -1125), Answer(body={"listenKey": "key-2"})])
def test_user_stream_key_that_the_venue_forgot_or_changed_is_replaced(answer: Answer) -> None:
    venue = venue_with(stay_open, "key-1", "key-2")
    venue.script(RENEW_ROUTE, answer, Answer(body={}))
    often = StreamTimings(backoff_min_s=0.01, renew_s=0.02, renew_again_s=0.01)

    async def run() -> None:
        async with following(venue, often) as (log, _):
            await until(lambda: log.states.count("CONNECTED") == 2)

    asyncio.run(run())
    assert venue.named(SOCKET)[1].params["listenKey"] == "key-2"


def test_user_stream_connection_is_renewed_before_the_venue_ends_it() -> None:
    venue = venue_with(stay_open)
    short = StreamTimings(backoff_min_s=0.01, rotate_s=0.05)

    async def run() -> None:
        async with following(venue, short) as (log, _):
            await until(lambda: log.states.count("CONNECTED") >= 3)
        assert log.details[2] == "planned renewal of the connection"

    asyncio.run(run())


def test_user_stream_line_that_answers_no_ping_is_left() -> None:
    async def deaf(request: web.Request, socket: web.WebSocketResponse) -> None:
        if len(venue.named(SOCKET)) > 1:
            await stay_open(request, socket)
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)  # reads nothing, so it answers no ping

    venue = venue_with(deaf)
    nervous = StreamTimings(backoff_min_s=0.01, heartbeat_s=0.1)

    async def run() -> None:
        async with following(venue, nervous) as (log, _):
            await until(lambda: log.states.count("CONNECTED") == 2)

    asyncio.run(run())


def test_user_stream_refused_handshake_does_not_tell_the_key() -> None:
    venue = venue_with(stay_open, "very-secret-key")
    venue.script("GET /private/ws", Answer(404, "no such stream"))

    async def run() -> None:
        venue.refuse_sockets = True
        async with following(venue) as (log, stream):
            await until(lambda: log.states.count("RECONNECTING") >= 2)
            await stream.stop()
            assert "handshake refused with HTTP 404" in log.details
            assert "very-secret-key" not in repr(log.details)

    asyncio.run(run())


def test_user_stream_has_one_consumer_and_stops_once() -> None:
    async def run() -> None:
        venue = venue_with(stay_open)
        async with following(venue) as (log, stream):
            await until(lambda: "CONNECTED" in log.states)
            with pytest.raises(RuntimeError, match="one consumer"):
                async for _ in stream.items(on_state=log.on_state):
                    pass
            await stream.stop()
            await stream.stop()
        assert log.states[-1] == "DISCONNECTED"

    asyncio.run(run())


def test_mark_stream_yields_the_newest_price_of_each_symbol() -> None:
    async def marks(request: web.Request, socket: web.WebSocketResponse) -> None:
        for price in range(1, 201):
            for symbol in ("BTCUSDT", "ETHUSDT"):
                mark = {"e": "markPriceUpdate", "E": price, "s": symbol, "p": str(price), "T": 0}
                await socket.send_json({"stream": f"{symbol}@markPrice@1s", "data": mark})
        await socket.send_json({"result": None, "id": 1})
        await stay_open(request, socket)

    venue = venue_with(marks)

    async def run() -> None:
        async with venue.running(), adapter_to(venue.url, timings=FAST) as adapter:
            stream, log = adapter.mark_stream(("BTCUSDT", "ETHUSDT")), Log()
            newest: dict[str, MarkPriceReport] = {}
            async for batch in stream.items(on_state=log.on_state):
                assert len({report.symbol for report in batch}) == len(batch)
                newest |= {report.symbol: report for report in batch}
                if len(newest) == 2 and all(r.mark_price == 200 for r in newest.values()):
                    break
            await stream.stop()
            assert log.states[:2] == ["CONNECTING", "CONNECTED"]

    asyncio.run(run())
    (call,) = venue.named("WS /market/stream")
    assert call.params["streams"] == "btcusdt@markPrice@1s/ethusdt@markPrice@1s"


def test_mark_stream_of_nothing_is_refused() -> None:
    async def run() -> None:
        venue = venue_with(stay_open)
        async with venue.running(), adapter_to(venue.url) as adapter:
            with pytest.raises(ValueError, match="needs a symbol"):
                adapter.mark_stream(())

    asyncio.run(run())
