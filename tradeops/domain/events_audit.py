"""Events about transfers, reconciliation and streams (R1.1)."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tradeops.domain.events_base import DomainEvent

# Internal transfer / deposit / withdraw -------------------------------------------------------


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


# Reconciliation / audit -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DriftDetected(DomainEvent):
    """Local and venue disagree; both sides as text, so that a person can judge."""

    drift_id: UUID
    kind: str
    subject: str
    local: dict[str, Any] = field(default_factory=dict)
    venue: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DriftResolved(DomainEvent):
    """A drift ended: by a person's decision, or by itself (decision "healed")."""

    drift_id: UUID
    kind: str
    subject: str
    decision: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReconciliationPerformed(DomainEvent):
    """A run that changed something, or one that a person asked for."""

    run_id: UUID
    scope: str
    healed: int
    drifts: int


@dataclass(frozen=True, slots=True)
class QuarantineStarted(DomainEvent):
    """The system itself holds openings back; `subject` is a scope of `risk.domain.holds`."""

    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class QuarantineCompleted(DomainEvent):
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class FrameSetAside(DomainEvent):
    """ALARM: a stream frame that could not be read or booked; kept whole, nothing waits for it."""

    stream: str
    reason: str
    raw: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class DeadManChanged(DomainEvent):
    """The venue's own countdown for a symbol was armed, or disarmed (`countdown_ms` 0)."""

    symbol: str
    countdown_ms: int
    reason: str


# WebSocket ------------------------------------------------------------------------------------


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
