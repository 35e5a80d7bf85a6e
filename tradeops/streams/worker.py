"""The streams worker: a bootstep of `celery -A tradeops worker -Q streams --streams` (D5).

One thread with one asyncio loop serves the accounts whose lease this process holds. Long Celery
tasks would be delivered again and limited in time (F51); a bootstep starts with the worker and
ends cleanly with it. After SIGKILL the leases lapse, a successor takes over and fills the gap.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from celery import bootsteps
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections

from accounts.models import Credential, ExchangeAccount
from accounts.services.exchange_open import open_exchange
from tradeops.domain.clock import Clock
from tradeops.engine.ingest import StaleFence
from tradeops.exchange.port import ExchangePort
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.market.services.public_port import public_port
from tradeops.streams import lease as leases
from tradeops.streams.lease import RENEW_S, SELF_STOP_S, Lease
from tradeops.streams.services import vitals
from tradeops.streams.services.account_feed import AccountFeed
from tradeops.streams.services.account_upkeep import AccountUpkeep
from tradeops.streams.services.feed_judgement import note
from tradeops.streams.services.mark_feed import MarkFeed
from tradeops.streams.services.owner_identity import is_gone, own_identity
from tradeops.streams.services.stream_book import StreamBook

logger = logging.getLogger(__name__)

T = TypeVar("T")
GapFill = Callable[[int], None]

VITALS_S = 1.0
FAREWELL_S = 5.0
STOP_S = 15.0
RESTART_S = 1.0


@dataclass(slots=True)
class _Served:
    """An account under way."""

    lease: Lease
    credential_id: int
    feed: AccountFeed
    thread: ThreadPoolExecutor
    task: "asyncio.Task[None]"
    upkeep: "asyncio.Task[None]"
    renewed_s: float


class StreamsHost:
    """Takes leases and serves their accounts until `stop`. One instance per process."""

    def __init__(self, fill_gap: GapFill, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.owner = own_identity()
        self._fill_gap = fill_gap
        self._clock = clock
        self._served: dict[int, _Served] = {}
        self._lease_thread = ThreadPoolExecutor(1, thread_name_prefix="leases")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._main, name="streams", daemon=True)

    def start(self) -> None:
        """Serve on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Write what has arrived, give the leases back, and end the thread."""
        self._started.wait(STOP_S)
        if self._loop is not None and self._ending is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(STOP_S)

    def _main(self) -> None:
        while True:
            try:
                asyncio.run(self._run())
            except Exception:
                # A worker that serves nothing looks alive: begin again instead.
                logger.exception("streams worker broke")
                time.sleep(RESTART_S)
            else:
                return

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        ending = self._ending = asyncio.Event()
        self._started.set()
        marks = MarkFeed(
            settings.ALLOWED_SYMBOLS,
            open_port=public_port,
            served=lambda: tuple(self._served),
            clock=self._clock,
        )
        helpers = [
            asyncio.create_task(marks.run()),
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._show_vitals(marks)),
        ]
        logger.info("streams worker %s started", self.owner)
        try:
            while not ending.is_set():
                await self._look_quietly()
                await _wait_for(ending, RENEW_S)
        finally:
            for task in helpers:
                task.cancel()
            await asyncio.gather(*helpers, return_exceptions=True)
            await asyncio.gather(
                *(self._end(account_id, "worker stopped") for account_id in tuple(self._served))
            )
            self._lease_thread.shutdown(wait=True)
            logger.info("streams worker %s stopped", self.owner)

    async def _look_quietly(self) -> None:
        try:
            await self._look()
        except DatabaseError as error:
            logger.warning("leases not renewed: %s", error)
        except Exception:
            logger.exception("leases not renewed")

    async def _look(self) -> None:
        """Renew what is held, end what is no longer wanted, take what is free."""
        wanted = await self._with_leases(_wanted_accounts)
        for account_id, served in tuple(self._served.items()):
            if wanted.get(account_id) != served.credential_id:
                await self._end(account_id, "account or key changed")
                continue
            asked_s = self._clock.monotonic_s()
            if await self._with_leases(partial(self._renew, served.lease)):
                served.renewed_s = asked_s
            else:
                await self._end(account_id, "lease lost")
        for account_id, credential_id in wanted.items():
            if account_id not in self._served:
                await self._take(account_id, credential_id)

    def _renew(self, held: Lease) -> bool:
        return leases.renew(held, now=self._clock.now())

    async def _take(self, account_id: int, credential_id: int) -> None:
        asked_s = self._clock.monotonic_s()
        held = await self._with_leases(
            lambda: leases.acquire(
                account_id, owner=self.owner, now=self._clock.now(), is_gone=is_gone
            )
        )
        if held is None:
            return
        thread = ThreadPoolExecutor(1, thread_name_prefix=f"account-{account_id}")
        fence = partial(leases.fence, held)
        book = StreamBook(
            account_id,
            fence=fence,
            show=lambda state, detail: leases.set_state(held, state, detail, now=self._clock.now()),
            clock=self._clock,
            token=held.token,
            judge=lambda change: note(account_id, change, now=self._clock.now(), fence=fence),
        )
        feed = AccountFeed(
            account_id,
            open_port=lambda: _open(account_id),
            book=book,
            fill_gap=self._fill_gap,
            clock=self._clock,
            thread=thread,
        )
        upkeep = AccountUpkeep(account_id, feed, fence=fence, clock=self._clock, thread=thread)
        self._served[account_id] = _Served(
            held,
            credential_id,
            feed,
            thread,
            asyncio.create_task(feed.run()),
            asyncio.create_task(upkeep.run()),
            asked_s,
        )
        logger.info("account %s: serving with token %s", account_id, held.token)

    async def _end(self, account_id: int, reason: str) -> None:
        """Stop serving an account; what was heard is written as far as the lease still allows."""
        served = self._served.pop(account_id, None)
        if served is None:
            return  # somebody else ends it
        served.upkeep.cancel()
        await asyncio.gather(served.upkeep, return_exceptions=True)
        await served.feed.stop(reason)
        done, _ = await asyncio.wait({served.task}, timeout=FAREWELL_S)
        if not done:
            served.task.cancel()
        outcome = (await asyncio.gather(served.task, return_exceptions=True))[0]
        if isinstance(outcome, Exception) and not isinstance(outcome, StaleFence):
            logger.error("account %s: feed broke", account_id, exc_info=outcome)
        logger.info("account %s: no longer served (%s)", account_id, reason)
        try:
            await self._with_leases(lambda: leases.release(served.lease, now=self._clock.now()))
        except DatabaseError as error:
            logger.warning("account %s: lease not released: %s", account_id, error)
        served.thread.shutdown(wait=False, cancel_futures=True)

    async def _watch(self) -> None:
        """End feeds that broke, and those whose lease could not be renewed for too long (F62)."""
        while True:
            await asyncio.sleep(1)
            now_s = self._clock.monotonic_s()
            over = {}
            for account_id, served in self._served.items():
                if served.task.done():
                    over[account_id] = "feed ended"
                elif now_s - served.renewed_s > SELF_STOP_S:
                    over[account_id] = "lease not renewed"
            await asyncio.gather(*(self._end(*ending) for ending in over.items()))

    async def _show_vitals(self, marks: MarkFeed) -> None:
        while True:
            rates = {
                account_id: (port.rate_state(), port.clock_offset_ms())
                for account_id, served in self._served.items()
                if (port := served.feed.port) is not None
            }
            heard = {
                account_id: {
                    "heard_at": served.feed.last_item_at,
                    "synchronised_at": served.feed.synchronised_at,
                    "mark_at": marks.last_mark_at,
                }
                for account_id, served in self._served.items()
            }
            await asyncio.to_thread(vitals.beat, self.owner, self._clock.now(), rates, heard)
            await asyncio.sleep(VITALS_S)

    async def _with_leases(self, job: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lease_thread, _with_connections, job)


def _wanted_accounts() -> dict[int, int]:
    """Active account → id of its current credential."""
    rows = Credential.objects.filter(is_current=True, account__is_active=True)
    return dict(rows.values_list("account_id", "pk"))


def _open(account_id: int) -> ExchangePort:
    return open_exchange(ExchangeAccount.objects.get(pk=account_id))


def _with_connections(job: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return job()
    finally:
        close_old_connections()


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


class StreamsStep(bootsteps.StartStopStep):
    """Starts a StreamsHost with a worker that was given `--streams`.

    A subclass sets `fill_gap`: streams know nothing of reconciliation, the composition root does.
    """

    fill_gap: GapFill

    def __init__(self, parent: object, *, streams: bool = False, **options: object) -> None:
        super().__init__(parent, **options)
        self.enabled = streams
        self.host: StreamsHost | None = None

    def start(self, _parent: object) -> None:
        """Begin to serve."""
        self.host = StreamsHost(self.fill_gap)
        self.host.start()

    def stop(self, _parent: object) -> None:
        """End cleanly: leases are free for a successor at once."""
        if self.host is not None:
            self.host.stop()

    def terminate(self, parent: object) -> None:
        """As `stop`: a cold shutdown has the time for it, too."""
        self.stop(parent)
