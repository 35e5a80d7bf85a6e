"""Change one resting order at the venue. Only the engine may call this (order gate)."""

import logging

from tradeops.exchange.port import AmendRequest, ExchangePort
from tradeops.exchange.reports import OrderReport

logger = logging.getLogger(__name__)


async def amend_at_venue(port: ExchangePort, request: AmendRequest) -> OrderReport:
    """Send once; raises `ExchangeError`, of which only Ambiguous leaves the outcome open."""
    report = await port.amend(request)
    logger.info(
        "order %s amended to %s at %s: %s",
        request.client_order_id,
        request.quantity,
        request.price,
        report.status,
    )
    return report
