"""Facts that a venue states, in our words. Adapters make them, the engine journals them.

Quantities are in base, prices and money in quote unless named; every time is aware UTC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from tradeops.domain.enums import (
    LiquidityRole,
    MarginMode,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)


@dataclass(frozen=True, slots=True)
class OrderReport:
    """State of one order at the venue. `filled_quantity` is cumulative.

    `average_price` is None where the venue did not say, as in responses to POST, PUT and DELETE
    since 2026-07-14. A conditional order has an `algo_id`; its `venue_order_id` is "" until it
    triggers, then that of the order which the matching engine got, under the same client order id.
    `quantity` is 0 for one that closes the position, until it triggers.
    """

    symbol: str
    venue_order_id: str
    client_order_id: str
    side: Side
    order_type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled_quantity: Decimal
    price: Decimal | None
    average_price: Decimal | None
    time_in_force: TimeInForce | None
    reduce_only: bool
    close_position: bool
    position_side: PositionSide
    updated_at: datetime
    reason: str = ""
    algo_id: str = ""
    trigger_price: Decimal | None = None
    working_type: WorkingType | None = None
    callback_rate: Decimal | None = None
    activation_price: Decimal | None = None
    good_till: datetime | None = None
    triggered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FillReport:
    """One execution; `commission` > 0 is a cost.

    `client_order_id` is "" when told by userTrades.
    """

    symbol: str
    trade_id: str
    venue_order_id: str
    client_order_id: str
    side: Side
    position_side: PositionSide
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    realized_pnl: Decimal
    liquidity: LiquidityRole
    traded_at: datetime


@dataclass(frozen=True, slots=True)
class PositionReport:
    """Snapshot of one position leg; `quantity` is signed (short < 0).

    Optional fields are None where the payload does not carry them.
    """

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    entry_price: Decimal
    updated_at: datetime
    mark_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    liquidation_price: Decimal | None = None
    margin_mode: MarginMode | None = None
    leverage: int | None = None
    isolated_wallet: Decimal | None = None
    adl_quantile: int | None = None


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """Wallet of one asset. `available` and `cross_wallet` are None where not told.

    `change` and `reason` come with stream updates only (ACCOUNT_UPDATE `bc`, `m`).
    """

    asset: str
    wallet_balance: Decimal
    updated_at: datetime
    cross_wallet: Decimal | None = None
    available: Decimal | None = None
    change: Decimal | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FundingReport:
    """A stream's word that funding was paid (< 0) or received (> 0): a hint to ask for income.

    It carries no id that income repeats, so it is never booked itself.
    """

    asset: str
    amount: Decimal
    applied_at: datetime
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class IncomeReport:
    """One row of the venue's income history. `transaction_id` is unique per `kind`.

    `kind` is the venue's word: FUNDING_FEE, COMMISSION, REALIZED_PNL, TRANSFER, INSURANCE_CLEAR, …
    `trade_id` is set for REALIZED_PNL and COMMISSION.
    """

    kind: str
    asset: str
    amount: Decimal
    symbol: str
    transaction_id: str
    booked_at: datetime
    trade_id: str = ""


@dataclass(frozen=True, slots=True)
class MarginCallReport:
    """The venue's warning about one leg. Money in quote."""

    symbol: str
    position_side: PositionSide
    quantity: Decimal
    mark_price: Decimal
    unrealized_pnl: Decimal
    maintenance_margin: Decimal
    received_at: datetime


@dataclass(frozen=True, slots=True)
class LeverageBracket:
    """Leverage admitted up to a notional; maintenance margin = notional x rate - deduction."""

    symbol: str
    bracket: int
    max_leverage: int
    notional_floor: Decimal
    notional_cap: Decimal
    maintenance_rate: Decimal
    deduction: Decimal


@dataclass(frozen=True, slots=True)
class LeverageReport:
    """Leverage of a symbol as the venue has it now."""

    symbol: str
    leverage: int
    updated_at: datetime
    margin_mode: MarginMode | None = None


@dataclass(frozen=True, slots=True)
class MarkPriceReport:
    """Mark price of a symbol; `funding_rate` is a fraction per interval."""

    symbol: str
    mark_price: Decimal
    updated_at: datetime
    index_price: Decimal | None = None
    funding_rate: Decimal | None = None
    next_funding_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StreamNotice:
    """The stream about itself, or a frame that is no fact.

    `kind` is one of LISTEN_KEY_EXPIRED, IGNORED (known and not needed), UNKNOWN and MALFORMED (both
    to be kept). `detail` is one line of ASCII; `raw` is what came, {"text": …} if it was not JSON.
    """

    kind: str
    detail: str = ""
    raw: dict[str, object] = field(default_factory=dict)


Report = (
    OrderReport
    | FillReport
    | PositionReport
    | BalanceReport
    | FundingReport
    | IncomeReport
    | LeverageReport
    | MarginCallReport
)
StreamItem = Report | MarkPriceReport | StreamNotice
