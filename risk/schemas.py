"""Limits as the API takes and gives them."""

from datetime import datetime
from typing import Annotated

from ninja import Schema
from pydantic import Strict, model_validator
from pydantic_core import PydanticCustomError

from risk.models import RiskLimit
from tradeops.kit.fields import DecimalText, PositiveDecimal, Reason, RequestSchema


class LimitOut(Schema):
    """An upper bound in USDT; no account means all, no symbol means all. `version` is the ETag."""

    id: int
    account: str | None
    symbol: str
    metric: str
    value: DecimalText
    is_enabled: bool
    version: int
    updated_at: datetime
    updated_by: str

    @classmethod
    def of(cls, row: RiskLimit) -> "LimitOut":
        """The row for the outside; its account must be loaded."""
        return cls(
            id=row.pk,
            account=row.account.name if row.account else None,
            symbol=row.symbol,
            metric=row.metric,
            value=row.value,
            is_enabled=row.is_enabled,
            version=row.version,
            updated_at=row.updated_at,
            updated_by=row.updated_by,
        )


class LimitList(Schema):
    """The limits that bind your accounts."""

    items: list[LimitOut]


class LimitPatch(RequestSchema):
    """What to change, and why."""

    value: PositiveDecimal | None = None
    is_enabled: Annotated[bool, Strict()] | None = None
    reason: Reason

    @model_validator(mode="after")
    def _something(self) -> "LimitPatch":
        if self.value is None and self.is_enabled is None:
            raise PydanticCustomError("nothing", "Give value or is_enabled.")
        return self
