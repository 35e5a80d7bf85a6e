"""`python -m tradeops.exchange.paper`: the paper venue as a process."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradeops.exchange.paper.clock import VenueClock
from tradeops.exchange.paper.instruments import INSTRUMENTS
from tradeops.exchange.paper.server import Options, PaperServer, run
from tradeops.exchange.paper.tape_events import TapeError
from tradeops.exchange.paper.venue import AccountSpec, Venue
from tradeops.exchange.paper.wire.auth import ApiKey, KeyRing
from tradeops.exchange.paper.wire.binance import BinanceWire
from tradeops.exchange.paper.wire.limits import Limits

# `main` and `second` trade for the product; `stranger` is for third-party clients.
DEFAULT_NAMES = ("main", "second", "stranger")
DEFAULT_BALANCE = "10000"


def default_accounts() -> list[dict[str, Any]]:
    """The accounts a venue has when nothing else is given: fixed keys, 10,000 USDT each."""
    return [
        {
            "name": name,
            "api_key": f"paper-{name}-key",
            "api_secret": f"paper-{name}-secret",
            "balance": DEFAULT_BALANCE,
        }
        for name in DEFAULT_NAMES
    ]


def build_server(accounts: list[dict[str, Any]], limits: Limits, seed: int) -> PaperServer:
    """Put venue, dialect and server together. Raises: KeyError for an incomplete account."""
    clock = VenueClock()
    specs = [
        AccountSpec(a["name"], Decimal(str(a.get("balance", DEFAULT_BALANCE)))) for a in accounts
    ]
    keys = KeyRing(ApiKey(a["api_key"], a["api_secret"], a["name"]) for a in accounts)
    venue = Venue(INSTRUMENTS, specs, clock.now_ms())
    return PaperServer(venue, BinanceWire(venue, keys, limits), clock, seed)


def parse_options(argv: list[str]) -> argparse.Namespace:
    """Read the command line; the environment gives the defaults."""
    env = os.environ
    parser = argparse.ArgumentParser(prog="python -m tradeops.exchange.paper", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=int(env.get("TRADEOPS_PAPER_PORT") or 8100))
    parser.add_argument("--tape", type=Path, default=env.get("TRADEOPS_PAPER_TAPE") or None)
    parser.add_argument("--speed", type=float, default=float(env.get("TRADEOPS_PAPER_SPEED") or 1))
    parser.add_argument("--seed", type=int, default=1, help="of the random walk and of faults")
    parser.add_argument("--state", type=Path, help="load at start, save as it changes")
    parser.add_argument("--accounts", type=Path, default=env.get("TRADEOPS_PAPER_ACCOUNTS") or None)
    defaults = Limits()
    parser.add_argument(
        "--weight-limit", type=int, default=defaults.weight_1m, help="a minute and IP"
    )
    parser.add_argument("--order-limit-10s", type=int, default=defaults.orders_10s)
    parser.add_argument("--order-limit-1m", type=int, default=defaults.orders_1m)
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Run the venue until SIGINT or SIGTERM; 1 with one sentence when it cannot start."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    given = parse_options(argv)
    limits = Limits(given.weight_limit, given.order_limit_10s, given.order_limit_1m)
    try:
        accounts = (
            json.loads(Path(given.accounts).read_text()) if given.accounts else default_accounts()
        )
        server = build_server(accounts, limits, given.seed)
        options = Options(given.host, given.port, given.tape, given.speed, given.seed, given.state)
        asyncio.run(_serve(server, options))
    except (OSError, TapeError, ValueError, KeyError) as wrong:
        sys.stderr.write(f"the paper venue cannot start: {wrong}\n")
        return 1
    return 0


async def _serve(server: PaperServer, options: Options) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await run(server, options, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
