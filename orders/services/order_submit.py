"""Send one order to the venue. Only the engine may call this (order gate)."""

import logging

from tradeops.exchange.port import ExchangePort, OrderRequest
from tradeops.exchange.reports import OrderReport

logger = logging.getLogger(__name__)


async def submit_order(port: ExchangePort, request: OrderRequest) -> OrderReport:
    """Send once; raises `ExchangeError`, of which only Ambiguous leaves the outcome open."""
    report = await port.submit(request)
    logger.info(
        "order %s %s %s %s: %s",
        request.client_order_id,
        request.side,
        request.quantity,
        request.symbol,
        report.status,
    )
    return report
