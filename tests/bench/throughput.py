"""Orders a second, kept up for a while, and whether the books agree afterwards."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from tests.bench.clients import SIDES, RestClient, elapsed_ms
from tests.bench.figures import Budget, Figure, durations
from tests.bench.product import ACCOUNTS, Product

ORDERS_PER_S = 80.0
AT_EIGHT = Budget(p99_ms=400)
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@dataclass
class _Client(threading.Thread):
    """Sends one order after the other until the time is over."""

    product: Product
    account: str
    symbol: str
    seconds: float
    start_together: threading.Barrier
    times: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    ended: float = 0.0

    def __post_init__(self) -> None:
        super().__init__(name=f"client-{self.account}-{self.symbol}", daemon=True)

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        rest = RestClient(self.product)
        rest.trade("BUY", account=self.account, symbol=self.symbol)  # sets leverage, connects
        self.start_together.wait()
        deadline = time.monotonic() + self.seconds
        number = 1
        while time.monotonic() < deadline:
            begun = time.perf_counter()
            wrong = rest.trade(SIDES[number % 2], account=self.account, symbol=self.symbol)
            if wrong:
                self.errors[wrong] += 1
            else:
                self.times.append(elapsed_ms(begun))
            number += 1
        self.ended = time.monotonic()
        rest.close()


def sustained(product: Product, *, quick: bool) -> list[Figure]:
    """Measure one client, then eight on four accounts, then compare books."""
    figures = _at(product, clients=1, seconds=3.0 if quick else 10.0)
    figures += _at(product, clients=8, seconds=5.0 if quick else 20.0)
    return [*figures, product.books("after these orders")]


def _at(product: Product, *, clients: int, seconds: float) -> list[Figure]:
    barrier = threading.Barrier(clients + 1)
    threads = [
        _Client(
            product,
            ACCOUNTS[number % len(ACCOUNTS)],
            SYMBOLS[number // len(ACCOUNTS)],
            seconds,
            barrier,
        )
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun, used = time.monotonic(), product.cpu_s()
    for thread in threads:
        thread.join()
    used = {name: spent - used.get(name, 0.0) for name, spent in product.cpu_s().items()}
    times = [value for thread in threads for value in thread.times]
    errors = sum((thread.errors for thread in threads), Counter[str]())
    rate = len(times) / (max(thread.ended for thread in threads) - begun)
    note = f"errors: {dict(errors)}; " if errors else ""
    note += _per_order(used, len(times))
    is_judged = clients > 1
    name = f"{clients} client{'s' if clients > 1 else ''}"
    return [
        Figure(
            f"orders/s, {name}",
            product.database,
            n=len(times),
            value=rate,
            unit="/s",
            budget=f"≥ {ORDERS_PER_S:g}/s, 0 errors" if is_judged else "",
            ok=rate >= ORDERS_PER_S and not errors if is_judged else None,
            note=note,
        ),
        durations(
            f"POST /api/trade → FILLED, {name}",
            times,
            database=product.database,
            budget=AT_EIGHT if is_judged else Budget(),
            errors=errors.total(),
        ),
    ]


def _per_order(used: dict[str, float], orders: int) -> str:
    """CPU time of each process, which a busy machine changes less than any other time."""
    costs = sorted(((spent * 1000 / max(orders, 1), name) for name, spent in used.items()))
    each = ", ".join(f"{name} {cost:.1f}" for cost, name in reversed(costs))
    return f"CPU ms an order: {each}"
