"""A venue in memory behind `ExchangePort`: says what the test tells it to say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from tradeops.domain.enums import (
    CONDITIONAL_TYPES,
    MarginMode,
    OrderStatus,
    PositionMode,
    PositionSide,
)
from tradeops.domain.instrument import InstrumentSpec
from tradeops.exchange.errors import NotFound
from tradeops.exchange.port import (
    AmendRequest,
    MarketStream,
    OrderRequest,
    RateState,
    UserStream,
)
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


@dataclass
class FakePort:
    """`submit_error` before or after the order exists decides what a failed submit means."""

    now: datetime
    mark: Decimal = Decimal("60000")
    submitted: list[OrderRequest] = field(default_factory=list)
    orders: dict[str, OrderReport] = field(default_factory=dict)
    leverage_calls: list[tuple[str, int]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    cancelled_conditional: list[bool] = field(default_factory=list)
    trades: list[FillReport] = field(default_factory=list)
    brackets: list[LeverageBracket] = field(default_factory=list)
    bracket_calls: int = 0
    bracket_error: Exception | None = None
    mode: PositionMode = PositionMode.ONE_WAY
    legs: list[PositionReport] = field(default_factory=list)
    margin_calls: list[tuple[str, object]] = field(default_factory=list)
    margin_error: Exception | None = None
    amended: list[AmendRequest] = field(default_factory=list)
    income_rows: list[IncomeReport] = field(default_factory=list)
    wallets: list[BalanceReport] = field(default_factory=list)
    quantiles: dict[tuple[str, PositionSide], int] = field(default_factory=dict)
    countdowns: list[tuple[str, int]] = field(default_factory=list)
    calls: int = 0
    submit_error: Exception | None = None
    accept_before_error: bool = False
    amend_error: Exception | None = None
    cancel_error: Exception | None = None
    query_error: Exception | None = None
    leverage_error: Exception | None = None
    offset_ms: int = 0
    level: str = "OK"
    status: OrderStatus = OrderStatus.ACKNOWLEDGED

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def server_time_offset_ms(self) -> int:
        return 0

    def clock_offset_ms(self) -> int:
        return self.offset_ms

    def rate_state(self) -> RateState:
        return RateState(0, 2400, 0, 0, 0.0, self.level)

    async def instruments(self) -> Sequence[InstrumentSpec]:
        return []

    async def mark_price(self, symbol: str) -> MarkPriceReport:
        self.calls += 1
        return MarkPriceReport(symbol, self.mark, self.now)

    async def submit(self, request: OrderRequest) -> OrderReport:
        self.calls += 1
        self.submitted.append(request)
        if self.submit_error is not None and not self.accept_before_error:
            raise self.submit_error
        report = self._report(request)
        self.orders[request.client_order_id] = report
        if self.submit_error is not None:
            raise self.submit_error
        return report

    def _report(self, request: OrderRequest) -> OrderReport:
        conditional = request.order_type in CONDITIONAL_TYPES
        filled = request.quantity if self.status is OrderStatus.FILLED else Decimal(0)
        return OrderReport(
            symbol=request.symbol,
            venue_order_id="" if conditional else str(1000 + len(self.orders)),
            algo_id=str(9000 + len(self.orders)) if conditional else "",
            trigger_price=request.trigger_price,
            working_type=request.working_type,
            callback_rate=request.callback_rate,
            activation_price=request.activation_price,
            good_till=request.good_till,
            client_order_id=request.client_order_id,
            side=request.side,
            order_type=request.order_type,
            status=self.status,
            quantity=request.quantity,
            filled_quantity=filled,
            price=request.price,
            average_price=None,
            time_in_force=request.time_in_force,
            reduce_only=request.reduce_only,
            close_position=request.close_position,
            position_side=request.position_side,
            updated_at=self.now,
        )

    async def amend(self, request: AmendRequest) -> OrderReport:
        self.calls += 1
        self.amended.append(request)
        if self.amend_error is not None:
            raise self.amend_error
        report = replace(
            self.orders[request.client_order_id],
            quantity=request.quantity,
            price=request.price,
            updated_at=self.now,
        )
        self.orders[request.client_order_id] = report
        return report

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        self.calls += 1
        self.cancelled.append(client_order_id)
        self.cancelled_conditional.append(conditional)
        if self.cancel_error is not None:
            raise self.cancel_error
        report = replace(
            self.orders[client_order_id], status=OrderStatus.CANCELLED, updated_at=self.now
        )
        self.orders[client_order_id] = report
        return report

    async def cancel_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        raise NotFound(venue_order_id, code=-2011)

    async def cancel_all(self, symbol: str) -> None:
        self.calls += 1

    async def cancel_all_conditional(self, symbol: str) -> None:
        self.calls += 1

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        self.calls += 1
        if self.query_error is not None:
            raise self.query_error
        if client_order_id not in self.orders:
            raise NotFound("Order does not exist.", code=-2013)
        return self.orders[client_order_id]

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        self.calls += 1
        for report in self.orders.values():
            if report.venue_order_id == venue_order_id:
                return report
        raise NotFound("Order does not exist.", code=-2013)

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        self.calls += 1
        return [
            item
            for item in self.orders.values()
            if item.status is OrderStatus.ACKNOWLEDGED and not item.algo_id
        ]

    async def open_conditional_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        self.calls += 1
        return [
            item
            for item in self.orders.values()
            if item.status is OrderStatus.ACKNOWLEDGED and item.algo_id
        ]

    async def fills(
        self,
        symbol: str,
        *,
        from_trade_id: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> Sequence[FillReport]:
        self.calls += 1
        return self.trades

    async def positions(self) -> Sequence[PositionReport]:
        return self.legs

    async def balances(self) -> Sequence[BalanceReport]:
        self.calls += 1
        return list(self.wallets)

    async def leverages(self) -> Sequence[LeverageReport]:
        return []

    async def set_leverage(self, symbol: str, leverage: int) -> LeverageReport:
        self.calls += 1
        self.leverage_calls.append((symbol, leverage))
        if self.leverage_error is not None:
            raise self.leverage_error
        return LeverageReport(symbol, leverage, self.now)

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        self.calls += 1
        self.margin_calls.append((symbol, mode))
        if self.margin_error is not None:
            raise self.margin_error

    async def change_isolated_margin(
        self, symbol: str, amount: Decimal, position_side: PositionSide = PositionSide.BOTH
    ) -> None:
        self.calls += 1
        self.margin_calls.append((symbol, amount))
        if self.margin_error is not None:
            raise self.margin_error

    async def position_mode(self) -> PositionMode:
        return self.mode

    async def leverage_brackets(self) -> Sequence[LeverageBracket]:
        self.bracket_calls += 1
        if self.bracket_error is not None:
            raise self.bracket_error
        return self.brackets

    async def adl_quantiles(self) -> Mapping[tuple[str, PositionSide], int]:
        return self.quantiles

    async def income(self, *, since: datetime, limit: int = 1000) -> Sequence[IncomeReport]:
        self.calls += 1
        return [row for row in self.income_rows if row.booked_at >= since][:limit]

    async def arm_dead_man(self, symbol: str, countdown_ms: int) -> None:
        self.calls += 1
        self.countdowns.append((symbol, countdown_ms))

    def user_stream(self) -> UserStream:
        raise NotImplementedError

    def mark_stream(self, symbols: Sequence[str]) -> MarketStream:
        raise NotImplementedError
