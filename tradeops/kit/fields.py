"""Field types of requests and answers: decimals as strings both ways, nothing that surprises."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from ninja import Schema
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from tradeops.domain.money import plain

MAX_LENGTH = 40
FIRST_YEAR, LAST_YEAR = 2000, 2200
_PATTERN = r"^\d{1,20}(\.\d{1,18})?$"
_DECIMAL = re.compile(_PATTERN, re.ASCII)


def parse_decimal(value: object) -> Decimal:
    """A decimal from an ASCII string without sign or exponent.

    Raises:
        PydanticCustomError: for anything else, a JSON number included (F86).
    """
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError("decimal_string", 'Give the number as a string, like "50.5".')
    if len(value) > MAX_LENGTH or _DECIMAL.fullmatch(value) is None:
        raise PydanticCustomError(
            "decimal_format", "Digits with at most one point: up to 20 before it, 18 behind it."
        )
    return Decimal(value)


def _positive(value: object) -> Decimal:
    number = parse_decimal(value)
    if number <= 0:
        raise PydanticCustomError("greater_than_zero", "Must be greater than 0.")
    return number


_INPUT_SCHEMA = {
    "type": "string",
    "pattern": _PATTERN,
    "maxLength": MAX_LENGTH,
    "examples": ["50"],
}
PositiveDecimal = Annotated[Decimal, BeforeValidator(_positive), WithJsonSchema(_INPUT_SCHEMA)]
DecimalText = Annotated[
    Decimal,
    PlainSerializer(plain, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["68320.5"]}),
]


def _of_this_age(value: datetime) -> datetime:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise PydanticCustomError("moment", f"Years go from {FIRST_YEAR} to {LAST_YEAR}.")
    return value


# PostgreSQL takes no NUL in text, and no log line takes a line end.
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, Field(pattern=_ONE_LINE, max_length=200)]
Reason = Annotated[str, Field(pattern=_ONE_LINE, min_length=1, max_length=200)]
# Far from the ends of the calendar, where a time zone moves a time out of it.
Moment = Annotated[AwareDatetime, AfterValidator(_of_this_age)]


class RequestSchema(Schema):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
