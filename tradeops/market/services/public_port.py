"""A venue connection without a key: instruments, mark prices and time."""

from django.conf import settings

from tradeops.domain.enums import Environment, Venue
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.registry import open_public_port
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import in_transaction
from tradeops.kit.redis_client import quick_redis_client


def public_port(venue: Venue = Venue.BINANCE_USDM) -> ExchangePort:
    """A keyless port of this deployment's venue; the caller awaits `open()` and `close()`."""
    return open_public_port(
        venue=venue,
        environment=Environment(settings.TRADEOPS_ENV),
        paper_url=settings.PAPER_URL,
        clock=SYSTEM_CLOCK,
        in_transaction=in_transaction,
        redis=quick_redis_client(),
    )
