"""Conditional orders as the paper venue keeps them: stops, take-profits, trailing. Pure data."""

from dataclasses import dataclass, field
from decimal import Decimal

from tradeops.exchange.paper.amounts import ZERO
from tradeops.exchange.paper.orders import BOTH, EXPIRE_MAKER, GTC

STOP = "STOP"
STOP_MARKET = "STOP_MARKET"
TAKE_PROFIT = "TAKE_PROFIT"
TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
TRAILING = "TRAILING_STOP_MARKET"
STOPS = (STOP, STOP_MARKET)
WITH_PRICE = (STOP, TAKE_PROFIT)
ALGO_TYPES = (STOP, STOP_MARKET, TAKE_PROFIT, TAKE_PROFIT_MARKET, TRAILING)

MARK_PRICE = "MARK_PRICE"
CONTRACT_PRICE = "CONTRACT_PRICE"

WAITING = "NEW"
TRIGGERING = "TRIGGERING"
TRIGGERED = "TRIGGERED"
FINISHED = "FINISHED"
REJECTED = "REJECTED"
MAX_WAITING = 200


@dataclass(frozen=True, slots=True)
class NewAlgoOrder:
    """What an account asks for. `callback_rate` in percent."""

    symbol: str
    side: str
    order_type: str
    trigger_price: Decimal = ZERO
    quantity: Decimal = ZERO
    price: Decimal = ZERO
    time_in_force: str = GTC
    position_side: str = BOTH
    working_type: str = CONTRACT_PRICE
    reduce_only: bool = False
    close_position: bool = False
    price_protect: bool = False
    client_algo_id: str = ""
    callback_rate: Decimal = ZERO
    activate_price: Decimal = ZERO
    prevention: str = EXPIRE_MAKER
    good_till_ms: int = 0


@dataclass(slots=True)
class AlgoOrder:
    """A conditional order in the venue's books. Mutable: the venue is its only writer."""

    algo_id: int
    account: str
    wanted: NewAlgoOrder
    created_ms: int
    updated_ms: int
    status: str = WAITING
    triggered_ms: int = 0
    order_id: int = 0
    executed: Decimal = ZERO
    average_price: Decimal = ZERO
    is_activated: bool = False
    extreme: Decimal = ZERO
    reject_reason: str = ""

    @property
    def is_waiting(self) -> bool:
        """True while it can still trigger or be cancelled."""
        return self.status == WAITING


@dataclass(slots=True)
class AlgoBooks:
    """Conditional orders of one account: all by id, and those still to be watched."""

    by_id: dict[int, AlgoOrder] = field(default_factory=dict)
    watched: dict[int, AlgoOrder] = field(default_factory=dict)

    def waiting(self, symbol: str | None = None) -> list[AlgoOrder]:
        """Orders that wait for their trigger, oldest first."""
        return [
            algo
            for algo in self.watched.values()
            if algo.is_waiting and symbol in (None, algo.wanted.symbol)
        ]

    def find(self, *, algo_id: int = 0, client_algo_id: str = "") -> AlgoOrder | None:
        """Find by id, or the latest by client id."""
        if algo_id:
            return self.by_id.get(algo_id)
        same = [a for a in self.by_id.values() if a.wanted.client_algo_id == client_algo_id]
        return same[-1] if same else None
