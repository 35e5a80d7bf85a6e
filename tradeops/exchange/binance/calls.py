"""One account's calls: budget first, then the wire, with the clock kept on the side.

Nothing here needs a running event loop as long as session, pause and aside are given: the fault
simulator drives the adapter with its own.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeAlias

from tradeops.domain.clock import Clock
from tradeops.exchange.binance import parse, weights
from tradeops.exchange.binance.fields import UNREADABLE
from tradeops.exchange.binance.outcomes import UNKNOWN_SYMBOL, understood
from tradeops.exchange.binance.rest import FuturesClient, OpenSession, open_aiohttp_session
from tradeops.exchange.binance.urls import Endpoints
from tradeops.exchange.binance.weights import weight_of
from tradeops.exchange.errors import Ambiguous, ClockSkew, ExchangeError, Rejected, Unavailable
from tradeops.exchange.port import Credentials, RateState
from tradeops.exchange.retry import read_twice
from tradeops.exchange.throttle import OrderBudget, Priority, VenueLimits, WeightBudget

Pause: TypeAlias = Callable[[float], Awaitable[None]]
Aside: TypeAlias = Callable[[Coroutine[Any, Any, None]], None]

RESYNC_AFTER_S = 60.0


class VenueCalls:
    """The connection of one account; `credentials` None reads public data only.

    `pause` waits for seconds; `aside` runs a coroutine beside the callers, which never wait for it.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        endpoints: Endpoints,
        *,
        clock: Clock,
        guard: Callable[[], bool],
        jitter: Callable[[], float],
        weight: WeightBudget | None = None,
        orders: OrderBudget | None = None,
        open_session: OpenSession = open_aiohttp_session,
        pause: Pause = asyncio.sleep,
        aside: Aside | None = None,
    ) -> None:
        self.clock = clock
        self.weight = weight or WeightBudget(clock, VenueLimits())
        self.orders = orders or OrderBudget(clock, self.weight.limits)
        self._credentials = credentials
        self._endpoints = endpoints
        self._guard = guard
        self._jitter = jitter
        self._open_session = open_session
        self._pause = pause
        self._aside = aside or self._create_task
        self._tasks: set[asyncio.Task[None]] = set()
        self._opened: FuturesClient | None = None
        self._measured_at_s = 0.0
        self._is_measuring = False

    @property
    def client(self) -> FuturesClient:
        """The open transport. Raises Unavailable before `open` and after `close`."""
        if self._opened is None:
            message = "the port is not open"
            raise Unavailable(message)
        return self._opened

    async def open(self) -> None:
        """Connect, measure the clock offset and learn the venue's limits. Raises ExchangeError."""
        if self._opened is not None:
            return
        self._opened = FuturesClient(
            self._credentials,
            self._endpoints,
            clock=self.clock,
            guard=self._guard,
            weight=self.weight,
            orders=self.orders,
            open_session=self._open_session,
        )
        try:
            await self.measure_offset()
            if not self.weight.limits.learned:
                await self.exchange_info()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Release connections; idempotent."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.close()

    @property
    def offset_ms(self) -> int:
        """Venue clock minus ours as last measured; 0 before `open`."""
        return self._opened.offset_ms if self._opened else 0

    async def measure_offset(self) -> int:
        """Measure venue clock minus ours, in ms, and use it from now on."""
        await self.admit(Priority.READ)
        offset_ms = await self.client.measure_offset()
        self._measured_at_s = self.clock.monotonic_s()
        return offset_ms

    def rate_state(self) -> RateState:
        """Last known budget; `blocked_until_s` is in epoch seconds of our clock, 0 when free."""
        blocked_s = self.weight.blocked_s()
        return RateState(
            used_weight_1m=self.weight.used_1m,
            weight_limit_1m=self.weight.limits.weight_1m,
            order_count_10s=self.orders.count(10),
            order_count_1m=self.orders.count(60),
            blocked_until_s=self.clock.now().timestamp() + blocked_s if blocked_s else 0.0,
            level=self.weight.level,
        )

    async def exchange_info(self) -> Mapping[str, Any]:
        """GET exchangeInfo; takes over the limits that it tells."""
        payload: Mapping[str, Any] = await self.read(self.client.futures_exchange_info)
        told = understood(parse.rate_limits, payload)
        limits = self.weight.limits
        limits.weight_1m = told.get("REQUEST_WEIGHT:60", limits.weight_1m)
        limits.orders_10s = told.get("ORDERS:10", limits.orders_10s)
        limits.orders_1m = told.get("ORDERS:60", limits.orders_1m)
        limits.learned = True
        return payload

    async def listen_key(self) -> str:
        """POST listenKey: the living key, prolonged; DELETE would blind everybody (F18)."""
        await self.admit(Priority.PROTECT)
        try:
            return str(await self.client.futures_stream_get_listen_key())
        except UNREADABLE as error:  # the library takes the key out of the reply itself
            message = "a reply without a listen key"
            raise Ambiguous(message) from error

    async def renew_listen_key(self, key: str) -> str:
        """PUT listenKey; returns the key that lives now."""
        await self.admit(Priority.PROTECT)
        reply = await self.client.futures_stream_keepalive(key)
        return understood(lambda told: str(told.get("listenKey") or key), reply)

    async def admit(self, priority: Priority, weight: int = 1) -> None:
        """Wait as long as the budget asks. Raises Withheld when the call must not go."""
        pause_s = self.weight.admit(priority, weight)
        if pause_s:
            await self._pause(pause_s)

    async def read(self, method: Callable[..., Awaitable[Any]], **params: Any) -> Any:
        """Ask, and once more after a failure by chance."""

        async def call() -> Any:
            await self.admit(Priority.READ, weight_of(method.__name__, params))
            return await method(**params)

        self._keep_clock()
        return await read_twice(
            call, resync=self.measure_offset, jitter=self._jitter, pause=self._pause
        )

    async def read_list(self, method: Callable[..., Awaitable[Any]], **params: Any) -> Any:
        """Read a list; of a symbol that the venue does not list there is nothing.

        One delisted symbol among the allowed ones must not end every comparison.
        """
        try:
            return await self.read(method, **params)
        except Rejected as error:
            if error.code != UNKNOWN_SYMBOL:
                raise
            return []

    async def write(
        self, priority: Priority, method: Callable[..., Awaitable[Any]], **params: Any
    ) -> Any:
        """Tell the venue to do something, once."""
        await self.admit(priority, weight_of(method.__name__, params))
        return await self._once(method, params)

    async def write_order(
        self, priority: Priority, method: Callable[..., Awaitable[Any]], **params: Any
    ) -> Any:
        """`write` of what counts as an order; the clock is measured on the side, not waited for."""
        self._keep_clock()
        await self.admit(priority, weights.ORDER)
        self.orders.admit(priority)
        return await self._once(method, params)

    async def _once(self, method: Callable[..., Awaitable[Any]], params: Mapping[str, Any]) -> Any:
        try:
            return await method(**params)
        except ClockSkew:
            self._measure_aside()
            raise

    def _keep_clock(self) -> None:
        if self.clock.monotonic_s() - self._measured_at_s > RESYNC_AFTER_S:
            self._measure_aside()

    def _measure_aside(self) -> None:
        if not self._is_measuring:
            self._is_measuring = True
            self._aside(self._measure_quietly())

    async def _measure_quietly(self) -> None:
        try:
            await self.measure_offset()
        except ExchangeError:
            # The old offset stays in use; a wrong one shows as ClockSkew, which comes back here.
            return
        finally:
            self._is_measuring = False

    def _create_task(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
