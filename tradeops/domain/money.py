"""Exact decimal helpers. No float ever enters here."""

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
EIGHT_PLACES = Decimal("0.00000001")
PRECISION = Context(prec=34, rounding=ROUND_HALF_EVEN)
# Room for whatever the API admits (40 digits a number), so that a refusal finds words for it.
_WIDE = Context(prec=160, rounding=ROUND_HALF_EVEN)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Largest multiple of `step` that is not above `value` (both >= 0)."""
    if step <= 0:
        raise ValueError("step must be positive")
    steps = _WIDE.divide(value, step).to_integral_value(rounding=ROUND_FLOOR)
    return _WIDE.multiply(steps, step)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` lies on the grid of `step`."""
    return _WIDE.remainder(value, step) == 0


def round_money(value: Decimal) -> Decimal:
    """Round to 8 decimals, half even: the resolution of the venue's books."""
    return value.quantize(EIGHT_PLACES, context=_WIDE)


def plain(value: Decimal) -> str:
    """Fixed-point text without exponent and without trailing zeros ("0", "0.5", "1200")."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
