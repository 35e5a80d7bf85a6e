"""What this side holds, frozen for a comparison, and what a comparison finds."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from orders.domain.lifecycle import TERMINAL
from tradeops.domain.enums import MarginMode, OrderStatus, PositionSide
from tradeops.exchange.reports import BalanceReport

GRACE = timedelta(seconds=5)
_NAMESPACE = uuid.UUID("0b0de8c5-3d0a-5d1f-9a35-6d4f6c7f2b11")


class DriftKind(StrEnum):
    """Which fact the two sides disagree on."""

    ORDER = "ORDER"
    ORDER_MISSING = "ORDER_MISSING"
    POSITION = "POSITION"
    POSITION_MODE = "POSITION_MODE"
    BALANCE = "BALANCE"
    WALLET = "WALLET"


_OF_A_SYMBOL = frozenset({DriftKind.ORDER, DriftKind.ORDER_MISSING, DriftKind.POSITION})


def symbol_of(kind: DriftKind, subject: str) -> str:
    """The symbol whose openings a difference holds back; "" for those of the whole account."""
    return subject.partition(":")[0] if kind in _OF_A_SYMBOL else ""


@dataclass(frozen=True, slots=True)
class LocalOrder:
    """One order as projected. `booked_quantity` is what its fills sum to."""

    order_id: uuid.UUID
    client_order_id: str
    venue_order_id: str
    symbol: str
    status: OrderStatus
    quantity: Decimal
    price: Decimal | None
    filled_quantity: Decimal
    booked_quantity: Decimal
    updated_at: datetime
    algo_id: str = ""
    is_conditional: bool = False

    @property
    def is_open(self) -> bool:
        return self.status not in TERMINAL


@dataclass(frozen=True, slots=True)
class LocalPosition:
    """One leg as projected; `quantity` is signed."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    updated_at: datetime
    leverage: int | None = None
    margin_mode: MarginMode | None = None
    isolated_margin: Decimal | None = None
    adl_quantile: int | None = None


@dataclass(frozen=True, slots=True)
class LocalBalance:
    """One wallet as projected."""

    asset: str
    wallet_balance: Decimal
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One disagreement, both sides as text. `subject` names the entity within its kind.

    `local_at` is the version of the row that was compared (None: there was none), `order_id` names
    the row of an order. `remedy` is taken over once the disagreement counts.
    """

    kind: DriftKind
    subject: str
    local: Mapping[str, str] = field(default_factory=dict)
    venue: Mapping[str, str] = field(default_factory=dict)
    local_at: datetime | None = None
    order_id: uuid.UUID | None = None
    remedy: BalanceReport | None = None


def is_active(updated_at: datetime, now: datetime) -> bool:
    """Whether the entity moved less than `GRACE` ago: the other side may not have heard yet (F28).

    A venue clock far ahead of ours must not hide a difference for ever, so a time further in the
    future than `GRACE` counts as old.
    """
    return abs(now - updated_at) < GRACE


def drift_id(account_id: int, mismatch: Mismatch, first_seen_at: datetime) -> uuid.UUID:
    """Row id of a drift: the same whoever computes it, another one when it comes back later."""
    name = f"{account_id}:{mismatch.kind}:{mismatch.subject}:{first_seen_at.isoformat()}"
    return uuid.uuid5(_NAMESPACE, name)
