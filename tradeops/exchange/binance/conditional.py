"""Conditional orders of one account: the calls to the Algo service (F5)."""

from collections.abc import Sequence
from dataclasses import replace

from tradeops.domain.clock import to_epoch_ms
from tradeops.domain.enums import OrderStatus
from tradeops.exchange.binance import parse
from tradeops.exchange.binance.calls import VenueCalls
from tradeops.exchange.binance.outcomes import acknowledge, each_understood, understood
from tradeops.exchange.binance.parse_conditional import (
    both_views,
    conditional_report,
    is_over_unfilled,
)
from tradeops.exchange.binance.spelling import conditional_params
from tradeops.exchange.errors import Ambiguous, ExchangeError, NotFound
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import OrderReport
from tradeops.exchange.throttle import Priority


class ConditionalOrders:
    """What `BinanceUsdmAdapter` passes on for conditional orders; errors as there."""

    def __init__(self, calls: VenueCalls) -> None:
        self._calls = calls

    async def submit(self, request: OrderRequest, priority: Priority) -> OrderReport:
        """POST algoOrder, once."""
        client, params = self._calls.client, conditional_params(request)
        payload = await self._calls.write_order(
            priority,
            client.futures_create_algo_order,
            **params,
            timestamp=to_epoch_ms(request.signed_at) + client.offset_ms,
        )
        return understood(self._report, payload)

    async def cancel(self, **which: str) -> OrderReport:
        """Cancel by `clientAlgoId` or `algoId`; once triggered, the order that it became.

        The service's own reply to a cancel tells nothing but the ids, so the order is asked for.
        """
        client = self._calls.client
        try:
            acknowledge(
                await self._calls.write(Priority.PROTECT, client.futures_cancel_algo_order, **which)
            )
        except NotFound:
            algo = await self._algo_view(**which)
            if not algo.venue_order_id or algo.status is not OrderStatus.ACKNOWLEDGED:
                raise
            payload = await self._calls.write(
                Priority.PROTECT,
                client.futures_cancel_order,
                symbol=algo.symbol,
                orderId=algo.venue_order_id,
            )
            return both_views(algo, understood(parse.order_report, payload))
        try:
            algo = await self._algo_view(**which)
        except ExchangeError as error:
            # The cancel is done: no refusal of the read may pass for one of the cancel.
            message = f"cancelled, and not read since: {error.message}"
            raise Ambiguous(message, code=error.code) from error
        # A read may lag behind the cancel that has just been confirmed.
        return algo if algo.venue_order_id else replace(algo, status=OrderStatus.CANCELLED)

    async def cancel_all(self, symbol: str) -> None:
        """DELETE algoOpenOrders of a symbol."""
        method = self._calls.client.futures_cancel_all_algo_open_orders
        acknowledge(await self._calls.write(Priority.PROTECT, method, symbol=symbol))

    async def order(self, **which: str) -> OrderReport:
        """GET algoOrder, and of a triggered one the ordinary order as well."""
        payload = await self._calls.read(self._calls.client.futures_get_algo_order, **which)
        algo = understood(self._report, payload)
        if not algo.venue_order_id:
            return algo
        try:
            order = await self._calls.read(
                self._calls.client.futures_get_order,
                symbol=algo.symbol,
                orderId=algo.venue_order_id,
            )
        except NotFound:
            # Unfilled ones are forgotten after three days (F7), and news may come late (F3).
            if understood(is_over_unfilled, payload):
                return replace(algo, status=OrderStatus.CANCELLED)
            return algo
        return both_views(algo, understood(parse.order_report, order))

    async def open(self, symbol: str | None) -> Sequence[OrderReport]:
        """GET openAlgoOrders; weight 1 with a symbol, 40 without."""
        method = self._calls.client.futures_get_open_algo_orders
        return each_understood(self._report, await self._calls.read_list(method, symbol=symbol))

    async def _algo_view(self, **which: str) -> OrderReport:
        payload = await self._calls.read(self._calls.client.futures_get_algo_order, **which)
        return understood(self._report, payload)

    def _report(self, payload: dict[str, object]) -> OrderReport:
        return conditional_report(payload, self._calls.clock.now())
