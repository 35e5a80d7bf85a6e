"""What every client must leave behind in the venue's own books."""

from decimal import Decimal
from typing import Any


def exact(text: str) -> Decimal:
    """Refuse anything but a string, as the venue sends every amount as one."""
    assert isinstance(text, str), f"{text!r} is no string"
    return Decimal(text)


def order_of(account: dict[str, Any], client_order_id: str) -> dict[str, Any]:
    """The one order with this id in an account of `/paper/truth`."""
    found = [o for o in account["orders"] if o["client_order_id"] == client_order_id]
    assert len(found) == 1, f"{len(found)} orders with id {client_order_id}"
    order: dict[str, Any] = found[0]
    return order


def away_from(price: str, percent: int) -> str:
    """A BTCUSDT limit price so far off, in whole USDT."""
    return str((Decimal(price) * (100 + percent) / 100).quantize(Decimal(1)))
