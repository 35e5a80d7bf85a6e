"""`ExchangePort` of one account at Binance USDⓈ-M (real, test network or paper: by URL only)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tradeops.domain.clock import Clock, to_epoch_ms
from tradeops.domain.enums import MarginMode
from tradeops.domain.instrument import InstrumentSpec
from tradeops.exchange.binance import parse
from tradeops.exchange.binance.outcomes import ALREADY_SO, each_understood, understood
from tradeops.exchange.binance.rest import FuturesClient
from tradeops.exchange.binance.spelling import MARGIN_TYPES, order_params
from tradeops.exchange.binance.stream import MarkPriceStream, StreamTimings, UserDataStream
from tradeops.exchange.binance.urls import Endpoints
from tradeops.exchange.errors import ClockSkew, ExchangeError, Rejected, Unavailable
from tradeops.exchange.port import Capabilities, Credentials, OrderRequest, RateState
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
)
from tradeops.exchange.retry import read_twice
from tradeops.exchange.throttle import OrderBudget, Priority, VenueLimits, WeightBudget

RESYNC_AFTER_S = 60.0
_MAX_PAGE = 1000


class BinanceUsdmAdapter:
    """One account; `credentials` None reads public data only.

    `guard` says whether a database transaction is open; `jitter` returns numbers in [0, 1).
    `weight` is shared by the accounts of a process, because the venue counts by address.
    """

    capabilities = Capabilities()

    def __init__(
        self,
        credentials: Credentials | None,
        endpoints: Endpoints,
        *,
        clock: Clock,
        guard: Callable[[], bool],
        jitter: Callable[[], float],
        weight: WeightBudget | None = None,
        timings: StreamTimings | None = None,
    ) -> None:
        self._credentials = credentials
        self._endpoints = endpoints
        self._clock = clock
        self._guard = guard
        self._jitter = jitter
        self._weight = weight or WeightBudget(clock, VenueLimits())
        self._orders = OrderBudget(clock, self._weight.limits)
        self._timings = timings or StreamTimings()
        self._opened: FuturesClient | None = None
        self._measured_at_s = 0.0
        self._resync: asyncio.Task[object] | None = None

    @property
    def _client(self) -> FuturesClient:
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
            clock=self._clock,
            guard=self._guard,
            weight=self._weight,
            orders=self._orders,
        )
        try:
            await self.server_time_offset_ms()
            if not self._weight.limits.learned:
                await self.instruments()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Release connections; idempotent."""
        if self._resync is not None:
            self._resync.cancel()
            self._resync = None
        if self._opened is not None:
            await self._opened.close()
            self._opened = None

    async def server_time_offset_ms(self) -> int:
        """Measure venue clock minus ours, in ms, and use it from now on."""
        await self._admit(Priority.READ)
        offset_ms = await self._client.measure_offset()
        self._measured_at_s = self._clock.monotonic_s()
        return offset_ms

    def clock_offset_ms(self) -> int:
        """Last measured offset, no call; 0 before `open`."""
        return self._opened.offset_ms if self._opened else 0

    def rate_state(self) -> RateState:
        """Last known budget; `blocked_until_s` is in epoch seconds of our clock, 0 when free."""
        blocked_s = self._weight.blocked_s()
        return RateState(
            used_weight_1m=self._weight.used_1m,
            weight_limit_1m=self._weight.limits.weight_1m,
            order_count_10s=self._orders.count(10),
            order_count_1m=self._orders.count(60),
            blocked_until_s=self._clock.now().timestamp() + blocked_s if blocked_s else 0.0,
        )

    async def instruments(self) -> Sequence[InstrumentSpec]:
        """Perpetual contracts with their filters, and the limits on the way."""
        payload = await self._read(self._client.futures_exchange_info)
        self._learn_limits(payload)
        return understood(parse.instruments, payload)

    async def mark_price(self, symbol: str) -> MarkPriceReport:
        """GET premiumIndex of one symbol."""
        payload = await self._read(self._client.futures_mark_price, symbol=symbol)
        return understood(parse.mark_price_report, payload)

    async def submit(self, request: OrderRequest) -> OrderReport:
        """Send one MARKET or LIMIT order, once. Raises Rejected or Ambiguous; never retries."""
        client = self._client
        params = order_params(request)
        # Measured on the side: an order does not wait for the clock.
        self._keep_clock()
        priority = Priority.PROTECT if request.reduce_only else Priority.ENTRY
        await self._admit(priority)
        self._orders.admit(priority)
        signed_ms = to_epoch_ms(request.signed_at) + client.offset_ms
        payload = await self._resyncing(client.futures_create_order(**params, timestamp=signed_ms))
        return understood(parse.order_report, payload)

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """Cancel by our id. `NotFound` means: ask `order` what became of it."""
        return await self._cancel(symbol=symbol, origClientOrderId=client_order_id)

    async def cancel_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """Cancel an order that may not be ours."""
        return await self._cancel(symbol=symbol, orderId=venue_order_id)

    async def cancel_all(self, symbol: str) -> None:
        """Cancel every open order of `symbol` (conditional ones live elsewhere and stay)."""
        await self._admit(Priority.PROTECT)
        await self._resyncing(self._client.futures_cancel_all_open_orders(symbol=symbol))

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """GET one order by our id. Unfilled cancelled ones are forgotten after three days (F7)."""
        payload = await self._read(
            self._client.futures_get_order, symbol=symbol, origClientOrderId=client_order_id
        )
        return understood(parse.order_report, payload)

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """GET one order by the venue's id."""
        payload = await self._read(
            self._client.futures_get_order, symbol=symbol, orderId=venue_order_id
        )
        return understood(parse.order_report, payload)

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        """GET openOrders; weight 1 with a symbol, 40 without."""
        payload = await self._read(self._client.futures_get_open_orders, symbol=symbol)
        return each_understood(parse.order_report, payload)

    async def fills(
        self,
        symbol: str,
        *,
        from_trade_id: str | None = None,
        since: datetime | None = None,
        limit: int = _MAX_PAGE,
    ) -> Sequence[FillReport]:
        """Fills in rising trade id order; `from_trade_id` is inclusive and excludes `since`.

        `since` (aware) reaches seven days from there; the venue keeps three months.
        """
        payload = await self._read(
            self._client.futures_account_trades,
            symbol=symbol,
            fromId=from_trade_id,
            startTime=to_epoch_ms(since) if since and from_trade_id is None else None,
            limit=limit,
        )
        return sorted(
            each_understood(parse.fill_report, payload), key=lambda fill: int(fill.trade_id)
        )

    async def positions(self) -> Sequence[PositionReport]:
        """Every leg with quantity != 0.

        positionRisk v2, because it carries leverage and margin mode in the same weight of 5;
        v3 would need symbolConfig beside it and could disagree with it.
        """
        payload = await self._read(self._client.futures_position_information, version=2)
        legs = each_understood(lambda row: parse.position_report(row, self._clock.now()), payload)
        return [leg for leg in legs if leg.quantity]

    async def balances(self) -> Sequence[BalanceReport]:
        """GET v3 balance: every asset that the venue lists."""
        payload = await self._read(self._client.futures_account_balance)
        return each_understood(lambda row: parse.balance_report(row, self._clock.now()), payload)

    async def leverages(self) -> Sequence[LeverageReport]:
        """GET symbolConfig: leverage and margin mode of every symbol."""
        payload = await self._read(self._client.futures_symbol_config)
        return each_understood(lambda row: parse.leverage_report(row, self._clock.now()), payload)

    async def set_leverage(self, symbol: str, leverage: int) -> LeverageReport:
        """POST leverage; setting what is set already succeeds."""
        await self._admit(Priority.ENTRY)
        payload = await self._resyncing(
            self._client.futures_change_leverage(symbol=symbol, leverage=leverage)
        )
        return understood(lambda row: parse.leverage_report(row, self._clock.now()), payload)

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        """Idempotent: already set is success. Raises Rejected with open orders or a position."""
        await self._admit(Priority.ENTRY)
        try:
            await self._resyncing(
                self._client.futures_change_margin_type(
                    symbol=symbol, marginType=MARGIN_TYPES[mode]
                )
            )
        except Rejected as error:
            if error.code not in ALREADY_SO:
                raise

    def user_stream(self) -> UserDataStream:
        """A new supervisor of the private stream; only one may run per account."""
        return UserDataStream(
            self._endpoints,
            get_key=self._listen_key,
            renew_key=self._renew_listen_key,
            clock=self._clock,
            jitter=self._jitter,
            timings=self._timings,
        )

    def mark_stream(self, symbols: Sequence[str]) -> MarkPriceStream:
        """A new supervisor of one-second mark prices of `symbols`."""
        return MarkPriceStream(
            self._endpoints,
            tuple(symbols),
            clock=self._clock,
            jitter=self._jitter,
            timings=self._timings,
        )

    async def _cancel(self, **which: str) -> OrderReport:
        await self._admit(Priority.PROTECT)
        payload = await self._resyncing(self._client.futures_cancel_order(**which))
        return understood(parse.order_report, payload)

    async def _listen_key(self) -> str:
        # POST returns the living key and prolongs it; DELETE would blind everybody (F18).
        await self._admit(Priority.PROTECT)
        return str(await self._client.futures_stream_get_listen_key())

    async def _renew_listen_key(self, key: str) -> str:
        await self._admit(Priority.PROTECT)
        reply = await self._client.futures_stream_keepalive(key)
        return str(reply.get("listenKey") or key)

    async def _admit(self, priority: Priority) -> None:
        pause_s = self._weight.admit(priority)
        if pause_s:
            await asyncio.sleep(pause_s)

    async def _read(self, method: Callable[..., Awaitable[Any]], **params: Any) -> Any:
        async def call() -> Any:
            await self._admit(Priority.READ)
            return await method(**params)

        self._keep_clock()
        return await read_twice(call, resync=self.server_time_offset_ms, jitter=self._jitter)

    async def _resyncing(self, write: Awaitable[Any]) -> Any:
        try:
            return await write
        except ClockSkew:
            self._measure_aside()
            raise

    def _keep_clock(self) -> None:
        if self._clock.monotonic_s() - self._measured_at_s > RESYNC_AFTER_S:
            self._measure_aside()

    def _measure_aside(self) -> None:
        if self._resync is None or self._resync.done():
            self._resync = asyncio.create_task(self._measure_quietly())

    async def _measure_quietly(self) -> None:
        try:
            await self.server_time_offset_ms()
        except ExchangeError:
            # The old offset stays in use; a wrong one shows as ClockSkew, which comes back here.
            return

    def _learn_limits(self, exchange_info: Mapping[str, Any]) -> None:
        told = understood(parse.rate_limits, exchange_info)
        limits = self._weight.limits
        limits.weight_1m = told.get("REQUEST_WEIGHT:60", limits.weight_1m)
        limits.orders_10s = told.get("ORDERS:10", limits.orders_10s)
        limits.orders_1m = told.get("ORDERS:60", limits.orders_1m)
        limits.learned = True
