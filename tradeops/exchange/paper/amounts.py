"""Decimal arithmetic of the venue: how it rounds money and entry prices.

Nothing else lives here.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
E8 = Decimal("0.00000001")
# Wide enough that only the final rounding to eight decimals is visible in a result.
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)


def round8(amount: Decimal) -> Decimal:
    """Round to eight decimals, half even, as the venue books money."""
    return amount.quantize(E8, rounding=ROUND_HALF_EVEN, context=_WIDE)


def ratio8(numerator: Decimal, denominator: Decimal) -> Decimal:
    """Divide and round to eight decimals, half even. Raises: decimal.DivisionByZero."""
    return round8(_WIDE.divide(numerator, denominator))


def weighted_entry(entry: Decimal, held: Decimal, price: Decimal, added: Decimal) -> Decimal:
    """Average the entry price after an increase, eight decimals.

    Formula: (entry*held + price*added) / (held + added).
    """
    total = _WIDE.add(_WIDE.multiply(entry, held), _WIDE.multiply(price, added))
    return ratio8(total, held + added)


def text(amount: Decimal) -> str:
    """Write a decimal without exponent, as the wire wants it."""
    return format(amount, "f")


def at_scale(amount: Decimal, scale: Decimal) -> str:
    """Write a decimal with the number of decimals that `scale` (a tick or step) has, half even."""
    return format(amount.quantize(scale, rounding=ROUND_HALF_EVEN, context=_WIDE), "f")
