"""Frozen inputs and outputs of the entry rules."""

from dataclasses import dataclass, field
from decimal import Decimal

from tradeops.domain.enums import EngineState, OrderType, PositionSide, Side, WorkingType
from tradeops.domain.errors import ErrorCode
from tradeops.domain.instrument import InstrumentSpec
from tradeops.domain.money import ZERO
from tradeops.exchange.reports import LeverageBracket


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """What is wanted. One of `amount` (margin), `notional` (quote), `quantity` (base) is set.

    None of them with `close_position`. `executed_quantity` of an order that is being amended is in
    the position already.
    """

    symbol: str
    side: Side
    order_type: OrderType
    reduce_only: bool = False
    amount: Decimal | None = None
    notional: Decimal | None = None
    quantity: Decimal | None = None
    price: Decimal | None = None
    leverage: int | None = None
    position_side: PositionSide = PositionSide.BOTH
    trigger_price: Decimal | None = None
    working_type: WorkingType | None = None
    activation_price: Decimal | None = None
    close_position: bool = False
    executed_quantity: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class ScopeState:
    """Engine state of one scope that covers the order."""

    scope: str
    state: EngineState
    reason: str


@dataclass(frozen=True, slots=True)
class RiskContext:
    """Everything the gates may look at. Money in quote, `position_quantity` signed.

    `pending_quantity` is what resting and in-flight openings of this symbol may still add, signed
    per side (buys > 0). `available_balance` is None where the wallet is not known yet. `brackets`
    are those of the symbol, none where they are not known; `alike_close` is the id of an open order
    that closes the same position in the same way.
    """

    allowed_symbols: frozenset[str]
    instrument: InstrumentSpec | None
    mark_price: Decimal | None
    leverage: int
    max_leverage: int
    position_quantity: Decimal
    pending_buy_quantity: Decimal
    pending_sell_quantity: Decimal
    available_balance: Decimal | None
    taker_fee_rate: Decimal
    max_order_notional: Decimal | None
    max_position_notional: Decimal | None
    scopes: tuple[ScopeState, ...] = ()
    brackets: tuple[LeverageBracket, ...] = ()
    alike_close: str = ""


@dataclass(frozen=True, slots=True)
class Sized:
    """An order on the grid; `margin` = notional / leverage and `fee` (taker) of what is to come."""

    quantity: Decimal
    price: Decimal
    notional: Decimal
    margin: Decimal
    fee: Decimal


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one gate says, with the numbers it looked at."""

    gate: str
    passed: bool
    code: ErrorCode | None = None
    detail: str = ""
    numbers: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        """JSON-ready, as stored with commands and orders."""
        return {
            "gate": self.gate,
            "passed": self.passed,
            "code": self.code.value if self.code else "",
            "detail": self.detail,
            "numbers": self.numbers,
        }


@dataclass(frozen=True, slots=True)
class Decision:
    """All verdicts in order; `sized` is None when no size could be found."""

    verdicts: tuple[Verdict, ...]
    sized: Sized | None

    @property
    def refusal(self) -> Verdict | None:
        """The first gate that said no."""
        return next((verdict for verdict in self.verdicts if not verdict.passed), None)
