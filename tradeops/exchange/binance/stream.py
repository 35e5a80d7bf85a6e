"""Own supervisor of Binance websockets: reconnects for ever, renews its key, loses no frame.

python-binance's sockets give up after a few tries, drop frames when a queue of 100 is full, and
only log a failed key renewal (F17, F19, F20), so nothing of them is used. Silence of a living
connection is not judged here: only REST can tell it from a quiet market (F16).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import aiohttp

from tradeops.domain.clock import Clock
from tradeops.domain.enums import StreamState
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.binance.outcomes import LISTEN_KEY_UNKNOWN
from tradeops.exchange.binance.urls import Endpoints
from tradeops.exchange.errors import ExchangeError, Throttled
from tradeops.exchange.reports import MarkPriceReport, StreamItem
from tradeops.exchange.throttle import Withheld

OnState = Callable[[str, str], None]

_LISTEN_KEY_EXPIRED = "listenKeyExpired"
_MAX_DOUBLINGS = 16


@dataclass(frozen=True, slots=True)
class StreamTimings:
    """Periods of a supervisor, in seconds; other values are for tests.

    The venue closes a connection after 24 h and a listen key after 60 min. It pings every 3 min;
    we ping more often, to notice a dead line within `heartbeat_s` × 1.5.
    """

    backoff_min_s: float = 0.25
    backoff_max_s: float = 30.0
    stable_s: float = 30.0  # a connection that lived so long starts the back-off anew
    heartbeat_s: float = 15.0
    connect_s: float = 10.0
    renew_s: float = 1800.0
    renew_again_s: float = 20.0
    rotate_s: float = 23.5 * 3600


@dataclass(frozen=True, slots=True)
class _Change:
    state: StreamState
    detail: str


class Supervisor:
    """Keeps one websocket connected until `stop`. Subclasses say where to and what to keep."""

    def __init__(
        self, *, clock: Clock, jitter: Callable[[], float], timings: StreamTimings
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self._timings = timings
        # Frames and state changes in one list, so that their order survives (F19: unbounded).
        self._buffer: list[_Change | str | bytes] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def stop(self) -> None:
        """Disconnect and let `items` end; idempotent."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _target(self) -> str:
        """Return the URL to connect to; called for every connection."""
        raise NotImplementedError

    def _keep(self, frame: str | bytes) -> str:
        """Store one frame; a text returned ends the connection, for that reason."""
        raise NotImplementedError

    def _companions(self) -> list[Coroutine[Any, Any, str]]:
        """What runs beside a connection and ends it by returning the reason."""
        return []

    async def _changes(self) -> AsyncGenerator[list[_Change | str | bytes], None]:
        """Start, and yield what has gathered each time the consumer comes back."""
        if self._task is not None:
            message = "a stream has one consumer"
            raise RuntimeError(message)
        task = self._task = asyncio.create_task(self._run())
        task.add_done_callback(lambda _: self._wake.set())
        try:
            while not task.done() or self._buffer:
                await self._wake.wait()
                self._wake.clear()
                gathered, self._buffer = self._buffer, []
                yield gathered
            if not task.cancelled():
                task.result()
        finally:
            await self.stop()

    def _tell(self, state: StreamState, detail: str) -> None:
        self._buffer.append(_Change(state, detail))
        self._wake.set()

    async def _run(self) -> None:
        self._tell(StreamState.CONNECTING, "")
        try:
            await self._serve_for_ever()
        finally:
            self._tell(StreamState.DISCONNECTED, "stopped")

    async def _serve_for_ever(self) -> None:
        failures = 0
        while True:
            started_s = self._clock.monotonic_s()
            least_s = 0.0
            try:
                reason = await self._serve()
            except ExchangeError as error:
                reason = str(error)
                if isinstance(error, Throttled | Withheld):
                    least_s = error.retry_after_s
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = _why(error)
            if self._clock.monotonic_s() - started_s >= self._timings.stable_s:
                failures = 0
            self._tell(StreamState.RECONNECTING, reason)
            await asyncio.sleep(max(least_s, self._backoff_s(failures)))
            failures += 1

    def _backoff_s(self, failures: int) -> float:
        doubled = self._timings.backoff_min_s * 2.0 ** min(failures, _MAX_DOUBLINGS)
        return min(self._timings.backoff_max_s, doubled) * (0.5 + 0.5 * self._jitter())

    async def _serve(self) -> str:
        """Hold one connection until it ends and return why."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            async with asyncio.timeout(self._timings.connect_s):
                socket = await session.ws_connect(
                    await self._target(),
                    heartbeat=self._timings.heartbeat_s,
                    max_msg_size=0,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
            async with socket:
                self._tell(StreamState.CONNECTED, "")
                return await _first_of(self._read(socket), self._rotate(), *self._companions())

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> str:
        async for message in socket:
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                reason = self._keep(message.data)
                self._wake.set()
                if reason:
                    return reason
        error = socket.exception()
        return _why(error) if error else f"closed by the venue with code {socket.close_code}"

    async def _rotate(self) -> str:
        await asyncio.sleep(self._timings.rotate_s)
        return "planned renewal of the connection"


class UserDataStream(Supervisor):
    """`UserStream` of one account."""

    def __init__(
        self,
        endpoints: Endpoints,
        *,
        get_key: Callable[[], Awaitable[str]],
        renew_key: Callable[[str], Awaitable[str]],
        clock: Clock,
        jitter: Callable[[], float],
        timings: StreamTimings,
    ) -> None:
        super().__init__(clock=clock, jitter=jitter, timings=timings)
        self._endpoints = endpoints
        self._get_key = get_key
        self._renew_key = renew_key
        self._key = ""

    async def items(self, *, on_state: OnState) -> AsyncIterator[Sequence[StreamItem]]:
        """Yield all items parsed since the last time; state changes are told in their place."""
        async with aclosing(self._changes()) as changes:
            async for gathered in changes:
                batch: list[StreamItem] = []
                for entry in gathered:
                    if not isinstance(entry, _Change):
                        batch += parse_frame(entry, self._clock.now())
                        continue
                    if batch:
                        yield batch
                        batch = []
                    on_state(entry.state.value, entry.detail)
                if batch:
                    yield batch

    async def _target(self) -> str:
        self._key = await self._get_key()
        return self._endpoints.user_stream(self._key)

    def _keep(self, frame: str | bytes) -> str:
        self._buffer.append(frame)
        text = frame if isinstance(frame, str) else frame.decode(errors="replace")
        return "listen key expired" if _LISTEN_KEY_EXPIRED in text else ""

    def _companions(self) -> list[Coroutine[Any, Any, str]]:
        return [self._renew()]

    async def _renew(self) -> str:
        wait_s = self._timings.renew_s
        while True:
            await asyncio.sleep(wait_s)
            wait_s = self._timings.renew_again_s * (0.5 + self._jitter())
            try:
                key = await self._renew_key(self._key)
            except ExchangeError as error:
                if error.code == LISTEN_KEY_UNKNOWN:
                    return "listen key unknown to the venue"
                continue
            if key != self._key:
                return "listen key changed"
            wait_s = self._timings.renew_s


class MarkPriceStream(Supervisor):
    """`MarketStream` of mark prices; only the newest of each symbol waits for the consumer."""

    def __init__(
        self,
        endpoints: Endpoints,
        symbols: tuple[str, ...],
        *,
        clock: Clock,
        jitter: Callable[[], float],
        timings: StreamTimings,
    ) -> None:
        if not symbols:
            message = "a mark price stream needs a symbol"
            raise ValueError(message)
        super().__init__(clock=clock, jitter=jitter, timings=timings)
        self._endpoints = endpoints
        self._symbols = symbols
        self._newest: dict[str, MarkPriceReport] = {}

    async def items(self, *, on_state: OnState) -> AsyncIterator[Sequence[MarkPriceReport]]:
        """Yield the newest mark price of each symbol that has changed since the last time."""
        async with aclosing(self._changes()) as changes:
            async for gathered in changes:
                for entry in gathered:
                    if isinstance(entry, _Change):
                        on_state(entry.state.value, entry.detail)
                if self._newest:
                    marks, self._newest = self._newest, {}
                    yield list(marks.values())

    async def _target(self) -> str:
        return self._endpoints.mark_stream(self._symbols)

    def _keep(self, frame: str | bytes) -> str:
        for item in parse_frame(frame, self._clock.now()):
            if isinstance(item, MarkPriceReport):
                self._newest[item.symbol] = item
        return ""


async def _first_of(*parts: Coroutine[Any, Any, str]) -> str:
    """Run all, return what the first one to end returns, and end the others."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _why(error: BaseException) -> str:
    # The texts of aiohttp's errors may hold the URL, and that the listen key.
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return f"handshake refused with HTTP {error.status}"
    return type(error).__name__
