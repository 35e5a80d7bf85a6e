"""Field types of requests and answers: decimals as strings both ways, nothing that surprises."""

import re
from decimal import Decimal
from typing import Annotated

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from tradeops.domain.money import plain

MAX_LENGTH = 40
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


class RequestSchema(Schema):
    """A request body: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")
