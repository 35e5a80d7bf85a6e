"""Positions as the API takes and gives them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from ninja import Schema
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from orders.schemas import AccountReference, Leverage
from positions.domain.accounting import Leg, unrealized_pnl
from positions.models import Position
from tradeops.domain.enums import MarginMode, PositionSide
from tradeops.domain.money import ONE, plain
from tradeops.kit.fields import DecimalText, PositiveDecimal, Reason, RequestSchema


def _fraction(value: Decimal) -> Decimal:
    if value > ONE:
        raise PydanticCustomError("fraction", "A fraction is above 0 and at most 1.")
    return value


class CloseIn(RequestSchema):
    """Close a share of a position by a reduce-only market order."""

    account: AccountReference | None = None
    fraction: Annotated[PositiveDecimal, AfterValidator(_fraction)] = ONE
    reason: Reason


class LeverageIn(RequestSchema):
    """Leverage of a symbol for orders to come."""

    account: AccountReference | None = None
    leverage: Leverage


class MarginModeIn(RequestSchema):
    """Margin mode of a symbol; the venue changes it only where nothing is held or ordered."""

    account: AccountReference | None = None
    margin_mode: MarginMode


class MarginIn(RequestSchema):
    """Move margin (quote) into an isolated position, or out of it."""

    account: AccountReference | None = None
    amount: PositiveDecimal
    direction: Literal["ADD", "REMOVE"] = "ADD"
    position_side: PositionSide = PositionSide.BOTH

    def signed_amount(self) -> Decimal:
        """Above 0 goes in, below 0 comes out."""
        return self.amount if self.direction == "ADD" else -self.amount


class PositionOut(Schema):
    """One open leg; mark price and profit are null while no price is known.

    `adl_quantile`: 0 (last) to 4 (first to be deleveraged by the venue).
    """

    account: str
    symbol: str
    position_side: str
    direction: str
    quantity: DecimalText
    entry_price: DecimalText
    mark_price: DecimalText | None
    unrealized_pnl: DecimalText | None
    realized_pnl: DecimalText
    commission: DecimalText
    leverage: int | None
    margin_mode: str
    isolated_margin: DecimalText | None
    adl_quantile: int | None
    opened_at: datetime | None
    updated_at: datetime

    @classmethod
    def of(cls, row: Position, mark_price: Decimal | None) -> "PositionOut":
        """The row for the outside; its account must be loaded."""
        return cls(
            account=row.account.name,
            symbol=row.symbol,
            position_side=row.position_side,
            direction="LONG" if row.quantity > 0 else "SHORT",
            quantity=row.quantity,
            entry_price=row.entry_price,
            mark_price=mark_price,
            unrealized_pnl=_profit(row, mark_price),
            realized_pnl=row.realized_pnl,
            commission=row.commission,
            leverage=row.leverage,
            margin_mode=row.margin_mode,
            isolated_margin=row.isolated_margin,
            adl_quantile=row.adl_quantile,
            opened_at=row.opened_at,
            updated_at=row.updated_at,
        )


class PositionAlias(Schema):
    """A position in the words of the seed clients and the venue (R0.6)."""

    symbol: str
    positionAmt: str
    entryPrice: str
    markPrice: str
    leverage: str
    unRealizedProfit: str
    marginType: str

    @classmethod
    def of(cls, row: Position, mark_price: Decimal | None) -> "PositionAlias":
        """The row in those words; "0" where no price is known, as the venue does."""
        return cls(
            symbol=row.symbol,
            positionAmt=plain(row.quantity),
            entryPrice=plain(row.entry_price),
            markPrice=plain(mark_price or Decimal(0)),
            leverage=str(row.leverage or ""),
            unRealizedProfit=plain(_profit(row, mark_price) or Decimal(0)),
            marginType=row.margin_mode.lower(),
        )


def _profit(row: Position, mark_price: Decimal | None) -> Decimal | None:
    if mark_price is None:
        return None
    return unrealized_pnl(Leg(row.quantity, row.entry_price), mark_price)


class PositionList(Schema):
    """All open legs."""

    items: list[PositionOut]
