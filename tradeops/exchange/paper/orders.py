"""Orders and fills as the paper venue keeps them, spelled as its first wire dialect does.

Pure.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tradeops.exchange.paper.amounts import ZERO, ratio8

BUY = "BUY"
SELL = "SELL"
BOTH = "BOTH"
LONG = "LONG"
SHORT = "SHORT"
LIMIT = "LIMIT"
MARKET = "MARKET"
GTC = "GTC"
IOC = "IOC"
FOK = "FOK"
GTX = "GTX"
GTD = "GTD"
EXPIRE_MAKER = "EXPIRE_MAKER"
EXPIRE_TAKER = "EXPIRE_TAKER"
EXPIRE_BOTH = "EXPIRE_BOTH"
NO_PREVENTION = "NONE"

NEW = "NEW"
PARTIALLY_FILLED = "PARTIALLY_FILLED"
FILLED = "FILLED"
CANCELED = "CANCELED"
EXPIRED = "EXPIRED"
EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


class Reason(StrEnum):
    """Why the venue refuses: a closed list that every wire dialect maps to its own codes."""

    UNKNOWN_SYMBOL = "unknown symbol"
    INSUFFICIENT_MARGIN = "insufficient margin"
    INSUFFICIENT_CROSS = "insufficient cross balance"
    DUPLICATE_CLIENT_ID = "duplicate client id"
    BAD_CLIENT_ID = "bad client id"
    QUANTITY_NOT_POSITIVE = "quantity not positive"
    QUANTITY_TOO_SMALL = "quantity too small"
    QUANTITY_TOO_LARGE = "quantity too large"
    QUANTITY_OFF_STEP = "quantity off step"
    PRICE_NOT_POSITIVE = "price not positive"
    PRICE_TOO_HIGH = "price too high"
    PRICE_TOO_LOW = "price too low"
    PRICE_ABOVE_BAND = "price above band"
    PRICE_BELOW_BAND = "price below band"
    PRICE_OFF_TICK = "price off tick"
    PRECISION = "precision"
    NOTIONAL_TOO_SMALL = "notional too small"
    MAX_POSITION = "max position"
    MAX_ORDERS = "max orders"
    MARKET_OUT_OF_BAND = "market out of band"
    REDUCE_ONLY = "reduce only rejected"
    REDUCE_ONLY_IN_HEDGE = "reduce only in hedge mode"
    POSITION_SIDE = "position side"
    FOK_UNFILLED = "fill or kill"
    POST_ONLY_TAKES = "post only"
    UNKNOWN_ORDER = "unknown order"
    NO_SUCH_ORDER = "no such order"
    BAD_LEVERAGE = "bad leverage"
    LEVERAGE_CUT_ISOLATED = "leverage cut isolated"
    MARGIN_TYPE_UNCHANGED = "margin type unchanged"
    MARGIN_TYPE_OPEN_ORDERS = "margin type with open orders"
    MARGIN_TYPE_POSITION = "margin type with position"
    POSITION_MODE_UNCHANGED = "position mode unchanged"
    POSITION_MODE_OPEN_ORDERS = "position mode with open orders"
    POSITION_MODE_POSITION = "position mode with position"
    NOT_ISOLATED = "not isolated"
    NO_POSITION = "no position"
    MARGIN_AMOUNT = "margin amount"
    MARGIN_CUT = "margin cut too deep"
    AMEND_UNCHANGED = "amend unchanged"
    WOULD_TRIGGER = "would trigger"
    CLOSE_EXISTS = "close order exists"
    NOTHING_TO_CLOSE = "nothing to close"
    MAX_STOPS = "max stop orders"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request: the reason and the number or text the message quotes."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The conditional order that an order came from: its type, trigger and watched price.

    `order_type` is empty for an order that came from its account directly.
    """

    order_type: str = ""
    trigger_price: Decimal = ZERO
    working_type: str = "CONTRACT_PRICE"


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What an account asks for. Quantities in base units, prices in quote units."""

    symbol: str
    side: str
    order_type: str
    quantity: Decimal
    price: Decimal = ZERO
    time_in_force: str = GTC
    position_side: str = BOTH
    reduce_only: bool = False
    client_order_id: str = ""
    prevention: str = EXPIRE_MAKER
    good_till_ms: int = 0
    price_match: str = "NONE"
    close_position: bool = False
    origin: Origin = Origin()


@dataclass(slots=True)
class Order:
    """An order in the venue's books. Mutable: the venue is its only writer."""

    order_id: int
    account: str
    symbol: str
    side: str
    order_type: str
    time_in_force: str
    position_side: str
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    client_order_id: str
    prevention: str
    created_ms: int
    updated_ms: int
    good_till_ms: int = 0
    price_match: str = "NONE"
    close_position: bool = False
    origin: Origin = Origin()
    status: str = NEW
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    queue_ahead: Decimal = ZERO
    expiry_reason: int = 0

    @property
    def remaining(self) -> Decimal:
        """Quantity not yet executed, base units."""
        return self.quantity - self.executed

    @property
    def is_open(self) -> bool:
        """True while the order can still fill."""
        return self.status in (NEW, PARTIALLY_FILLED)

    @property
    def average_price(self) -> Decimal:
        """Average execution price, eight decimals, 0 before the first fill."""
        return ratio8(self.quote, self.executed) if self.executed else ZERO


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, with what it cost and earned (quote asset)."""

    trade_id: int
    order_id: int
    client_order_id: str
    symbol: str
    side: str
    position_side: str
    price: Decimal
    quantity: Decimal
    quote: Decimal
    commission: Decimal
    realized: Decimal
    is_maker: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """An order the venue refused; kept so that tests can see every request that arrived."""

    wanted: NewOrder
    received_ms: int
    refusal: Refusal


@dataclass(slots=True)
class OrderBooks:
    """Every order of one account: by id, the open ones by symbol, and the refused."""

    by_id: dict[int, Order] = field(default_factory=dict)
    open_by_symbol: dict[str, dict[int, Order]] = field(default_factory=dict)
    open_by_client_id: dict[str, Order] = field(default_factory=dict)
    latest_by_client_id: dict[str, Order] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)

    def add(self, order: Order) -> None:
        """File a new open order."""
        self.by_id[order.order_id] = order
        self.latest_by_client_id[order.client_order_id] = order
        self.open_by_client_id[order.client_order_id] = order
        self.open_by_symbol.setdefault(order.symbol, {})[order.order_id] = order

    def close(self, order: Order) -> None:
        """Take an order that reached its end out of the open ones."""
        self.open_by_symbol.get(order.symbol, {}).pop(order.order_id, None)
        if self.open_by_client_id.get(order.client_order_id) is order:
            del self.open_by_client_id[order.client_order_id]

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """List open orders, oldest first, of one symbol or of all."""
        if symbol is not None:
            return list(self.open_by_symbol.get(symbol, {}).values())
        every = [order for orders in self.open_by_symbol.values() for order in orders.values()]
        return sorted(every, key=lambda order: order.order_id)
