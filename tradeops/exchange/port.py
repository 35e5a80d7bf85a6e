"""What the engine asks of a venue. Adapters implement it; nothing else may be called.

All calls are coroutines. Reads raise `ExchangeError`; writes as well, where `Ambiguous` means that
the outcome is unknown. An adapter refuses (`RuntimeError`) to make a call while `guard()` says that
a database transaction is open (I14).
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from tradeops.domain.enums import (
    MarginMode,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)
from tradeops.domain.instrument import InstrumentSpec
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    IncomeReport,
    LeverageBracket,
    LeverageReport,
    MarkPriceReport,
    OrderReport,
    PositionReport,
    StreamItem,
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Opened venue key; lives in worker memory only. repr hides both."""

    api_key: str
    api_secret: str

    def __repr__(self) -> str:
        return "Credentials(***)"


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One order, already sized and rounded. `signed_at` is the time that the venue judges by.

    Conditional types carry `trigger_price` (TRAILING_STOP_MARKET: `callback_rate` in percent and
    perhaps `activation_price`). With `close_position` the `quantity` is 0 and not sent.
    """

    symbol: str
    client_order_id: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    signed_at: datetime
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool = False
    position_side: PositionSide = PositionSide.BOTH
    trigger_price: Decimal | None = None
    working_type: WorkingType | None = None
    callback_rate: Decimal | None = None
    activation_price: Decimal | None = None
    close_position: bool = False
    good_till: datetime | None = None


@dataclass(frozen=True, slots=True)
class AmendRequest:
    """New total quantity and price of a resting LIMIT order."""

    symbol: str
    client_order_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class RateState:
    """Used and admitted budget of this address and account, as far as known.

    `level` is OK, WARN, SLOW, STOP or BLOCKED (`exchange.throttle`).
    """

    used_weight_1m: int
    weight_limit_1m: int
    order_count_10s: int
    order_count_1m: int
    blocked_until_s: float
    level: str = "OK"


class ExchangePort(Protocol):
    """One account at one venue."""

    async def open(self) -> None:
        """Connect and measure the clock offset. Called once before anything else."""

    async def close(self) -> None:
        """Release connections; idempotent."""

    async def server_time_offset_ms(self) -> int:
        """Measure venue clock minus ours, in ms, and use it from now on."""

    def clock_offset_ms(self) -> int:
        """Last measured offset, no call."""

    def rate_state(self) -> RateState:
        """Last known budget, no call."""

    async def instruments(self) -> Sequence[InstrumentSpec]: ...

    async def mark_price(self, symbol: str) -> MarkPriceReport: ...

    async def submit(self, request: OrderRequest) -> OrderReport:
        """Send one order, once. Raises Rejected or Ambiguous; never retries."""

    async def amend(self, request: AmendRequest) -> OrderReport:
        """Change a resting LIMIT order, once. Raises Rejected or Ambiguous; never retries."""

    async def cancel(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """Cancel by our id. `NotFound` means: ask `order` what became of it.

        `conditional` names the id space, here and below: conditional orders have one of their own.
        One that has triggered is cancelled as the ordinary order which it became.
        """

    async def cancel_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """`venue_order_id` is the algo id when `conditional`."""

    async def cancel_all(self, symbol: str) -> None:
        """Ordinary orders of a symbol, ours or not; conditional ones stay."""

    async def cancel_all_conditional(self, symbol: str) -> None: ...

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        """The venue's view by our id; of a triggered conditional order both views in one."""

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport: ...

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderReport]: ...

    async def open_conditional_orders(self, symbol: str | None = None) -> Sequence[OrderReport]: ...

    async def fills(
        self,
        symbol: str,
        *,
        from_trade_id: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> Sequence[FillReport]:
        """Fills in rising trade id order; `from_trade_id` is inclusive and excludes `since`."""

    async def positions(self) -> Sequence[PositionReport]:
        """Every leg with quantity != 0, with leverage and margin mode where the venue tells."""

    async def balances(self) -> Sequence[BalanceReport]: ...

    async def leverages(self) -> Sequence[LeverageReport]:
        """Leverage and margin mode of every symbol (GET symbolConfig)."""

    async def set_leverage(self, symbol: str, leverage: int) -> LeverageReport: ...

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        """Idempotent: already set is success. Rejected with open orders or a position."""

    async def change_isolated_margin(
        self, symbol: str, amount: Decimal, position_side: PositionSide = PositionSide.BOTH
    ) -> None:
        """Add `amount` > 0 or take out < 0, in quote. Not idempotent: Ambiguous stays unknown."""

    async def position_mode(self) -> PositionMode: ...

    async def leverage_brackets(self) -> Sequence[LeverageBracket]: ...

    async def adl_quantiles(self) -> Mapping[tuple[str, PositionSide], int]:
        """0 (last) to 4 (first in the queue) of every leg that is open."""

    async def income(self, *, since: datetime, limit: int = 1000) -> Sequence[IncomeReport]:
        """Rows from `since` on in rising time, at most `limit` (R1.14, weight 30)."""

    async def arm_dead_man(self, symbol: str, countdown_ms: int) -> None:
        """The venue cancels the symbol's orders when it hears nothing for so long; 0 disarms."""

    def user_stream(self) -> "UserStream": ...

    def mark_stream(self, symbols: Sequence[str]) -> "MarketStream": ...


class UserStream(Protocol):
    """Own supervisor of one private stream: reconnects for ever, renews its key.

    `items()` yields lists: all items that were parsed since the last time, in arrival order.
    After each (re)connect `on_state("CONNECTED", …)` is called before any later item is yielded;
    the caller fills the gap over REST, frames of the new connection wait in an unbounded buffer.
    """

    def items(self, *, on_state: Callable[[str, str], None]) -> AsyncIterator[Sequence[StreamItem]]:
        """`on_state(state, detail)` tells `StreamState` changes."""

    async def stop(self) -> None: ...


class MarketStream(Protocol):
    """Public prices; the newest per symbol wins, older ones may be dropped."""

    def items(
        self, *, on_state: Callable[[str, str], None]
    ) -> AsyncIterator[Sequence[MarkPriceReport]]: ...

    async def stop(self) -> None: ...
