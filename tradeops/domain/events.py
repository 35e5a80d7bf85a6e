"""Every fact the journal can hold (R1.1), as types. The list is closed.

An event says what became true and carries everything a projection needs: rebuilding never asks a
venue or a clock. Field types are limited to those that `tradeops.journal.codec` writes: str, int,
bool, Decimal, datetime, UUID, enums of `tradeops.domain.enums`, None and JSON mappings.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tradeops.domain.enums import (
    EngineState,
    LiquidityRole,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
)


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Base of all events."""


# Commands ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandSubmitted(DomainEvent):
    """Somebody asked for something; the first link of the chain command → order → fill."""

    command_id: UUID
    kind: str
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommandCompleted(DomainEvent):
    """The command reached ACK or FAILED (then with a code and a sentence)."""

    command_id: UUID
    kind: str
    status: str
    code: str = ""
    detail: str = ""


# Engine / control -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineStarted(DomainEvent):
    process: str
    build: str


@dataclass(frozen=True, slots=True)
class EngineStopped(DomainEvent):
    process: str
    reason: str


@dataclass(frozen=True, slots=True)
class EnginePaused(DomainEvent):
    """Openings are refused until resumed; exits and cancels pass."""

    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class EngineResumed(DomainEvent):
    scope: str
    reason: str


@dataclass(frozen=True, slots=True)
class EngineModeChanged(DomainEvent):
    """The engine of a scope went to `mode` (HALTED, SAFE, RUNNING) for `reason`."""

    scope: str
    mode: EngineState
    reason: str


@dataclass(frozen=True, slots=True)
class ManualOverrideExecuted(DomainEvent):
    action: str
    reason: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RiskGuardRejected(DomainEvent):
    """An order was refused before anything was sent; `verdicts` lists each gate with numbers."""

    command_id: UUID
    symbol: str
    code: str
    detail: str
    verdicts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ConfigChanged(DomainEvent):
    """A setting was changed; `old` is empty on creation, `new` on deletion."""

    subject: str
    subject_id: str
    version: int
    old: dict[str, Any] = field(default_factory=dict)
    new: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


# Orders / trades --------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class OrderUpdated(DomainEvent):
    """The order moved up the lattice, its cumulative numbers grew, or it was amended.

    The optional fields are set where they differ from what was known; the type and its options only
    for an order that was first met through one of its fills.
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


# Position / balance / fee -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PositionChanged(DomainEvent):
    """Settings of a position as the venue has them; the quantity comes from fills alone (D7)."""

    symbol: str
    position_side: PositionSide
    updated_at: datetime
    leverage: int | None = None
    margin_mode: MarginMode | None = None


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


# Internal transfer / deposit / withdraw ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InternalTransferRequested(DomainEvent):
    transfer_id: str
    asset: str
    amount: Decimal
    direction: str


@dataclass(frozen=True, slots=True)
class InternalTransferCompleted(DomainEvent):
    transfer_id: str
    venue_transfer_id: str


@dataclass(frozen=True, slots=True)
class InternalTransferFailed(DomainEvent):
    transfer_id: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class DepositDetected(DomainEvent):
    deposit_tx_id: str
    asset: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class WithdrawRequested(DomainEvent):
    withdraw_tx_id: str
    asset: str
    amount: Decimal
    address: str


@dataclass(frozen=True, slots=True)
class WithdrawCompleted(DomainEvent):
    withdraw_tx_id: str


@dataclass(frozen=True, slots=True)
class WithdrawFailed(DomainEvent):
    withdraw_tx_id: str
    code: str
    reason: str


# Reconciliation / audit -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DriftDetected(DomainEvent):
    """Local and venue disagree; both sides as text, so that a person can judge."""

    drift_id: UUID
    kind: str
    subject: str
    local: dict[str, Any] = field(default_factory=dict)
    venue: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReconciliationPerformed(DomainEvent):
    """A run that changed something, or one that a person asked for."""

    run_id: UUID
    scope: str
    healed: int
    drifts: int


@dataclass(frozen=True, slots=True)
class QuarantineStarted(DomainEvent):
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class QuarantineCompleted(DomainEvent):
    subject: str
    reason: str


# WebSocket --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WebSocketConnected(DomainEvent):
    stream: str
    connected_at: datetime


@dataclass(frozen=True, slots=True)
class WebSocketDisconnected(DomainEvent):
    stream: str
    reason: str
    disconnected_at: datetime


@dataclass(frozen=True, slots=True)
class WebSocketReconnected(DomainEvent):
    stream: str
    gap_s: int
    connected_at: datetime


EVENT_TYPES: dict[str, type[DomainEvent]] = {
    cls.__name__: cls
    for cls in (
        CommandSubmitted,
        CommandCompleted,
        EngineStarted,
        EngineStopped,
        EnginePaused,
        EngineResumed,
        EngineModeChanged,
        ManualOverrideExecuted,
        RiskGuardRejected,
        ConfigChanged,
        OrderPlaced,
        OrderUpdated,
        OrderRejected,
        OrderCancelled,
        TradeExecuted,
        PositionChanged,
        BalanceChanged,
        FeeCharged,
        FundingApplied,
        InternalTransferRequested,
        InternalTransferCompleted,
        InternalTransferFailed,
        DepositDetected,
        WithdrawRequested,
        WithdrawCompleted,
        WithdrawFailed,
        DriftDetected,
        ReconciliationPerformed,
        QuarantineStarted,
        QuarantineCompleted,
        WebSocketConnected,
        WebSocketDisconnected,
        WebSocketReconnected,
    )
}
