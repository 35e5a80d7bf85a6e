"""Periodic work on market data."""

import logging

from celery import shared_task

from tradeops.exchange.errors import ExchangeError
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.market.services import instruments_sync

logger = logging.getLogger(__name__)


@shared_task(name="tradeops.market.tasks.sync_instruments")
def sync_instruments(**_kwargs: object) -> None:
    """Refresh the instruments; a venue that does not answer is asked again next time."""
    try:
        instruments_sync.sync_instruments(now=SYSTEM_CLOCK.now())
    except (ExchangeError, TimeoutError) as error:
        logger.warning("instruments not refreshed: %s", error)
