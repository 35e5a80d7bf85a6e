"""A burst of fills: resting orders of four accounts, all filled when each symbol's price falls."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

from tests.bench.clients import raw_async
from tests.bench.figures import Figure
from tests.bench.product import ACCOUNTS, Product

EVENTS_PER_S = 1_500.0
AT_ONCE = 8
REST_AT, FALL_TO = Decimal("0.98"), Decimal("0.97")
HEARD_WITHIN_S = 120.0
POLL_S = 0.05
CONNECTED = "WHERE type = 'WebSocketConnected'"


@dataclass(frozen=True, slots=True)
class Market:
    """A symbol with its mark price and the smallest order at REST_AT, with room to spare."""

    symbol: str
    mark: Decimal
    tick: Decimal
    price: str
    quantity: str


def stream_burst(product: Product, *, quick: bool) -> list[Figure]:
    """Let 5,000 resting orders fill at once and time until the last fill is booked."""
    each = 5 if quick else 125
    markets = asyncio.run(read_markets(product))
    total = each * len(markets) * len(ACCOUNTS)
    resting = "WHERE status = 'ACKNOWLEDGED'"
    with pinned(product, markets):
        connected = product.count("journal_event", CONNECTED)
        wanted = product.count("orders_order", resting) + total
        begun = time.monotonic()
        asyncio.run(_rest(product, markets, each))
        _wait(product, "orders_order", wanted, resting)
        placed_s = time.monotonic() - begun
        fills, events = product.count("orders_fill"), product.count("journal_event")
        begun = time.monotonic()
        for market in markets:
            _pin(product, market, market.mark * FALL_TO)
        heard = _wait(product, "orders_fill", fills + total) - fills
        seconds = time.monotonic() - begun
        written = product.count("journal_event") - events
        again = product.count("journal_event", CONNECTED) - connected
    note = f"{total} fills on {len(ACCOUNTS)} accounts in {seconds:.1f} s; "
    return [
        Figure(
            "events/s journalled in a burst of fills",
            product.database,
            n=written,
            value=written / seconds,
            unit="/s",
            budget=f"≥ {EVENTS_PER_S:,.0f}/s",
            ok=written / seconds >= EVENTS_PER_S,
            note=f"{note}resting them took {placed_s:.1f} s; streams connected again: {again}",
        ),
        product.books(f"after {heard} of {total} fills at once"),
    ]


async def read_markets(product: Product) -> list[Market]:
    """Ask the venue for its symbols, filters and mark prices."""
    raw = await raw_async(product, ACCOUNTS[0])
    try:
        info = await raw.futures_exchange_info()
        marks = {row["symbol"]: row["markPrice"] for row in await raw.futures_mark_price()}
    finally:
        await raw.close_connection()
    return [_market(row, Decimal(marks[row["symbol"]])) for row in info["symbols"]]


def _market(row: dict[str, Any], mark: Decimal) -> Market:
    filters = {item["filterType"]: item for item in row["filters"]}
    tick = Decimal(filters["PRICE_FILTER"]["tickSize"])
    step = Decimal(filters["LOT_SIZE"]["stepSize"])
    price = mark * REST_AT // tick * tick
    least = Decimal(filters["MIN_NOTIONAL"]["notional"]) * Decimal("1.1") / price
    quantity = (least / step).to_integral_value(ROUND_CEILING) * step
    return Market(row["symbol"], mark, tick, f"{price:f}", f"{quantity:f}")


@contextlib.contextmanager
def pinned(product: Product, markets: list[Market]) -> Iterator[None]:
    """Hold every price where it is, so that nothing fills what rests below."""
    for market in markets:
        _pin(product, market, market.mark)
    yield
    for market in markets:
        product.stack.paper("POST", "/paper/price", {"symbol": market.symbol})


def _pin(product: Product, market: Market, price: Decimal) -> None:
    rounded = price // market.tick * market.tick
    product.stack.paper("POST", "/paper/price", {"symbol": market.symbol, "price": f"{rounded:f}"})


def limit_order(market: Market) -> dict[str, Any]:
    """Return the words of a buy that rests below the market."""
    return {
        "symbol": market.symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": market.price,
        "quantity": market.quantity,
    }


async def _rest(product: Product, markets: list[Market], each: int) -> None:
    clients = [await raw_async(product, account) for account in ACCOUNTS]
    gate = asyncio.Semaphore(AT_ONCE)

    async def place(client: Any, market: Market) -> None:
        async with gate:
            await client.futures_create_order(**limit_order(market))

    try:
        await asyncio.gather(
            *(
                place(client, market)
                for _ in range(each)
                for client in clients
                for market in markets
            )
        )
    finally:
        for client in clients:
            await client.close_connection()


def _wait(product: Product, table: str, wanted: int, where: str = "") -> int:
    """Return the number of rows as soon as it is `wanted`, or what it is when the time is over."""
    deadline = time.monotonic() + HEARD_WITHIN_S
    while True:
        found = product.count(table, where)
        if found >= wanted or time.monotonic() > deadline:
            return found
        time.sleep(POLL_S)
