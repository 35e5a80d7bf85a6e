"""`ExchangePort` of one account at Binance USDⓈ-M (real, test network or paper: by URL only)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from tradeops.domain.clock import Clock, to_epoch_ms
from tradeops.domain.enums import CONDITIONAL_TYPES, MarginMode, PositionMode, PositionSide
from tradeops.domain.instrument import InstrumentSpec
from tradeops.domain.money import plain
from tradeops.exchange.binance import parse, parse_account
from tradeops.exchange.binance.calls import Aside, Pause, VenueCalls
from tradeops.exchange.binance.conditional import ConditionalOrders
from tradeops.exchange.binance.outcomes import (
    ALREADY_SO,
    acknowledge,
    each_understood,
    understood,
)
from tradeops.exchange.binance.rest import OpenSession, open_aiohttp_session
from tradeops.exchange.binance.spelling import MARGIN_TYPES, amend_params, order_params
from tradeops.exchange.binance.stream import MarkPriceStream, StreamTimings, UserDataStream
from tradeops.exchange.binance.urls import Endpoints
from tradeops.exchange.errors import Rejected
from tradeops.exchange.port import AmendRequest, Credentials, OrderRequest, RateState
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    IncomeReport,
    LeverageBracket,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
)
from tradeops.exchange.throttle import OrderBudget, Priority, WeightBudget

_MAX_PAGE = 1000
_INCOME_WINDOW = timedelta(days=7)
_ADD_MARGIN, _CUT_MARGIN = "1", "2"


class BinanceUsdmAdapter:
    """One account; `credentials` None reads public data only.

    `guard` says whether a database transaction is open; `jitter` returns numbers in [0, 1).
    `weight` is shared by the accounts of an address, because the venue counts by address.
    `open_session`, `pause` and `aside` (see `VenueCalls`) let a simulator stand in for the wire.
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
        timings: StreamTimings | None = None,
        open_session: OpenSession = open_aiohttp_session,
        pause: Pause = asyncio.sleep,
        aside: Aside | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._clock = clock
        self._jitter = jitter
        self._timings = timings or StreamTimings()
        self._calls = VenueCalls(
            credentials,
            endpoints,
            clock=clock,
            guard=guard,
            jitter=jitter,
            weight=weight,
            orders=orders,
            open_session=open_session,
            pause=pause,
            aside=aside,
        )
        self._conditional = ConditionalOrders(self._calls)

    async def open(self) -> None:
        """Connect, measure the clock offset and learn the venue's limits. Raises ExchangeError."""
        await self._calls.open()

    async def close(self) -> None:
        """Release connections; idempotent."""
        await self._calls.close()

    async def server_time_offset_ms(self) -> int:
        """Measure venue clock minus ours, in ms, and use it from now on."""
        return await self._calls.measure_offset()

    def clock_offset_ms(self) -> int:
        """Last measured offset, no call; 0 before `open`."""
        return self._calls.offset_ms

    def rate_state(self) -> RateState:
        """Last known budget; `blocked_until_s` is in epoch seconds of our clock, 0 when free."""
        return self._calls.rate_state()

    async def instruments(self) -> Sequence[InstrumentSpec]:
        """Perpetual contracts with their filters, and the limits on the way."""
        return understood(parse.instruments, await self._calls.exchange_info())

    async def mark_price(self, symbol: str) -> MarkPriceReport:
        """GET premiumIndex of one symbol."""
        payload = await self._calls.read(self._calls.client.futures_mark_price, symbol=symbol)
        return understood(parse.mark_price_report, payload)

    async def submit(self, request: OrderRequest) -> OrderReport:
        """Send one order, once. Raises Rejected or Ambiguous; never retries."""
        closes = request.reduce_only or request.close_position
        priority = Priority.PROTECT if closes else Priority.ENTRY
        if request.order_type in CONDITIONAL_TYPES:
            return await self._conditional.submit(request, priority)
        client, params = self._calls.client, order_params(request)
        payload = await self._calls.write_order(
            priority,
            client.futures_create_order,
            **params,
            timestamp=to_epoch_ms(request.signed_at) + client.offset_ms,
        )
        return understood(parse.order_report, payload)

    async def amend(self, request: AmendRequest) -> OrderReport:
        """PUT order, once. Raises Rejected or Ambiguous; what is so already is asked for."""
        client, params = self._calls.client, amend_params(request)
        try:
            payload = await self._calls.write_order(
                Priority.ENTRY,
                client.futures_modify_order,
                **params,
                timestamp=to_epoch_ms(request.signed_at) + client.offset_ms,
            )
        except Rejected as error:
            if error.code not in ALREADY_SO:
                raise
            return await self.order(request.symbol, request.client_order_id)
        return understood(parse.order_report, payload)

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """Cancel by our id. `NotFound` means: ask `order` what became of it."""
        if conditional:
            return await self._conditional.cancel(clientAlgoId=client_order_id)
        return await self._cancel(symbol=symbol, origClientOrderId=client_order_id)

    async def cancel_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """Cancel an order that may not be ours; by its algo id when `conditional`."""
        if conditional:
            return await self._conditional.cancel(algoId=venue_order_id)
        return await self._cancel(symbol=symbol, orderId=venue_order_id)

    async def cancel_all(self, symbol: str) -> None:
        """Cancel every open order of `symbol` (conditional ones live elsewhere and stay)."""
        method = self._calls.client.futures_cancel_all_open_orders
        acknowledge(await self._calls.write(Priority.PROTECT, method, symbol=symbol))

    async def cancel_all_conditional(self, symbol: str) -> None:
        """Cancel every conditional order of `symbol` that has not triggered."""
        await self._conditional.cancel_all(symbol)

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """GET one order by our id. Unfilled cancelled ones are forgotten after three days (F7)."""
        if conditional:
            return await self._conditional.order(clientAlgoId=client_order_id)
        return await self._order(symbol=symbol, origClientOrderId=client_order_id)

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """GET one order by the venue's id; by its algo id when `conditional`."""
        if conditional:
            return await self._conditional.order(algoId=venue_order_id)
        return await self._order(symbol=symbol, orderId=venue_order_id)

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        """GET openOrders; weight 1 with a symbol, 40 without."""
        payload = await self._calls.read_list(
            self._calls.client.futures_get_open_orders, symbol=symbol
        )
        return each_understood(parse.order_report, payload)

    async def open_conditional_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        """GET openAlgoOrders; weight 1 with a symbol, 40 without."""
        return await self._conditional.open(symbol)

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
        payload = await self._calls.read_list(
            self._calls.client.futures_account_trades,
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
        payload = await self._calls.read(self._calls.client.futures_position_information, version=2)
        legs = each_understood(lambda row: parse.position_report(row, self._clock.now()), payload)
        return [leg for leg in legs if leg.quantity]

    async def balances(self) -> Sequence[BalanceReport]:
        """GET v3 balance: every asset that the venue lists."""
        payload = await self._calls.read(self._calls.client.futures_account_balance)
        return each_understood(lambda row: parse.balance_report(row, self._clock.now()), payload)

    async def leverages(self) -> Sequence[LeverageReport]:
        """GET symbolConfig: leverage and margin mode of every symbol."""
        payload = await self._calls.read(self._calls.client.futures_symbol_config)
        return each_understood(lambda row: parse.leverage_report(row, self._clock.now()), payload)

    async def set_leverage(self, symbol: str, leverage: int) -> LeverageReport:
        """POST leverage; setting what is set already succeeds."""
        payload = await self._calls.write(
            Priority.ENTRY,
            self._calls.client.futures_change_leverage,
            symbol=symbol,
            leverage=leverage,
        )
        return understood(lambda row: parse.leverage_report(row, self._clock.now()), payload)

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        """Idempotent: already set is success. Raises Rejected with open orders or a position."""
        method = self._calls.client.futures_change_margin_type
        try:
            payload = await self._calls.write(
                Priority.ENTRY, method, symbol=symbol, marginType=MARGIN_TYPES[mode]
            )
        except Rejected as error:
            if error.code not in ALREADY_SO:
                raise
        else:
            acknowledge(payload)

    async def change_isolated_margin(
        self, symbol: str, amount: Decimal, position_side: PositionSide = PositionSide.BOTH
    ) -> None:
        """POST positionMargin, once: `amount` (quote) > 0 adds, < 0 takes out."""
        payload = await self._calls.write(
            Priority.PROTECT if amount > 0 else Priority.ENTRY,
            self._calls.client.futures_change_position_margin,
            symbol=symbol,
            amount=plain(abs(amount)),
            type=_ADD_MARGIN if amount > 0 else _CUT_MARGIN,
            positionSide=None if position_side is PositionSide.BOTH else position_side.value,
        )
        acknowledge(payload)

    async def position_mode(self) -> PositionMode:
        """GET positionSide/dual, weight 30."""
        payload = await self._calls.read(self._calls.client.futures_get_position_mode)
        return understood(parse_account.position_mode, payload)

    async def leverage_brackets(self) -> Sequence[LeverageBracket]:
        """GET leverageBracket of every symbol."""
        payload = await self._calls.read(self._calls.client.futures_leverage_bracket)
        return understood(parse_account.leverage_brackets, payload)

    async def adl_quantiles(self) -> Mapping[tuple[str, PositionSide], int]:
        """GET adlQuantile: of open legs, and of others where the venue names them."""
        payload = await self._calls.read(self._calls.client.futures_adl_quantile_estimate)
        return understood(parse_account.adl_quantiles, payload)

    async def income(self, *, since: datetime, limit: int = _MAX_PAGE) -> Sequence[IncomeReport]:
        """Rows from `since` (aware) on in rising time, at most `limit`; weight 30 a week asked.

        The venue keeps three months and answers for seven days at a time: empty weeks are passed.
        """
        now = self._clock.now()
        while True:
            until = since + _INCOME_WINDOW
            payload = await self._calls.read(
                self._calls.client.futures_income_history,
                startTime=to_epoch_ms(since),
                endTime=to_epoch_ms(until),
                limit=limit,
            )
            rows = each_understood(parse_account.income_report, payload)
            if rows or until >= now:
                return sorted(rows, key=lambda row: row.booked_at)
            since = until

    async def arm_dead_man(self, symbol: str, countdown_ms: int) -> None:
        """POST countdownCancelAll, weight 10; whether it reaches conditional orders is unproven."""
        method = self._calls.client.futures_countdown_cancel_all
        payload = await self._calls.write(
            Priority.PROTECT, method, symbol=symbol, countdownTime=countdown_ms
        )
        understood(lambda told: int(told["countdownTime"]), payload)

    def user_stream(self) -> UserDataStream:
        """A new supervisor of the private stream; only one may run per account."""
        return UserDataStream(
            self._endpoints,
            get_key=self._calls.listen_key,
            renew_key=self._calls.renew_listen_key,
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
        method = self._calls.client.futures_cancel_order
        payload = await self._calls.write(Priority.PROTECT, method, **which)
        return understood(parse.order_report, payload)

    async def _order(self, **which: str) -> OrderReport:
        payload = await self._calls.read(self._calls.client.futures_get_order, **which)
        return understood(parse.order_report, payload)
