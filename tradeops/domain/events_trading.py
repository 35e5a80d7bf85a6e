"""Events about orders, fills, positions and money (R1.1)."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tradeops.domain.enums import (
    LiquidityRole,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)
from tradeops.domain.events_base import DomainEvent

# Orders / trades ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderPlaced(DomainEvent):
    """An order came into being: ours before any byte leaves, or one found at the venue.

    `external` marks orders that this system did not send (manual, liquidation, ADL).
    """

    order_id: UUID
    client_order_id: str
    symbol: str
    side: Side
    order_type: OrderType
    quantity: Decimal
    price: Decimal | None
    time_in_force: TimeInForce | None
    reduce_only: bool
    position_side: PositionSide
    status: OrderStatus
    submitted_at: datetime
    command_id: UUID | None = None
    leverage: int | None = None
    reference_price: Decimal | None = None
    external: bool = False
    venue_order_id: str = ""
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    algo_id: str = ""
    trigger_price: Decimal | None = None
    working_type: WorkingType | None = None
    callback_rate: Decimal | None = None
    activation_price: Decimal | None = None
    close_position: bool = False
    good_till: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderUpdated(DomainEvent):
    """The order moved up the lattice, its cumulative numbers grew, or it was amended.

    The optional fields are set where they differ from what was known; the type and its options only
    for an order that was first met through one of its fills, or after it had triggered.
    """

    order_id: UUID
    status: OrderStatus
    venue_order_id: str
    filled_quantity: Decimal
    average_price: Decimal | None
    updated_at: datetime
    quantity: Decimal | None = None
    price: Decimal | None = None
    reason: str = ""
    order_type: OrderType | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool | None = None
    algo_id: str = ""
    triggered_at: datetime | None = None
    client_order_id: str = ""
    trigger_price: Decimal | None = None
    working_type: WorkingType | None = None
    callback_rate: Decimal | None = None
    activation_price: Decimal | None = None
    close_position: bool | None = None
    good_till: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderAdopted(DomainEvent):
    """ALARM: the venue holds an order that was called LOST or failed here (I12)."""

    order_id: UUID
    previous_status: OrderStatus
    venue_order_id: str
    detail: str
    adopted_at: datetime


@dataclass(frozen=True, slots=True)
class OrderRejected(DomainEvent):
    """Proof that the venue did not take the order, or that it was never there (code LOST)."""

    order_id: UUID
    code: str
    reason: str
    updated_at: datetime
    exchange_code: int = 0


@dataclass(frozen=True, slots=True)
class OrderCancelled(DomainEvent):
    """The order ended without filling completely (CANCELLED or EXPIRED)."""

    order_id: UUID
    status: OrderStatus
    venue_order_id: str
    filled_quantity: Decimal
    updated_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TradeExecuted(DomainEvent):
    """One fill. `commission` > 0 is a cost; `realized_pnl` is the venue's own figure."""

    fill_id: UUID
    order_id: UUID
    symbol: str
    trade_id: str
    venue_order_id: str
    side: Side
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    realized_pnl: Decimal
    liquidity: LiquidityRole
    traded_at: datetime


# Position / balance / fee ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PositionChanged(DomainEvent):
    """Settings of a position as the venue has them; the quantity comes from fills alone (D7)."""

    symbol: str
    position_side: PositionSide
    updated_at: datetime
    leverage: int | None = None
    margin_mode: MarginMode | None = None
    isolated_margin: Decimal | None = None
    adl_quantile: int | None = None


@dataclass(frozen=True, slots=True)
class PositionAdjusted(DomainEvent):
    """The venue's quantity taken over without a fill, or that undone when its fill arrived (F25).

    `quantity` is the signed change in base, `entry_price` in quote. The figure holds for everything
    that was traded up to `adjusted_at`; a reversal names the adjustment in `reverses` and the fill
    in `trade_id`.
    """

    adjustment_id: UUID
    drift_id: UUID
    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    adjusted_at: datetime
    reverses: UUID | None = None
    trade_id: str = ""


@dataclass(frozen=True, slots=True)
class MarginCallReceived(DomainEvent):
    """ALARM: the venue warns that a position is near liquidation. Money in quote."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    maintenance_margin: Decimal
    received_at: datetime


@dataclass(frozen=True, slots=True)
class IncomeBooked(DomainEvent):
    """Money that moved for another reason than a fill or funding; `amount` > 0 came in.

    `kind` is the venue's word (TRANSFER, INSURANCE_CLEAR, WELCOME_BONUS, …).
    """

    kind: str
    asset: str
    amount: Decimal
    symbol: str
    transaction_id: str
    booked_at: datetime


@dataclass(frozen=True, slots=True)
class BalanceChanged(DomainEvent):
    asset: str
    wallet_balance: Decimal
    change: Decimal | None
    reason: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class FeeCharged(DomainEvent):
    """A fee outside a fill (those are part of TradeExecuted)."""

    asset: str
    amount: Decimal
    reason: str
    charged_at: datetime


@dataclass(frozen=True, slots=True)
class FundingApplied(DomainEvent):
    """Funding paid (< 0) or received (> 0)."""

    asset: str
    amount: Decimal
    symbol: str
    applied_at: datetime
