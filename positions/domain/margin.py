"""Where a position would be liquidated, as far as the desk's own numbers tell."""

from collections.abc import Sequence
from decimal import Decimal

from tradeops.domain.money import ONE, PRECISION, ZERO, round_money
from tradeops.exchange.reports import LeverageBracket

# The lowest bracket of BTCUSDT: what is assumed while the venue's brackets are not known.
USUAL_MAINTENANCE_RATE = Decimal("0.004")


def bracket_of(brackets: Sequence[LeverageBracket], notional: Decimal) -> LeverageBracket | None:
    """The bracket that a notional (quote) lies in: the lowest whose cap is not below it.

    None above the last cap, and where no bracket is known.
    """
    for bracket in sorted(brackets, key=lambda item: item.notional_cap):
        if notional <= bracket.notional_cap:
            return bracket
    return None


def max_leverage(brackets: Sequence[LeverageBracket]) -> int | None:
    """The most that any notional admits; None where no bracket is known."""
    return max((bracket.max_leverage for bracket in brackets), default=None)


def estimated_liquidation_price(
    quantity: Decimal,
    entry_price: Decimal,
    *,
    collateral: Decimal,
    brackets: Sequence[LeverageBracket],
) -> Decimal | None:
    """`liquidation_price` in the bracket that the position is in when it gets there.

    Without brackets the usual lowest rate is taken; beyond the last one, the last one's.
    """
    if not brackets:
        return liquidation_price(
            quantity, entry_price, collateral=collateral, maintenance_rate=USUAL_MAINTENANCE_RATE
        )
    found = None
    for bracket in sorted(brackets, key=lambda item: item.notional_cap):
        found = liquidation_price(
            quantity,
            entry_price,
            collateral=collateral,
            maintenance_rate=bracket.maintenance_rate,
            deduction=bracket.deduction,
        )
        if found is None or abs(quantity) * found <= bracket.notional_cap:
            return found
    return found


def liquidation_price(
    quantity: Decimal,
    entry_price: Decimal,
    *,
    collateral: Decimal,
    maintenance_rate: Decimal,
    deduction: Decimal = ZERO,
) -> Decimal | None:
    """Mark price at which `collateral` plus the position's profit equals its maintenance margin.

    collateral + q (P - entry) = rate |q| P - deduction, so
    P = (q entry - collateral - deduction) / (q - rate |q|), with q signed in base, prices in quote
    per base and money in quote. `collateral` is the isolated margin, or in cross mode the wallet
    plus the other positions' profit. None when no positive price does it.

    Source: https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93 (2026-11-20).
    """
    if not ZERO <= maintenance_rate < ONE:
        raise ValueError("a maintenance rate lies in [0, 1)")
    if quantity == 0:
        return None
    slope = quantity - maintenance_rate * abs(quantity)
    price = PRECISION.divide(quantity * entry_price - collateral - deduction, slope)
    return round_money(price) if price > 0 else None
