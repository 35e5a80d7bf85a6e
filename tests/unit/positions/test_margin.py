"""Liquidation prices: by hand, and against the definition."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from positions.domain.margin import liquidation_price

RATE = Decimal("0.004")


def test_long_with_isolated_margin_is_liquidated_below_entry() -> None:
    # 1 BTC at 50,000 with 5,000: 45,000 / 0.996
    price = liquidation_price(
        Decimal(1), Decimal(50_000), collateral=Decimal(5_000), maintenance_rate=RATE
    )

    assert price == Decimal("45180.72289157")


def test_short_with_isolated_margin_is_liquidated_above_entry() -> None:
    # -1 BTC at 50,000 with 5,000: 55,000 / 1.004
    price = liquidation_price(
        Decimal(-1), Decimal(50_000), collateral=Decimal(5_000), maintenance_rate=RATE
    )

    assert price == Decimal("54780.87649402")


def test_long_that_the_wallet_covers_whole_has_no_liquidation_price() -> None:
    price = liquidation_price(
        Decimal("0.01"), Decimal(50_000), collateral=Decimal(500), maintenance_rate=RATE
    )

    assert price is None


def test_flat_has_no_liquidation_price() -> None:
    assert (
        liquidation_price(Decimal(0), Decimal(0), collateral=Decimal(1), maintenance_rate=RATE)
        is None
    )


def test_rate_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="maintenance rate"):
        liquidation_price(
            Decimal(1), Decimal(1), collateral=Decimal(1), maintenance_rate=Decimal("1.5")
        )


@given(
    quantity=st.decimals("-50", "50", places=3).filter(bool),
    entry=st.decimals("0.1", "100000", places=2),
    collateral=st.decimals("0", "1000000", places=2),
)
def test_at_the_liquidation_price_equity_is_the_maintenance_margin(
    quantity: Decimal, entry: Decimal, collateral: Decimal
) -> None:
    price = liquidation_price(quantity, entry, collateral=collateral, maintenance_rate=RATE)

    if price is not None:
        equity = collateral + quantity * (price - entry)
        assert abs(equity - RATE * abs(quantity) * price) <= abs(quantity) * Decimal("0.00000002")
