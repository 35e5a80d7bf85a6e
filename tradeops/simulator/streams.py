"""The streams worker of one account: the production feed, book and upkeep on simulated sockets."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from django.db import Error as DatabaseError

from tradeops.domain.clock import Clock
from tradeops.domain.enums import StreamState
from tradeops.domain.errors import TradeOpsError
from tradeops.engine.ingest import StaleFence
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import MarkPriceReport
from tradeops.kit.portal import drive
from tradeops.market.cache import store_marks
from tradeops.reconcile.services.reconcile_now import fill_gap
from tradeops.simulator.schedule import Schedule
from tradeops.simulator.venue import SYMBOLS, Connection, SimVenue
from tradeops.streams import lease as leases
from tradeops.streams.lease import RENEW_S
from tradeops.streams.services import vitals
from tradeops.streams.services.account_feed import AccountFeed
from tradeops.streams.services.account_upkeep import TICK_S, AccountUpkeep
from tradeops.streams.services.feed_judgement import note as note_feed
from tradeops.streams.services.stream_book import StreamBook
from tradeops.streams.worker import VITALS_S

T = TypeVar("T")
RETRY_S = 0.5
_NO_THREAD: Any = None  # a simulated process is one thread
Note = Callable[[str, str], None]


class _Feed(AccountFeed):
    """Its inbox and its writing are used; reading a socket is `Streams`' part."""

    connection: Connection | None = None

    async def reconnect(self, reason: str) -> None:
        """Break what cannot be trusted; the reader connects anew."""
        del reason
        if self.connection is not None:
            self.connection.is_broken = True
            self.connection.wake()


class _Upkeep(AccountUpkeep):
    async def _in_thread(self, job: Callable[[], T]) -> T:
        return job()

    async def _mode(self, _port: ExchangePort) -> None:
        if self._is_due("mode", 60.0):
            self._check_mode()

    def tick(self, port: ExchangePort) -> None:
        """One round of `AccountUpkeep.run`."""
        for step in (self._clocks, self._countdowns, self._mode, self._deafness):
            drive(self._guarded(step(port), step.__name__))


@dataclass(slots=True)
class Streams:
    """Takes the lease, connects, journals, fills gaps; for one account, until its process dies."""

    schedule: Schedule
    venue: SimVenue
    clock: Clock
    account_id: int
    owner: str
    open_port: Callable[[], ExchangePort]
    note: Note
    _shown_us: int = 0

    def run(self) -> None:
        """Until the process dies."""
        while True:
            try:
                held = leases.acquire(self.account_id, owner=self.owner, now=self.clock.now())
                if held is not None:
                    self._serve(held)
            except (DatabaseError, ExchangeError, StaleFence) as error:
                self.note(self.owner, f"stream ended: {type(error).__name__}")
            self.schedule.pause(RENEW_S)

    def _serve(self, held: leases.Lease) -> None:
        fence = partial(leases.fence, held)
        book = StreamBook(
            self.account_id,
            fence=fence,
            show=lambda state, detail: leases.set_state(held, state, detail, now=self.clock.now()),
            clock=self.clock,
            token=held.token,
            judge=lambda change: note_feed(
                self.account_id, change, now=self.clock.now(), fence=fence
            ),
        )
        feed = _Feed(
            self.account_id,
            open_port=self.open_port,
            book=book,
            fill_gap=fill_gap,
            clock=self.clock,
            thread=_NO_THREAD,
        )
        if self.schedule.current is not None:
            self.schedule.current.memory["lease"] = (self.account_id, held.token)
        port = feed.port = self.open_port()
        drive(port.open())
        upkeep = _Upkeep(self.account_id, feed, fence=fence, clock=self.clock, thread=_NO_THREAD)
        thread = self.schedule.start(f"{self.owner} upkeep", partial(self._keep_up, upkeep, feed))
        try:
            while True:
                self._connect_once(feed, port, held)
                self.schedule.pause(RETRY_S)
        finally:
            self.schedule.kill(thread)

    def _keep_up(self, upkeep: _Upkeep, feed: _Feed) -> None:
        while True:
            self.schedule.pause(TICK_S)
            if feed.port is not None and feed.is_connected:
                upkeep.tick(feed.port)

    def _connect_once(self, feed: _Feed, port: ExchangePort, held: leases.Lease) -> None:
        process = self.schedule.current
        if process is None:
            raise RuntimeError("streams run in a process")
        feed.connection = None
        try:
            key = drive(port.user_stream()._get_key())  # type: ignore[attr-defined]
            feed.connection = self.venue.connect(key, lambda: self.schedule.wake(process))
        except ExchangeError as error:
            self.note(self.owner, f"no listen key: {error}")
        if feed.connection is not None:
            feed._on_state(StreamState.CONNECTED, "")
            self._write(feed)
            gap = self.schedule.start(f"{self.owner} gap", partial(self._fill_the_gap, feed))
            try:
                self._listen(feed, feed.connection, held)
            finally:
                feed.connection.is_broken = True
                self.schedule.kill(gap)
        feed._on_state(StreamState.RECONNECTING, "connection lost")
        self._write(feed)
        self._renew(held)

    def _listen(self, feed: _Feed, connection: Connection, held: leases.Lease) -> None:
        renewed_us = self.schedule.at_us
        while not connection.is_broken or connection.frames:
            while connection.frames:
                feed._hear(parse_frame(connection.frames.pop(0), self.clock.now()))
            self._write(feed)
            if self.schedule.at_us - renewed_us >= RENEW_S * 1_000_000:
                self._renew(held)
                renewed_us = self.schedule.at_us
            self._show_vitals(feed)
            if not connection.frames and not connection.is_broken:
                self.schedule.wait(VITALS_S)

    def _renew(self, held: leases.Lease) -> None:
        if not leases.renew(held, now=self.clock.now()):
            raise StaleFence("lease lost")

    def _show_vitals(self, feed: _Feed) -> None:
        """What the worker's other tasks do every two seconds: signs of life, and mark prices."""
        if self.schedule.at_us < self._shown_us + VITALS_S * 1_000_000:
            return
        self._shown_us, now = self.schedule.at_us, self.clock.now()
        store_marks(MarkPriceReport(name, self.venue.core.mark(name), now) for name in SYMBOLS)
        heard = {"heard_at": feed.last_item_at, "synchronised_at": feed.synchronised_at}
        vitals.beat(self.owner, now, {}, {self.account_id: heard})

    def _write(self, feed: _Feed) -> None:
        while feed._inbox:
            taken = feed._take()
            while True:
                try:
                    feed._write_now(taken)
                except DatabaseError:
                    self.schedule.pause(RETRY_S)
                else:
                    break

    def _fill_the_gap(self, feed: _Feed) -> None:
        """The gap fill of one connection, beside the reader, as in `AccountFeed`."""
        while True:
            started_at = self.clock.now()
            try:
                fill_gap(self.account_id)
                feed._book.synchronised()
            except StaleFence:
                return
            except (ConnectionError, ExchangeError, TradeOpsError, DatabaseError) as error:
                self.note(self.owner, f"gap not filled: {type(error).__name__}: {error}")
                self.schedule.pause(RETRY_S)
            else:
                feed.synchronised_at = started_at
                return
