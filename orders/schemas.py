"""Orders and fills as the API gives them, and the words that requests are made of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.conf import settings
from ninja import Schema
from pydantic import AfterValidator, Field, Strict
from pydantic_core import PydanticCustomError

from orders.models import Fill, Order
from orders.selectors import average_price
from tradeops.domain.enums import OrderStatus
from tradeops.domain.errors import ErrorCode
from tradeops.kit.fields import DecimalText, Moment
from tradeops.kit.paging import DEFAULT_LIMIT, MAX_LIMIT

MIN_LEVERAGE, MAX_LEVERAGE = 1, 25
SYMBOL_PATTERN = r"^[A-Z0-9_]{2,32}$"
ACCOUNT_PATTERN = r"^[a-zA-Z0-9_-]{1,40}$"


def _leverage(value: int) -> int:
    if not MIN_LEVERAGE <= value <= MAX_LEVERAGE:
        raise PydanticCustomError(
            ErrorCode.LEVERAGE_OUT_OF_RANGE.value,
            f"Leverage is a whole number from {MIN_LEVERAGE} to {MAX_LEVERAGE}.",
        )
    return value


def _allowed_symbol(value: str) -> str:
    if value not in settings.ALLOWED_SYMBOLS:
        raise PydanticCustomError(
            ErrorCode.SYMBOL_NOT_ALLOWED.value, "This desk does not trade this symbol."
        )
    return value


AccountReference = Annotated[
    str, Field(pattern=ACCOUNT_PATTERN, description="Name or id; the oldest account when absent.")
]
Symbol = Annotated[str, Field(pattern=SYMBOL_PATTERN, examples=["BTCUSDT"])]
AllowedSymbol = Annotated[Symbol, AfterValidator(_allowed_symbol)]
Leverage = Annotated[int, Strict(), AfterValidator(_leverage), Field(examples=[10])]
Flag = Annotated[bool, Strict()]


class OrderOut(Schema):
    """An order as the journal has it.

    What closes a position has the quantity 0 until it triggers; a conditional order has an
    `algo_id`, and a `venue_order_id` from then on.
    """

    id: UUID
    account: str
    client_order_id: str
    venue_order_id: str
    command_id: UUID | None
    symbol: str
    side: str
    type: str
    time_in_force: str
    position_side: str
    reduce_only: bool
    close_position: bool
    is_external: bool
    algo_id: str
    trigger_price: DecimalText | None
    working_type: str
    callback_rate: DecimalText | None
    activation_price: DecimalText | None
    good_till: datetime | None
    triggered_at: datetime | None
    quantity: DecimalText
    price: DecimalText | None
    reference_price: DecimalText | None
    leverage: int | None
    status: str
    filled_quantity: DecimalText
    average_price: DecimalText | None
    filled_notional: DecimalText
    commission: DecimalText
    realized_pnl: DecimalText
    reason: str
    exchange_code: int
    submitted_at: datetime
    updated_at: datetime

    @classmethod
    def values(cls, order: Order, account: str) -> dict[str, Any]:
        """Field values of a row."""
        return {
            "id": order.pk,
            "account": account,
            "client_order_id": order.client_order_id,
            "venue_order_id": order.venue_order_id,
            "command_id": order.command_id,
            "symbol": order.symbol,
            "side": order.side,
            "type": order.order_type,
            "time_in_force": order.time_in_force,
            "position_side": order.position_side,
            "reduce_only": order.reduce_only,
            "close_position": order.close_position,
            "is_external": order.is_external,
            "algo_id": order.algo_id,
            "trigger_price": order.trigger_price,
            "working_type": order.working_type,
            "callback_rate": order.callback_rate,
            "activation_price": order.activation_price,
            "good_till": order.good_till,
            "triggered_at": order.triggered_at,
            "quantity": order.quantity,
            "price": order.price,
            "reference_price": order.reference_price,
            "leverage": order.leverage,
            "status": order.status,
            "filled_quantity": order.filled_quantity,
            "average_price": average_price(order),
            "filled_notional": order.filled_notional,
            "commission": order.commission,
            "realized_pnl": order.realized_pnl,
            "reason": order.reason,
            "exchange_code": order.exchange_code,
            "submitted_at": order.submitted_at,
            "updated_at": order.updated_at,
        }

    @classmethod
    def of(cls, order: Order, account: str) -> "OrderOut":
        """The row for the outside; `account` is the account's name."""
        return cls(**cls.values(order, account))


class FillOut(Schema):
    """One execution; `commission` > 0 is a cost."""

    id: UUID
    account: str
    order_id: UUID
    symbol: str
    trade_id: str
    side: str
    position_side: str
    price: DecimalText
    quantity: DecimalText
    commission: DecimalText
    commission_asset: str
    realized_pnl: DecimalText
    liquidity: str
    traded_at: datetime

    @classmethod
    def of(cls, fill: Fill, account: str) -> "FillOut":
        """The row for the outside."""
        return cls(
            id=fill.pk,
            account=account,
            order_id=fill.order_id,
            symbol=fill.symbol,
            trade_id=str(fill.trade_id),
            side=fill.side,
            position_side=fill.position_side,
            price=fill.price,
            quantity=fill.quantity,
            commission=fill.commission,
            commission_asset=fill.commission_asset,
            realized_pnl=fill.realized_pnl,
            liquidity=fill.liquidity,
            traded_at=fill.traded_at,
        )


class GateOut(Schema):
    """One gate's verdict, with the numbers that it judged by."""

    gate: str
    passed: bool
    code: str = ""
    detail: str = ""
    numbers: dict[str, Any] = Field(default_factory=dict)


class TimelineOut(Schema):
    """One journalled step of an order's story."""

    seq: int
    type: str
    actor: str
    source: str
    data: dict[str, Any]
    occurred_at: datetime


class OrderDetailOut(OrderOut):
    """An order that explains itself: gates, fills and every event that belongs to it."""

    gates: list[GateOut]
    fills: list[FillOut]
    events: list[TimelineOut]

    @classmethod
    def detailed(
        cls, order: Order, account: str, fills: Sequence[Fill], events: Sequence[TimelineOut]
    ) -> "OrderDetailOut":
        """The row with what belongs to it."""
        return cls(
            **cls.values(order, account),
            gates=[GateOut(**verdict) for verdict in order.verdicts],
            fills=[FillOut.of(fill, account) for fill in fills],
            events=list(events),
        )


class PageFilter(Schema):
    """What every list of an account's rows takes."""

    account: AccountReference | None = None
    symbol: Symbol | None = None
    since: Moment | None = None
    until: Moment | None = None
    cursor: Annotated[str | None, Field(max_length=200)] = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT


class OrderFilter(PageFilter):
    """Which orders to list."""

    status: list[OrderStatus] = Field(default_factory=list)


class FillFilter(PageFilter):
    """Which fills to list."""

    order_id: UUID | None = None


class OrderPage(Schema):
    """Newest first; `next` goes into `cursor` for the page after, null on the last."""

    items: list[OrderOut]
    next: str | None


class FillPage(Schema):
    """Newest first; `next` goes into `cursor` for the page after, null on the last."""

    items: list[FillOut]
    next: str | None
