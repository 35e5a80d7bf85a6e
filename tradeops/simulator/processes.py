"""The processes of a desk, as loops over the code that runs in production."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from celery import current_app
from django.db import Error as DatabaseError

from tradeops.domain.clock import Clock
from tradeops.domain.enums import StreamState
from tradeops.domain.errors import TradeOpsError
from tradeops.engine import tasks as engine_tasks
from tradeops.engine.ingest import StaleFence
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import MarkPriceReport
from tradeops.kit.portal import drive
from tradeops.market.cache import store_marks
from tradeops.reconcile.services.reconcile_now import fill_gap
from tradeops.schedule import PERIODS
from tradeops.simulator.broker import Broker
from tradeops.simulator.schedule import Crashed, Schedule
from tradeops.simulator.venue import SYMBOLS, Connection, SimVenue
from tradeops.streams import lease as leases
from tradeops.streams.services import vitals
from tradeops.streams.services.account_feed import AccountFeed
from tradeops.streams.services.feed_judgement import note as note_feed
from tradeops.streams.services.stream_book import StreamBook
from tradeops.streams.worker import VITALS_S

logger = logging.getLogger(__name__)

RENEW_S = leases.RENEW_S
_RETRY_S = 0.5
Note = Callable[[str, str], None]


def worker(schedule: Schedule, broker: Broker, queue: str, note: Note) -> None:
    """A Celery worker of one queue: late acknowledgement, errors logged."""
    process = schedule.current
    name = process.name if process else queue
    while True:
        message = broker.take(queue)
        engine_tasks.WORKER = name
        task = current_app.tasks[message.task]
        task.push_request(headers=dict(message.headers))
        try:
            task(**message.kwargs)
        except Crashed:
            broker.give_back(message)
            raise
        except Exception as error:
            logger.debug("task %s", message.task, exc_info=True)
            note(name, f"{message.task} failed: {type(error).__name__}: {error}")
        finally:
            task.pop_request()


def beat(schedule: Schedule, broker: Broker) -> None:
    """Sends what is due; begins anew when it is started again."""
    due = {period.name: period.seconds * schedule.rng.random() for period in PERIODS}
    began_us = schedule.at_us
    while True:
        name = min(due, key=lambda key: (due[key], key))
        period = next(item for item in PERIODS if item.name == name)
        passed_s = (schedule.at_us - began_us) / 1_000_000
        schedule.pause(max(0.0, due[name] - passed_s))
        try:
            broker.send_task(
                period.task,
                kwargs=dict(period.kwargs),
                queue=period.queue,
                expires=max(period.seconds, 2),
                headers={"periodic_task_name": period.name},
            )
        except OSError:
            schedule.pause(_RETRY_S)
        due[name] += period.seconds


@dataclass(slots=True)
class Streams:
    """A streams worker for one account: takes the lease, connects, journals, fills gaps."""

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
            self.schedule.pause(RENEW_S if self.schedule.rng.random() < 0.5 else _RETRY_S)

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
        feed = AccountFeed(
            self.account_id,
            open_port=self.open_port,
            book=book,
            fill_gap=fill_gap,
            clock=self.clock,
            thread=None,  # type: ignore[arg-type]  # nothing leaves this process
        )
        port = self.open_port()
        if self.schedule.current is not None:
            self.schedule.current.memory["lease"] = (self.account_id, held.token)
        drive(port.open())
        try:
            while True:
                self._connect_once(feed, port, held)
                self.schedule.pause(_RETRY_S)
        finally:
            self.note(self.owner, f"token {held.token} ended")

    def _connect_once(self, feed: AccountFeed, port: ExchangePort, held: leases.Lease) -> None:
        process = self.schedule.current
        if process is None:
            raise RuntimeError("streams run in a process")
        connection: Connection | None = None
        try:
            key = drive(port.user_stream()._get_key())  # type: ignore[attr-defined]
            connection = self.venue.connect(key, lambda: self.schedule.wake(process))
        except ExchangeError as error:
            self.note(self.owner, f"no listen key: {error}")
        if connection is not None:
            feed._on_state(StreamState.CONNECTED, "")
            self._write(feed)
            gap = _GapFill(self, feed)
            try:
                self._listen(feed, connection, held)
            finally:
                connection.is_broken = True
                gap.is_over = True
        feed._on_state(StreamState.RECONNECTING, "connection lost")
        self._write(feed)
        self._renew(held)

    def _listen(self, feed: AccountFeed, connection: Connection, held: leases.Lease) -> None:
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

    def _show_vitals(self, feed: AccountFeed) -> None:
        """What the worker's other tasks do every two seconds: signs of life, and mark prices."""
        if self.schedule.at_us < self._shown_us + VITALS_S * 1_000_000:
            return
        self._shown_us, now = self.schedule.at_us, self.clock.now()
        store_marks(MarkPriceReport(name, self.venue.core.mark(name), now) for name in SYMBOLS)
        heard = {"heard_at": feed.last_item_at, "synchronised_at": feed.synchronised_at}
        vitals.beat(self.owner, now, {}, {self.account_id: heard})

    def _write(self, feed: AccountFeed) -> None:
        while feed._inbox:
            taken = feed._take()
            while True:
                try:
                    feed._write_now(taken)
                except DatabaseError:
                    self.schedule.pause(_RETRY_S)
                else:
                    break


class _GapFill:
    """The gap fill of one connection, beside the reader, as in `AccountFeed`."""

    def __init__(self, streams: Streams, feed: AccountFeed) -> None:
        self._streams = streams
        self._feed = feed
        self.is_over = False
        streams.schedule.start(f"{streams.owner} gap", self._run)

    def _run(self) -> None:
        streams = self._streams
        while not self.is_over:
            started_at = streams.clock.now()
            try:
                fill_gap(streams.account_id)
                self._feed._book.synchronised()
            except StaleFence:
                return
            except (ConnectionError, ExchangeError, TradeOpsError, DatabaseError) as error:
                streams.note(streams.owner, f"gap not filled: {type(error).__name__}: {error}")
                streams.schedule.pause(_RETRY_S)
            else:
                self._feed.synchronised_at = started_at
                return
