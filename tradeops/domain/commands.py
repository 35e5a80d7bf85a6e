"""Everything anybody may ask for (R1.2), as types. The list is closed.

Each command is stored as JSON in `tradeops.journal.models.Command`; `tradeops.journal.codec`
converts both ways, with the same field types as events.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from tradeops.domain.enums import (
    DriftDecision,
    EngineState,
    MarginMode,
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

    notional = amount x leverage (requirements "Settled conflicts"). A conditional order
    with `close_position` has none of them. `callback_rate` is in percent (0.1 to 20) and belongs to
    TRAILING_STOP_MARKET, as does `activation_price`. `good_till` belongs to GTD.
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
    callback_rate: Decimal | None = None
    activation_price: Decimal | None = None
    close_position: bool = False
    good_till: datetime | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    client_ref: str = ""


@dataclass(frozen=True, slots=True)
class CancelOrder(DomainCommand):
    order_id: UUID
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AmendOrder(DomainCommand):
    """New quantity (base, total) and price of a resting LIMIT order; both are always given."""

    order_id: UUID
    symbol: str
    quantity: Decimal
    price: Decimal
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
class SetMarginMode(DomainCommand):
    """The venue admits it only without a position and without open orders in the symbol."""

    symbol: str
    mode: MarginMode


@dataclass(frozen=True, slots=True)
class ChangeIsolatedMargin(DomainCommand):
    """Move margin (quote) into an isolated position (`amount` > 0) or out of it (< 0)."""

    symbol: str
    amount: Decimal
    position_side: PositionSide = PositionSide.BOTH


@dataclass(frozen=True, slots=True)
class ResolveDrift(DomainCommand):
    """What an operator decides about a drift, with the reason.

    adopt books what the venue says; ignore leaves it and lifts the quarantine until it changes;
    flatten closes the position at the venue; rebuild derives the rows from the journal anew.
    """

    drift_id: UUID
    decision: DriftDecision
    reason: str
    symbol: str = ""


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
        AmendOrder,
        ClosePosition,
        SetLeverage,
        SetMarginMode,
        ChangeIsolatedMargin,
        ResolveDrift,
        InternalTransfer,
        Withdraw,
    )
}
