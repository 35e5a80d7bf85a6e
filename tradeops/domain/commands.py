"""Everything anybody may ask for (R1.2), as types. The list is closed.

Each command is stored as JSON in `tradeops.journal.models.Command`; `tradeops.journal.codec`
converts both ways, with the same field types as events.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from tradeops.domain.enums import (
    EngineState,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)


class CommandStatus(StrEnum):
    """NEW → SENT → ACK | FAILED; the claim is columns, unknown is a flag on SENT."""

    NEW = "NEW"
    SENT = "SENT"
    ACK = "ACK"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class DomainCommand:
    """Base of all commands."""


@dataclass(frozen=True, slots=True)
class PauseEngine(DomainCommand):
    """`scope` is "all", "account" or "symbol"; openings are refused."""

    scope: str
    reason: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class ResumeEngine(DomainCommand):
    scope: str
    reason: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class SetEngineMode(DomainCommand):
    """HALTED stops openings and cancels what rests; RUNNING resets with a reason."""

    scope: str
    mode: EngineState
    reason: str
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class CancelAll(DomainCommand):
    symbol: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunReconcile(DomainCommand):
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RebuildProjection(DomainCommand):
    apply: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class UpdateConfig(DomainCommand):
    subject: str
    subject_id: str
    changes: dict[str, Any] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlaceOrder(DomainCommand):
    """Exactly one of `amount` (margin), `notional` (quote) and `quantity` (base) is set.

    notional = amount x leverage (requirements "Settled conflicts").
    """

    symbol: str
    side: Side
    order_type: OrderType = OrderType.MARKET
    amount: Decimal | None = None
    notional: Decimal | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    leverage: int | None = None
    time_in_force: TimeInForce | None = None
    reduce_only: bool = False
    position_side: PositionSide = PositionSide.BOTH
    trigger_price: Decimal | None = None
    working_type: WorkingType | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    client_ref: str = ""


@dataclass(frozen=True, slots=True)
class CancelOrder(DomainCommand):
    order_id: UUID
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClosePosition(DomainCommand):
    """`fraction` of the open quantity, 0 < fraction <= 1, by a reduce-only market order."""

    symbol: str
    fraction: Decimal
    reason: str
    position_side: PositionSide = PositionSide.BOTH


@dataclass(frozen=True, slots=True)
class SetLeverage(DomainCommand):
    symbol: str
    leverage: int


@dataclass(frozen=True, slots=True)
class InternalTransfer(DomainCommand):
    asset: str
    amount: Decimal
    direction: str


@dataclass(frozen=True, slots=True)
class Withdraw(DomainCommand):
    asset: str
    amount: Decimal
    address: str
    reason: str


COMMAND_TYPES: dict[str, type[DomainCommand]] = {
    cls.__name__: cls
    for cls in (
        PauseEngine,
        ResumeEngine,
        SetEngineMode,
        CancelAll,
        RunReconcile,
        RebuildProjection,
        UpdateConfig,
        PlaceOrder,
        CancelOrder,
        ClosePosition,
        SetLeverage,
        InternalTransfer,
        Withdraw,
    )
}
