"""What the venue tells the outside: frozen facts that a wire dialect turns into stream frames."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from tradeops.exchange.paper.algo_orders import AlgoOrder
from tradeops.exchange.paper.orders import Fill, Order


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """An order changed; `order` is a copy taken at that moment.

    `execution` is the wire's execution type.
    """

    at_ms: int
    account: str
    execution: str
    order: Order
    fill: Fill | None
    bid_notional: Decimal
    ask_notional: Decimal


@dataclass(frozen=True, slots=True)
class PositionFact:
    """A position as it stood when an account changed."""

    symbol: str
    position_side: str
    amount: Decimal
    entry: Decimal
    break_even: Decimal
    realized: Decimal
    unrealized: Decimal
    is_isolated: bool
    isolated_wallet: Decimal


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """Balance and changed positions.

    `change` is the balance change that is neither profit nor commission.
    """

    at_ms: int
    account: str
    reason: str
    wallet: Decimal
    cross_wallet: Decimal
    change: Decimal
    positions: tuple[PositionFact, ...]
    has_balance: bool = True
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class LeverageChanged:
    """An account's leverage for a symbol changed."""

    at_ms: int
    account: str
    symbol: str
    leverage: int


@dataclass(frozen=True, slots=True)
class MarginCalled:
    """Positions of an account came close to liquidation."""

    at_ms: int
    account: str
    cross_wallet: Decimal
    positions: tuple[tuple[PositionFact, Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Liquidated:
    """A liquidation order was filled: public news."""

    at_ms: int
    order: Order


@dataclass(frozen=True, slots=True)
class Printed:
    """A public trade."""

    at_ms: int
    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    buyer_is_maker: bool


@dataclass(frozen=True, slots=True)
class AlgoChanged:
    """A conditional order changed; `algo` is a copy taken at that moment."""

    at_ms: int
    algo: AlgoOrder


VenueEvent: TypeAlias = (
    OrderChanged
    | AccountChanged
    | AlgoChanged
    | LeverageChanged
    | MarginCalled
    | Liquidated
    | Printed
)
