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
)
from tradeops.domain.money import ZERO

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

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
    """Read an exact, finite number from text or an integer."""
    if isinstance(value, bool) or value is None:
        message = f"not a number: {value!r}"
        raise ValueError(message)
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        message = f"not a number: {value!r}"
        raise ValueError(message) from error
    if not number.is_finite():
        message = f"not finite: {value!r}"
        raise ValueError(message)
    return number


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
    value = payload[key]
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        message = f"{key} is not a text: {value!r}"
        raise ValueError(message)
    return str(value)


def text_or_empty(payload: Payload, key: str) -> str:
    """Read an optional text."""
    value = payload.get(key)
    return "" if value is None else str(value)


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
            return from_epoch_ms(int(str(value)))
    if fallback is None:
        raise KeyError(keys[0])
    return fallback


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


def position_side(text: str) -> PositionSide:
    """Translate a leg; absent or unknown is BOTH, the only leg of one-way mode."""
    return PositionSide(text) if text in PositionSide.__members__ else PositionSide.BOTH


def margin_mode(text: str) -> MarginMode | None:
    """Translate cross, CROSSED, isolated and ISOLATED; anything else is None."""
    upper = text.upper()
    if upper.startswith("CROSS"):
        return MarginMode.CROSS
    return MarginMode.ISOLATED if upper == "ISOLATED" else None
