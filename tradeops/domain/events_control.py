"""Events about commands, the engine and its settings (R1.1 "Engine / Control")."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tradeops.domain.enums import EngineState
from tradeops.domain.events_base import DomainEvent

# Commands -------------------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True)
class CommandOverdue(DomainEvent):
    """ALARM: the outcome of a command is unknown for more than 120 s (I9)."""

    command_id: UUID
    kind: str
    waited_s: int
    detail: str


# Engine / control -----------------------------------------------------------------------------


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
