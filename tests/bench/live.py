"""From a fill at the venue to the frame at a desk's websocket.

A third-party client trades on the desk's own account, so that nothing but the venue's stream brings
the fill. It counts from the venue's own time of the fill (whole milliseconds, so up to one too
many) until the frame is read; venue, product and bench read the same clock.
"""

import asyncio
import json
import time
from datetime import datetime
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.bench.clients import SIDES, desk, market_order, raw_async
from tests.bench.figures import Budget, Figure, durations
from tests.bench.product import Product

ACCOUNT = "second"
FILL_TO_DESK = Budget(p50_ms=25, p99_ms=100)
CROWD = Budget(p95_ms=250)
DESKS = 200
LATE_S = 10.0
POLL_S = 0.05


def fill_to_desk(product: Product, *, quick: bool) -> list[Figure]:
    """Time frames at 5 and at 50 fills a second, one desk."""
    seconds = 3.0 if quick else 10.0
    figures = []
    for rate in (5, 50):
        times, lost, _ = asyncio.run(_measure(product, desks=1, rate=rate, seconds=seconds))
        budget = FILL_TO_DESK if rate == 50 else Budget()
        figures.append(
            durations(
                f"fill → desk, {rate} fills/s",
                times,
                database=product.database,
                budget=budget,
                errors=lost,
                note=f"{lost} fills never arrived" if lost else "",
            )
        )
    return figures


def many_desks(product: Product, *, quick: bool) -> list[Figure]:
    """Time frames at 200 desks while the account has at least ten updates a second."""
    seconds = 3.0 if quick else 8.0
    times, lost, frames = asyncio.run(_measure(product, desks=DESKS, rate=3, seconds=seconds))
    per_second = frames / seconds / DESKS
    note = f"{per_second:.0f} frames a second and desk" + (f", {lost} lost" if lost else "")
    return [
        durations(
            f"fill → each of {DESKS} desks",
            times,
            database=product.database,
            budget=CROWD,
            errors=lost,
            note=note,
        )
    ]


class _Watcher:
    """Reads one websocket and keeps how old each fill was."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.times: dict[str, float] = {}
        self.frames = 0

    async def watch(self) -> None:
        async for frame in self.connection:
            at = time.time()
            self.frames += 1
            if '"TradeExecuted"' in str(frame):
                data = json.loads(frame)["data"]
                traded_at = datetime.fromisoformat(data["traded_at"]).timestamp()
                self.times[data["venue_order_id"]] = (at - traded_at) * 1000


async def _measure(
    product: Product, *, desks: int, rate: int, seconds: float
) -> tuple[list[float], int, int]:
    """Return the ages (ms) of all frames with fills, how many never came, and all frames."""
    watchers = [_Watcher(await desk(product, ACCOUNT)) for _ in range(desks)]
    readers = [asyncio.create_task(watcher.watch()) for watcher in watchers]
    raw = await raw_async(product, ACCOUNT)
    try:
        orders = await _trade(raw, rate=rate, count=int(rate * seconds))
        await _arrived(watchers, orders)
    finally:
        for watcher in watchers:
            await watcher.connection.close()
        await asyncio.gather(*readers, return_exceptions=True)
        await raw.close_connection()
    times = [value for watcher in watchers for value in watcher.times.values()]
    return times, _missing(watchers, orders), sum(watcher.frames for watcher in watchers)


async def _trade(raw: Any, *, rate: int, count: int) -> set[str]:
    """Send `count` market orders at a steady rate, whatever their answers take."""
    begun = time.monotonic()
    tasks = []
    for number in range(count):
        await asyncio.sleep(begun + number / rate - time.monotonic())
        side = SIDES[number % 2]
        tasks.append(asyncio.create_task(raw.futures_create_order(**market_order(side))))
    answers = await asyncio.gather(*tasks)
    return {str(answer["orderId"]) for answer in answers}


async def _arrived(watchers: list[_Watcher], orders: set[str]) -> None:
    """Return when everybody has seen everything, or when it is too late."""
    for _ in range(int(LATE_S / POLL_S)):
        if not _missing(watchers, orders):
            return
        await asyncio.sleep(POLL_S)


def _missing(watchers: list[_Watcher], orders: set[str]) -> int:
    return sum(len(orders - watcher.times.keys()) for watcher in watchers)
