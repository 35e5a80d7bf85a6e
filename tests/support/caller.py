"""A process that calls the paper venue when told to: `python -m tests.support.caller`.

Arguments: URL of the venue, URL of Redis. Each line of standard input is a number of calls to make;
the answer is a line of JSON with how many of them ended how.
"""

import asyncio
import json
import sys
from collections import Counter

import redis

from tradeops.domain.enums import Environment, Venue
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.registry import open_public_port
from tradeops.kit.clock import SYSTEM_CLOCK


async def call(port: ExchangePort, times: int) -> dict[str, int]:
    """Read a mark price so often."""
    ends: Counter[str] = Counter()
    for _ in range(times):
        try:
            await port.mark_price("BTCUSDT")
        except ExchangeError as error:
            ends[type(error).__name__] += 1
        else:
            ends["answered"] += 1
    return dict(ends)


async def main() -> None:
    """Serve lines until standard input ends."""
    venue_url, redis_url = sys.argv[1:]
    port = open_public_port(
        venue=Venue.BINANCE_USDM,
        environment=Environment.PAPER,
        paper_url=venue_url,
        clock=SYSTEM_CLOCK,
        in_transaction=lambda: False,
        redis=redis.Redis.from_url(redis_url, socket_timeout=1.0, decode_responses=True),
    )
    await port.open()
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    while line := await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(json.dumps(await call(port, int(line))) + "\n")
        sys.stdout.flush()
    await port.close()


if __name__ == "__main__":
    asyncio.run(main())
