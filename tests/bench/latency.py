"""Click → FILLED next to raw python-binance, in turns, so that both meet the same machine."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.bench.clients import SIDES, RestClient, elapsed_ms, market_order, raw_async, raw_sync
from tests.bench.figures import Budget, Figure, durations, percentile
from tests.bench.product import STRANGER, Product

ABOVE_RAW = Budget(p50_ms=10, p99_ms=40)
WARM_UP = 20
RAW, BLOCKING, TRADE, ORDER = "raw", "blocking", "/api/trade", "/api/v1/orders"


@dataclass(frozen=True, slots=True)
class _Round:
    """One order by each door: milliseconds, and what went wrong."""

    times: dict[str, float]
    errors: list[str]


def click_to_filled(product: Product, *, quick: bool) -> list[Figure]:
    """Time one order at a time: raw asyncio, raw blocking, `/api/trade`, `/api/v1/orders`."""
    rounds = 40 if quick else 250
    rest, blocking = RestClient(product), raw_sync(product, STRANGER)
    with asyncio.Runner() as runner:
        raw = runner.run(raw_async(product, STRANGER))
        calls: dict[str, Callable[[str], str]] = {
            RAW: lambda side: _raw(runner.run(raw.futures_create_order(**market_order(side)))),
            BLOCKING: lambda side: _raw(blocking.futures_create_order(**market_order(side))),
            TRADE: rest.trade,
            ORDER: rest.order,
        }
        try:
            for number in range(WARM_UP):
                _round(calls, SIDES[number % 2])
            taken = [_round(calls, SIDES[number % 2]) for number in range(rounds)]
        finally:
            runner.run(raw.close_connection())
            blocking.close_connection()
            rest.close()
    return _figures(product.database, taken)


def _raw(answer: dict[str, str]) -> str:
    return "" if answer["status"] == "FILLED" else f"raw client: {answer['status']}"


def _round(calls: Mapping[str, Callable[[str], str]], side: str) -> _Round:
    """Call each once."""
    times, errors = {}, []
    for name, call in calls.items():
        begun = time.perf_counter()
        wrong = call(side)
        times[name] = elapsed_ms(begun)
        if wrong:
            errors.append(f"{name}: {wrong}")
    return _Round(times, errors)


def _figures(database: str, rounds: list[_Round]) -> list[Figure]:
    errors = [error for row in rounds for error in row.errors]
    good = [row.times for row in rounds if not row.errors]
    times = {name: [row[name] for row in good] for name in (RAW, BLOCKING, TRADE, ORDER)}
    above = [row[TRADE] - row[RAW] for row in good]
    raw_p50 = percentile(sorted(times[RAW]), 0.5) if good else None
    note = f"{len(errors)} errors, first: {errors[0]}" if errors else ""
    return [
        durations("raw python-binance, asyncio", times[RAW], database=database),
        durations("raw python-binance, blocking", times[BLOCKING], database=database),
        durations("POST /api/trade → FILLED", times[TRADE], database=database, raw_p50_ms=raw_p50),
        durations(
            "POST /api/v1/orders → FILLED", times[ORDER], database=database, raw_p50_ms=raw_p50
        ),
        durations(
            "click → FILLED above raw",
            above,
            database=database,
            budget=ABOVE_RAW,
            errors=len(errors),
            note=note,
        ),
    ]
