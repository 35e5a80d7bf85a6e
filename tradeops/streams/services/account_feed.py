"""Serve one account's user-data stream: hear, journal, and ask over REST for what was missed.

Frames wait in memory until they are written, in order, by one thread per account. A database that
does not answer holds them up and loses none. A frame that nobody understands, and a report that
cannot be written, are set aside as events and never hold up the next (F21).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from django.db import DataError, IntegrityError, close_old_connections
from django.db import Error as DatabaseError

from tradeops.domain.clock import Clock
from tradeops.domain.enums import StreamState
from tradeops.domain.errors import TradeOpsError
from tradeops.engine.ingest import StaleFence
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import MarkPriceReport, Report, StreamItem, StreamNotice
from tradeops.streams.services.specimen import harmless, specimen

logger = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 200
RETRY_MIN_S = 0.5
RETRY_MAX_S = 15.0
_IGNORED, _UNKNOWN, _MALFORMED = "IGNORED", "UNKNOWN", "MALFORMED"
_REASON_LENGTH = 200


class Book(Protocol):
    """What a feed writes, under the fence of its lease. Called on the account's one thread."""

    def facts(self, reports: Sequence[Report]) -> None:
        """Journal reports; raises StaleFence when the lease is gone."""

    def state(self, state: StreamState, detail: str, at: datetime) -> None:
        """Journal and show a change of the stream; raises StaleFence when the lease is gone."""

    def synchronised(self) -> None:
        """The gap before the present connection is filled; raises StaleFence as well."""

    def set_aside(self, raw: str, reason: str, at: datetime, *, once: str) -> None:
        """Journal what could not be used; a second one with the same `once` is not written.

        Raises StaleFence when the lease is gone.
        """


@dataclass(frozen=True, slots=True)
class _Change:
    state: StreamState
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Aside:
    """A frame that was not understood. `once`: see `Book.set_aside`."""

    raw: str
    reason: str
    at: datetime
    once: str


class AccountFeed:
    """One account's stream while its lease is held. `run` ends by StaleFence or cancellation."""

    def __init__(
        self,
        account_id: int,
        *,
        open_port: Callable[[], ExchangePort],
        book: Book,
        fill_gap: Callable[[int], None],
        clock: Clock,
        thread: Executor,
    ) -> None:
        self.account_id = account_id
        self.port: ExchangePort | None = None
        self.last_item_at: datetime | None = None
        self.synchronised_at: datetime | None = None
        self.is_connected = False
        self.connections = 0
        self._open_port = open_port
        self._book = book
        self._fill_gap = fill_gap
        self._clock = clock
        self._thread = thread
        self._inbox: deque[_Change | _Aside | Report] = deque()
        self._arrived = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._gap: asyncio.Task[None] | None = None
        self._stopping = False

    async def run(self) -> None:
        """Serve until `stop`, or until the lease is lost (StaleFence)."""
        self._reader = asyncio.create_task(self._read_for_ever())
        try:
            await self._write_until_stopped()
        finally:
            tasks = [task for task in (self._reader, self._gap) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self, reason: str) -> None:
        """Disconnect, write what has arrived, then let `run` end."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        self._stopping = True
        self._on_state(StreamState.DISCONNECTED, reason)

    async def reconnect(self, reason: str) -> None:
        """Open a new connection, since the present one cannot be trusted."""
        if self._stopping or self._reader is None:
            return
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._on_state(StreamState.RECONNECTING, reason)
        self._reader = asyncio.create_task(self._read_for_ever())

    async def _read_for_ever(self) -> None:
        delay_s = RETRY_MIN_S
        while True:
            try:
                port = self.port = await self._in_thread(self._open_port)
                await port.open()
                delay_s = RETRY_MIN_S
                await self._read(port)
                reason = "the stream ended"
            except (ExchangeError, TradeOpsError, DatabaseError) as error:
                reason = f"{type(error).__name__}: {error}"
            except Exception:
                # A defect of the adapter must not end the account's service.
                logger.exception("stream of account %s broke", self.account_id)
                reason = "internal error"
            finally:
                port_now, self.port = self.port, None
                if port_now is not None:
                    await port_now.close()
            self._on_state(StreamState.RECONNECTING, reason)
            await asyncio.sleep(delay_s)
            delay_s = min(RETRY_MAX_S, delay_s * 2)

    async def _read(self, port: ExchangePort) -> None:
        stream = port.user_stream()
        try:
            async for items in stream.items(on_state=self._on_state):
                self._hear(items)
        finally:
            await stream.stop()

    def _hear(self, items: Sequence[StreamItem]) -> None:
        self.last_item_at = self._clock.now()
        for item in items:
            if isinstance(item, StreamNotice):
                self._notice(item)
            elif not isinstance(item, MarkPriceReport):
                self._inbox.append(item)
        self._arrived.set()

    def _notice(self, notice: StreamNotice) -> None:
        if notice.kind == _IGNORED:
            return
        logger.warning("account %s stream: %s %s", self.account_id, notice.kind, notice.detail)
        if notice.kind not in {_UNKNOWN, _MALFORMED}:
            return
        at, raw = self._clock.now(), specimen(notice.raw)
        # Of an event that the venue has added one specimen a day will do.
        once = f"{at:%Y-%m-%d}" if notice.kind == _UNKNOWN else raw
        reason = f"{notice.kind}: {notice.detail}"[:_REASON_LENGTH]
        self._inbox.append(_Aside(raw, reason, at, once))

    def _on_state(self, state: str, detail: str) -> None:
        self.is_connected = state == StreamState.CONNECTED
        self.connections += self.is_connected
        self._inbox.append(_Change(StreamState(state), detail, self._clock.now()))
        self._arrived.set()

    async def _write_until_stopped(self) -> None:
        while not self._stopping:
            await self._arrived.wait()
            self._arrived.clear()
            while self._inbox:
                taken = self._take()
                await self._write(taken)
                if isinstance(taken, _Change) and taken.state is StreamState.CONNECTED:
                    self._start_gap_fill()

    def _take(self) -> _Change | _Aside | list[Report]:
        """The next state change or frame set aside, or the reports before it."""
        first = self._inbox[0]
        if isinstance(first, _Change | _Aside):
            self._inbox.popleft()
            return first
        reports: list[Report] = []
        while self._inbox and len(reports) < BATCH:
            item = self._inbox[0]
            if isinstance(item, _Change | _Aside):
                break
            reports.append(item)
            self._inbox.popleft()
        return reports

    async def _write(self, taken: _Change | _Aside | list[Report]) -> None:
        """Write until it is written; only StaleFence ends it otherwise."""
        delay_s = RETRY_MIN_S
        while True:
            try:
                await self._in_thread(lambda: self._write_now(taken))
            except DatabaseError as error:
                logger.warning(
                    "account %s: the database refused, %s wait: %s",
                    self.account_id,
                    len(self._inbox),
                    error,
                )
                await asyncio.sleep(delay_s)
                delay_s = min(RETRY_MAX_S, delay_s * 2)
            else:
                return

    def _write_now(self, taken: _Change | _Aside | list[Report]) -> None:
        if isinstance(taken, _Change):
            self._book.state(taken.state, taken.detail, taken.at)
            return
        if isinstance(taken, _Aside):
            self._set_aside(taken)
            return
        try:
            self._book.facts(taken)
        except Exception as error:
            if _is_outage(error) or isinstance(error, StaleFence):
                raise
            self._one_by_one(taken)

    def _one_by_one(self, taken: list[Report]) -> None:
        for report in taken:
            try:
                self._book.facts([report])
            except Exception as error:
                if _is_outage(error) or isinstance(error, StaleFence):
                    raise
                kind, text = type(report).__name__, harmless(repr(report))
                logger.exception("account %s: %s set aside: %s", self.account_id, kind, text)
                reason = harmless(f"{kind}: {type(error).__name__} {error}")[:_REASON_LENGTH]
                self._set_aside(_Aside(text, reason, self._clock.now(), once=text))

    def _set_aside(self, aside: _Aside) -> None:
        try:
            self._book.set_aside(aside.raw, aside.reason, aside.at, once=aside.once)
        except Exception as error:
            if _is_outage(error) or isinstance(error, StaleFence):
                raise
            logger.exception("account %s: not even set aside: %s", self.account_id, aside.reason)

    def _start_gap_fill(self) -> None:
        if self._gap is not None:
            self._gap.cancel()  # its reads may be older than this connection
        self._gap = asyncio.create_task(self._fill_the_gap())

    async def _fill_the_gap(self) -> None:
        """Ask for everything once per connection, again until the venue has answered to the end."""
        delay_s = RETRY_MIN_S
        while True:
            started_at = self._clock.now()
            try:
                await asyncio.to_thread(_with_connections, lambda: self._fill_gap(self.account_id))
                await self._in_thread(self._book.synchronised)
            except StaleFence:
                return  # the writer finds out as well, and ends the feed
            except (ConnectionError, ExchangeError, TradeOpsError, DatabaseError) as error:
                logger.warning("account %s: gap not filled yet: %s", self.account_id, error)
            except Exception:
                logger.exception("account %s: gap not filled", self.account_id)
            else:
                self.synchronised_at = started_at
                return
            await asyncio.sleep(delay_s)
            delay_s = min(RETRY_MAX_S, delay_s * 2)

    async def _in_thread(self, job: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _with_connections, job)


def _with_connections(job: Callable[[], T]) -> T:
    """Run a job on a thread that Django does not know: return or renew its connections."""
    close_old_connections()
    try:
        return job()
    finally:
        close_old_connections()


def _is_outage(error: Exception) -> bool:
    # A broken constraint, and a value that fits no column, are the report's fault; anything else
    # that the database says may pass.
    fault = IntegrityError | DataError
    return isinstance(error, DatabaseError) and not isinstance(error, fault)
