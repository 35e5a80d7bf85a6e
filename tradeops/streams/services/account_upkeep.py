"""What is done for a served account beside its stream: clock, countdown, position mode, deafness.

Runs on the loop of the streams worker; whatever touches the database runs on the account's thread,
under the fence of its lease.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import close_old_connections

from accounts.services.exchange_open import blocking_port
from risk.domain.holds import HoldKind, hold_scope
from tradeops.domain.clock import Clock
from tradeops.domain.errors import TradeOpsError
from tradeops.engine.holds import held_since, lift_hold, place_hold
from tradeops.engine.ingest import StaleFence
from tradeops.engine.margin import check_position_mode
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.journal.event_store import lock_head
from tradeops.kit.db import write_transaction
from tradeops.kit.portal import drive
from tradeops.streams.domain import clock_drift
from tradeops.streams.domain.clock_drift import DriftMemory
from tradeops.streams.models import FeedHealth
from tradeops.streams.services.account_feed import AccountFeed
from tradeops.streams.services.dead_man import DeadManKeeper

logger = logging.getLogger(__name__)

T = TypeVar("T")

ACTOR = "streams"
TICK_S = 1.0
MEASURE_S = 60.0
MEASURE_HELD_S = 10.0
DEAD_MAN_S = 5.0
DEAF_S = 2.0
MODE_S = 3600.0
MODE_AGAIN_S = 60.0


class AccountUpkeep:
    """The periods of one served account; `run` until cancelled or fenced out."""

    def __init__(
        self,
        account_id: int,
        feed: AccountFeed,
        *,
        fence: Callable[[], None],
        clock: Clock,
        thread: Executor,
    ) -> None:
        self._account_id = account_id
        self._feed = feed
        self._fence = fence
        self._clock = clock
        self._thread = thread
        self._dead_man = DeadManKeeper(
            account_id,
            countdown_ms=settings.DEAD_MAN_COUNTDOWN_S * 1000,
            fence=fence,
            clock=clock,
        )
        self._drift: DriftMemory | None = None
        self._judged_ms: int | None = None
        self._due_s: dict[str, float] = {}
        self._mode_of = 0  # the connection at which the mode was asked for last

    async def run(self) -> None:
        """Do what is due once a second; what fails is tried again and stops nothing else."""
        while True:
            port = self._feed.port
            if port is not None and self._feed.is_connected:
                for step in (self._clocks, self._countdowns, self._mode, self._deafness):
                    await self._guarded(step(port), step.__name__)
            await asyncio.sleep(TICK_S)

    async def _guarded(self, step: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await step
        except StaleFence:
            return  # the feed finds out as well, and the host ends both
        except (ExchangeError, TradeOpsError, DatabaseError) as error:
            logger.warning("account %s: %s: %s", self._account_id, name.strip("_"), error)
        except Exception:
            logger.exception("account %s: %s broke", self._account_id, name.strip("_"))

    def _is_due(self, name: str, period_s: float) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s < self._due_s.get(name, now_s):
            return False
        self._due_s[name] = now_s + period_s
        return True

    async def _clocks(self, port: ExchangePort) -> None:
        """Measure each minute; judge that and what the adapter measured after a -1021."""
        if self._drift is None:
            is_held = await self._in_thread(lambda: held_since(self._clock_scope) is not None)
            self._drift = DriftMemory(is_held=is_held)
        if self._is_due("clock", MEASURE_HELD_S if self._drift.is_held else MEASURE_S):
            offset_ms = await port.server_time_offset_ms()
        else:
            offset_ms = port.clock_offset_ms()
            if offset_ms == self._judged_ms:
                return
        self._judged_ms = offset_ms
        after = clock_drift.measured(self._drift, offset_ms)
        if after.is_held != self._drift.is_held:
            await self._in_thread(lambda: self._hold_by_clock(offset_ms, is_held=after.is_held))
            self._due_s.pop("clock", None)
        self._drift = after

    @property
    def _clock_scope(self) -> str:
        return hold_scope(HoldKind.CLOCK, self._account_id)

    def _hold_by_clock(self, offset_ms: int, *, is_held: bool) -> None:
        now, told = self._clock.now(), f"our clock is {-offset_ms} ms off the venue's"
        with write_transaction():
            lock_head(self._account_id)
            self._fence()
            if is_held:
                place_hold(self._account_id, self._clock_scope, told, actor=ACTOR, now=now)
            else:
                lift_hold(self._account_id, self._clock_scope, told, actor=ACTOR, now=now)

    async def _countdowns(self, port: ExchangePort) -> None:
        if not self._is_due("dead man", min(DEAD_MAN_S, self._dead_man.period_s)):
            return
        to_arm, to_disarm = await self._in_thread(self._dead_man.look)
        for symbol in to_arm:
            if await self._dead_man.arm(port, symbol):
                now = self._clock.now()
                await self._in_thread(lambda: self._dead_man.note_armed(symbol, now))  # noqa: B023 – awaited at once
        for symbol in to_disarm:
            if await self._dead_man.disarm(port, symbol):
                now = self._clock.now()
                await self._in_thread(lambda: self._dead_man.note_disarmed(symbol, now))  # noqa: B023 – awaited at once

    async def _mode(self, _port: ExchangePort) -> None:
        """At each connection and every hour: somebody may have changed it outside (F74)."""
        connection = self._feed.connections
        if self._mode_of == connection and not self._is_due("mode", MODE_S):
            return
        self._due_s["mode"] = self._clock.monotonic_s() + MODE_AGAIN_S
        self._mode_of = connection
        # Not on the account's thread: a venue call would hold up what the stream has to write.
        await asyncio.to_thread(_with_connections, self._check_mode)
        self._due_s["mode"] = self._clock.monotonic_s() + MODE_S

    def _check_mode(self) -> None:
        port = blocking_port(self._account_id)
        drive(check_position_mode(port, self._account_id, self._clock.now()))

    async def _deafness(self, _port: ExchangePort) -> None:
        """A connection that REST had to correct is replaced."""
        if self._is_due("deafness", DEAF_S) and await self._in_thread(self._is_deaf):
            await self._feed.reconnect("the connection is deaf")

    def _is_deaf(self) -> bool:
        row = FeedHealth.objects.filter(pk=self._account_id).first()
        return row is not None and bool(row.memory.get("deaf"))

    async def _in_thread(self, job: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _with_connections, job)


def _with_connections(job: Callable[[], T]) -> T:
    close_old_connections()
    try:
        return job()
    finally:
        close_old_connections()
