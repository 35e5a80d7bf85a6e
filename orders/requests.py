"""What people and programs may ask for about orders, as request bodies and queries."""

from typing import Annotated, Literal

from ninja import Schema
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from orders.domain.validation import fault_of
from orders.schemas import AccountReference, AllowedSymbol, Flag, Leverage, Symbol
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import OrderType, PositionSide, Side, TimeInForce, WorkingType
from tradeops.kit.fields import Line, Moment, PositiveDecimal, RequestSchema

ServedType = Literal[
    OrderType.MARKET,
    OrderType.LIMIT,
    OrderType.STOP,
    OrderType.STOP_MARKET,
    OrderType.TAKE_PROFIT,
    OrderType.TAKE_PROFIT_MARKET,
    OrderType.TRAILING_STOP_MARKET,
]
ServedTimeInForce = Literal[
    TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTX, TimeInForce.GTD
]


class TradeIn(RequestSchema):
    """A market order of the seed clients: `amount` is margin, notional = amount x leverage."""

    symbol: AllowedSymbol
    side: Side
    amount: PositiveDecimal | None = None
    notional: PositiveDecimal | None = None
    leverage: Leverage
    account: AccountReference | None = None

    @model_validator(mode="after")
    def _one_size(self) -> "TradeIn":
        if (self.amount is None) == (self.notional is None):
            raise PydanticCustomError("one_size", "Give amount or notional, not both.")
        return self

    def command(self) -> PlaceOrder:
        """The order as the engine takes it."""
        return PlaceOrder(
            symbol=self.symbol,
            side=self.side,
            amount=self.amount,
            notional=self.notional,
            leverage=self.leverage,
        )


class OrderIn(RequestSchema):
    """One order, sized in margin (`amount`), quote (`notional`) or base (`quantity`).

    `LIMIT`, `STOP` and `TAKE_PROFIT` have a `price`; `STOP*` and `TAKE_PROFIT*` a `trigger_price`,
    watched on the mark price unless `working_type` says `CONTRACT_PRICE`; `TRAILING_STOP_MARKET` a
    `callback_rate` in percent (0.1 to 20) and perhaps an `activation_price`. `close_position` makes
    a `STOP_MARKET` or `TAKE_PROFIT_MARKET` close whatever is held then: it has no size. `GTD` ends
    at `good_till`, a whole second more than ten minutes ahead.
    """

    account: AccountReference | None = None
    symbol: AllowedSymbol
    side: Side
    type: ServedType = OrderType.MARKET
    amount: PositiveDecimal | None = None
    notional: PositiveDecimal | None = None
    quantity: PositiveDecimal | None = None
    price: PositiveDecimal | None = None
    leverage: Leverage | None = None
    time_in_force: ServedTimeInForce | None = None
    good_till: Moment | None = None
    reduce_only: Flag = False
    position_side: PositionSide = PositionSide.BOTH
    trigger_price: PositiveDecimal | None = None
    working_type: WorkingType | None = None
    callback_rate: PositiveDecimal | None = None
    activation_price: PositiveDecimal | None = None
    close_position: Flag = False
    client_ref: Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,64}$")] = ""

    @model_validator(mode="after")
    def _consistent(self) -> "OrderIn":
        fault = fault_of(self.command())
        if fault is not None:
            # The context names the field: the answer points at it (tradeops.api).
            raise PydanticCustomError(fault.code, fault.detail, {"field": fault.field})
        return self

    def command(self) -> PlaceOrder:
        """The order as the engine takes it."""
        return PlaceOrder(
            symbol=self.symbol,
            side=self.side,
            order_type=self.type,
            amount=self.amount,
            notional=self.notional,
            quantity=self.quantity,
            price=self.price,
            leverage=self.leverage,
            time_in_force=self.time_in_force,
            reduce_only=self.reduce_only,
            position_side=self.position_side,
            trigger_price=self.trigger_price,
            working_type=self.working_type,
            callback_rate=self.callback_rate,
            activation_price=self.activation_price,
            close_position=self.close_position,
            good_till=self.good_till,
            client_ref=self.client_ref,
        )


class AmendIn(RequestSchema):
    """Another total quantity (base), another price, or both, for a resting LIMIT order."""

    quantity: PositiveDecimal | None = None
    price: PositiveDecimal | None = None
    reason: Line = ""

    @model_validator(mode="after")
    def _something(self) -> "AmendIn":
        if self.quantity is None and self.price is None:
            raise PydanticCustomError("nothing", "Give a quantity, a price, or both.")
        return self


class CancelFilter(Schema):
    """Why to cancel."""

    reason: Line = ""


class CancelAllFilter(CancelFilter):
    """Whose orders, of which symbol or of all, and why."""

    symbol: Symbol | None = None
    account: AccountReference | None = None

    @model_validator(mode="after")
    def _named(self) -> "CancelAllFilter":
        if self.symbol is None and self.account is None:
            raise PydanticCustomError(
                "symbol_or_account", "Name the symbol, or the account that shall have no order."
            )
        return self
