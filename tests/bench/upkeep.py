"""Rebuild and reconciliation, run in a process of their own with the product's settings."""

import asyncio
import json

from tests.bench.burst import Market, limit_order, pinned, read_markets
from tests.bench.clients import raw_async
from tests.bench.figures import Budget, Figure, durations
from tests.bench.product import Product

REBUILD_PER_S = 20_000.0
RECONCILE_CPU = Budget(p50_ms=150)
ACCOUNT = "main"
_REBUILD = """
import json, time
from tradeops.engine.rebuild import rebuild
begun = time.perf_counter()
report = rebuild(apply=False)
print(json.dumps([report.events, len(report.differences), time.perf_counter() - begun]))
"""
# The first run opens the connection and loads the venue's client; workers have both.
_RECONCILE = """
import json, time
from tradeops.reconcile.services.reconcile_now import reconcile_now
times, healed = [], 0
for number in range({runs} + 2):
    begun = time.process_time()
    result = reconcile_now({account_id}, scope="all", trigger="bench")
    if number > 1:
        times.append((time.process_time() - begun) * 1000)
        healed += result.healed
    assert not result.error, result.error
print(json.dumps([times, healed]))
"""


def rebuild_rate(product: Product, *, quick: bool) -> list[Figure]:
    """Rebuild every projection from the events that the run has made so far."""
    del quick  # the journal is as long as the run has made it
    events, differ, seconds = json.loads(product.python(_REBUILD).splitlines()[-1])
    return [
        Figure(
            "rebuild, events/s",
            product.database,
            n=events,
            value=events / seconds,
            unit="/s",
            budget=f"≥ {REBUILD_PER_S:,.0f}/s, 0 differences",
            ok=events / seconds >= REBUILD_PER_S and not differ,
            note=f"{differ} differences" if differ else "",
        )
    ]


def reconcile_cpu(product: Product, *, quick: bool) -> list[Figure]:
    """Compare an account with 100 open orders and a position in every symbol, CPU time only."""
    markets = asyncio.run(read_markets(product))
    code = _RECONCILE.format(runs=3 if quick else 10, account_id=product.account_ids[ACCOUNT])
    with pinned(product, markets):
        orders, positions = asyncio.run(_fill_account(product, markets))
        times, healed = json.loads(product.python(code).splitlines()[-1])
    return [
        durations(
            "reconcile one account, CPU",
            times,
            database=product.database,
            budget=RECONCILE_CPU,
            note=f"{orders} open orders, {positions} positions, {healed} healed",
        )
    ]


async def _fill_account(product: Product, markets: list[Market]) -> tuple[int, int]:
    """Open 100 resting orders and a position in each symbol."""
    raw = await raw_async(product, ACCOUNT)
    try:
        for market in markets:
            for _ in range(100 // len(markets)):
                await raw.futures_create_order(**limit_order(market))
            await raw.futures_create_order(
                symbol=market.symbol, side="BUY", type="MARKET", quantity=market.quantity
            )
        orders = await raw.futures_get_open_orders()
        rows = await raw.futures_position_information()
    finally:
        await raw.close_connection()
    return len(orders), sum(1 for row in rows if float(row["positionAmt"]))
