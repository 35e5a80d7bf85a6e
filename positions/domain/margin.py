"""Where a position would be liquidated, as far as the desk's own numbers tell."""

from decimal import Decimal

from tradeops.domain.money import ONE, PRECISION, ZERO, round_money


def liquidation_price(
    quantity: Decimal,
    entry_price: Decimal,
    *,
    collateral: Decimal,
    maintenance_rate: Decimal,
) -> Decimal | None:
    """Mark price at which `collateral` plus the position's profit equals its maintenance margin.

    collateral + q (P - entry) = rate |q| P, so P = (q entry - collateral) / (q - rate |q|), with q
    signed in base, prices in quote per base and `collateral` in quote: the isolated margin, or in
    cross mode the wallet plus the other positions' profit. None when no positive price does it.

    Source: https://www.binance.com/en/support/faq/b3c689c1f50a44cabb3a84e663b81d93 (2026-11-20),
    without the bracket's cumulative amount: exact in the lowest bracket, an estimate above it.
    """
    if not ZERO <= maintenance_rate < ONE:
        raise ValueError("a maintenance rate lies in [0, 1)")
    if quantity == 0:
        return None
    slope = quantity - maintenance_rate * abs(quantity)
    price = PRECISION.divide(quantity * entry_price - collateral, slope)
    return round_money(price) if price > 0 else None
