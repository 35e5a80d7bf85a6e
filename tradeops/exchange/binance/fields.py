"""Single values of Binance payloads, read defensively and without float. Pure.

A value that cannot be read raises ValueError, KeyError or TypeError; `parse` turns that into a
MALFORMED notice for frames and the adapter into Ambiguous for replies.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from tradeops.domain.clock import from_epoch_ms
from tradeops.domain.enums import (
    MarginMode,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
    WorkingType,
)
from tradeops.domain.money import ZERO

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What reading JSON and its values may raise; InvalidOperation of Decimal is an ArithmeticError.
UNREADABLE = (
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    ArithmeticError,
    RecursionError,
)
_TEXT_LENGTH = 64
_PROSE_LENGTH = 200
_NUMBER_LENGTH = 64
_MAX_EXPONENT = 30
_END_MS = 4_102_444_800_000  # the year 2100
_SHOWN_LENGTH = 80

Payload = Mapping[str, object]

_STATUSES = {
    "NEW": OrderStatus.ACKNOWLEDGED,
    "PENDING_NEW": OrderStatus.ACKNOWLEDGED,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELLED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}
_TYPES = {member.value: member for member in OrderType}
_TIMES_IN_FORCE = {member.value: member for member in TimeInForce} | {
    "GTE_GTC": TimeInForce.GTC,  # closePosition stops: expire with the position
}


def decimal_of(value: object) -> Decimal:
    """Read an exact, finite number from text or an integer, of a size that can be written out."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        message = f"not a number: {_shown(value)}"
        raise ValueError(message)
    text = str(value)
    if len(text) > _NUMBER_LENGTH or not text.isascii():
        message = f"not a number: {_shown(value)}"
        raise ValueError(message)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        message = f"not a number: {_shown(value)}"
        raise ValueError(message) from error
    if not number.is_finite():
        message = f"not finite: {_shown(value)}"
        raise ValueError(message)
    exponent = number.as_tuple().exponent
    if number.adjusted() > _MAX_EXPONENT or int(exponent) < -_MAX_EXPONENT:
        message = f"out of range: {_shown(value)}"
        raise ValueError(message)
    return number


def integer_of(payload: Payload, key: str) -> int:
    """Read a whole number that must be there."""
    number = decimal_of(payload[key])
    if number != number.to_integral_value():
        message = f"{key} is not whole: {number}"
        raise ValueError(message)
    return int(number)


def decimal_or_none(payload: Payload, key: str) -> Decimal | None:
    """Read a number that may be absent, null or empty."""
    value = payload.get(key)
    return None if value is None or value == "" else decimal_of(value)


def decimal_or_zero(payload: Payload, key: str) -> Decimal:
    """Read a number whose absence means zero."""
    return decimal_or_none(payload, key) or ZERO


def positive_or_none(payload: Payload, key: str) -> Decimal | None:
    """Read a price where the venue writes 0 for "none"."""
    value = decimal_or_none(payload, key)
    return value if value else None


def text_of(payload: Payload, key: str) -> str:
    """Read a mandatory, non-empty text or id; integers become their digits."""
    text = _text(key, payload[key])
    if not text:
        message = f"{key} is empty"
        raise ValueError(message)
    return text


def text_or_empty(payload: Payload, key: str) -> str:
    """Read an optional text or id."""
    value = payload.get(key)
    return "" if value is None else _text(key, value)


def id_of(payload: Payload, key: str) -> str:
    """Read an id that counts upwards and fits 63 bits, as trades have them."""
    text = text_of(payload, key)
    if not (text.isascii() and text.isdigit() and int(text) < 2**63):
        message = f"{key} is no id: {_shown(text)}"
        raise ValueError(message)
    return text


def id_or_empty(payload: Payload, key: str) -> str:
    """Read an id where the venue writes nothing, null or 0 for "none"."""
    text = text_or_empty(payload, key)
    return "" if text == "0" else text


def prose(payload: Payload, key: str) -> str:
    """Read a sentence for people: shortened, without control characters, "" when it is none."""
    value = payload.get(key)
    if not isinstance(value, str):
        return ""
    return "".join(letter for letter in value[:_PROSE_LENGTH] if letter.isprintable())


def _text(key: str, value: object) -> str:
    # Longer, or with control characters, no name and no id of the venue is, and no column takes it.
    if isinstance(value, bool) or not isinstance(value, str | int):
        message = f"{key} is not a text: {_shown(value)}"
        raise ValueError(message)
    text = str(value)
    if len(text) > _TEXT_LENGTH or not text.isprintable():
        message = f"{key} is no plausible text: {_shown(value)}"
        raise ValueError(message)
    return text


def _shown(value: object) -> str:
    return ascii(value)[:_SHOWN_LENGTH]


def flag(payload: Payload, key: str) -> bool:
    """Read an optional boolean, also one spelled as text."""
    value = payload.get(key)
    return value is True or (isinstance(value, str) and value.lower() == "true")


def time_of(payload: Payload, *keys: str, fallback: datetime | None = None) -> datetime:
    """Read epoch milliseconds from the first of `keys` that is there.

    Without any, `fallback`; without that, KeyError.
    """
    for key in keys:
        value = payload.get(key)
        if value is not None and value != "":
            return _moment(integer_of(payload, key))
    if fallback is None:
        raise KeyError(keys[0])
    return fallback


def moment_or_none(payload: Payload, key: str) -> datetime | None:
    """Read epoch milliseconds where the venue writes 0 for "never"."""
    milliseconds = decimal_or_none(payload, key)
    return _moment(int(milliseconds)) if milliseconds else None


def _moment(milliseconds: int) -> datetime:
    # Beyond what a clock can show, the platform's own conversion raises OSError.
    if not 0 <= milliseconds < _END_MS:
        message = f"not a time: {milliseconds}"
        raise ValueError(message)
    return from_epoch_ms(milliseconds)


def order_status(text: str, quantity: Decimal, filled: Decimal) -> OrderStatus:
    """Translate a status; one that nobody knows is told by the quantities.

    NEW_INSURANCE, NEW_ADL and CALCULATED mark liquidation orders and say nothing of progress.
    """
    known = _STATUSES.get(text)
    if known is not None:
        return known
    if filled <= 0:
        return OrderStatus.ACKNOWLEDGED
    return OrderStatus.FILLED if filled >= quantity else OrderStatus.PARTIALLY_FILLED


def order_type(text: str) -> OrderType:
    """Translate an order type; unknown ones are OTHER."""
    return _TYPES.get(text, OrderType.OTHER)


def time_in_force(text: str) -> TimeInForce | None:
    """Translate a time in force; absent is None, unknown is OTHER."""
    if not text:
        return None
    return _TIMES_IN_FORCE.get(text, TimeInForce.OTHER)


def working_type(text: str) -> WorkingType | None:
    """Translate the price that triggers; anything unknown is None."""
    return WorkingType(text) if text in WorkingType.__members__ else None


def position_side(text: str) -> PositionSide:
    """Translate a leg; absent or unknown is BOTH, the only leg of one-way mode."""
    return PositionSide(text) if text in PositionSide.__members__ else PositionSide.BOTH


def margin_mode(text: str) -> MarginMode | None:
    """Translate cross, CROSSED, isolated and ISOLATED; anything else is None."""
    upper = text.upper()
    if upper.startswith("CROSS"):
        return MarginMode.CROSS
    return MarginMode.ISOLATED if upper == "ISOLATED" else None
