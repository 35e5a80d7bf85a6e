"""Hear mark prices, share them with every process and with who watches the desk."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import close_old_connections

from positions.live import publish_marks
from positions.models import Position
from tradeops.domain.clock import Clock
from tradeops.domain.money import plain
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import MarkPriceReport
from tradeops.market.cache import store_marks

logger = logging.getLogger(__name__)

PUBLISH_EVERY_S = 0.25
RETRY_MIN_S = 0.5
RETRY_MAX_S = 15.0


class MarkFeed:
    """One public stream for all accounts of this process; runs until cancelled."""

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        open_port: Callable[[], ExchangePort],
        served: Callable[[], Sequence[int]],
        clock: Clock,
    ) -> None:
        self.last_mark_at: datetime | None = None
        self._symbols = tuple(symbols)
        self._open_port = open_port
        self._served = served
        self._clock = clock
        self._newest: dict[str, MarkPriceReport] = {}
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        """Connect, again after every failure; publish what is new at most four times a second."""
        publisher = asyncio.create_task(self._publish_for_ever())
        delay_s = RETRY_MIN_S
        try:
            while True:
                started_s = self._clock.monotonic_s()
                try:
                    await self._listen()
                except (ExchangeError, OSError) as error:
                    logger.warning("mark prices: %s", error)
                except Exception:
                    logger.exception("mark prices broke")
                if self._clock.monotonic_s() - started_s > RETRY_MAX_S:
                    delay_s = RETRY_MIN_S
                await asyncio.sleep(delay_s)
                delay_s = min(RETRY_MAX_S, delay_s * 2)
        finally:
            publisher.cancel()
            await asyncio.gather(publisher, return_exceptions=True)

    async def _listen(self) -> None:
        port = self._open_port()
        await port.open()
        stream = port.mark_stream(self._symbols)
        try:
            async for reports in stream.items(on_state=_show):
                self.last_mark_at = self._clock.now()
                self._newest |= {report.symbol: report for report in reports}
                self._arrived.set()
        finally:
            await stream.stop()
            await port.close()

    async def _publish_for_ever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            reports, self._newest = list(self._newest.values()), {}
            try:
                await asyncio.to_thread(publish, reports, self._served())
            except DatabaseError as error:
                logger.warning("marks not published: %s", error)
            except Exception:
                logger.exception("marks not published")
            await asyncio.sleep(PUBLISH_EVERY_S)


def _show(state: str, detail: str) -> None:
    logger.info("mark prices %s %s", state, detail)


def publish(reports: Sequence[MarkPriceReport], account_ids: Sequence[int]) -> None:
    """Store marks for all processes, and send them with unrealised PnL to each account's watchers.

    upnl = quantity x (mark - entry) summed over the legs of a symbol, in quote.
    """
    store_marks(reports)
    close_old_connections()
    try:
        legs = list(Position.objects.filter(account_id__in=account_ids)) if account_ids else []
    finally:
        close_old_connections()
    for account_id in account_ids:
        data = {report.symbol: {"mark": plain(report.mark_price)} for report in reports}
        for report in reports:
            pnls = [
                leg.quantity * (report.mark_price - leg.entry_price)
                for leg in legs
                if leg.account_id == account_id and leg.symbol == report.symbol and leg.quantity
            ]
            data[report.symbol]["upnl"] = plain(sum(pnls)) if pnls else "0"
        publish_marks(account_id, data)
