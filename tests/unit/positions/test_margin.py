"""Liquidation prices: by hand, and against the definition."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from positions.domain.margin import (
    USUAL_MAINTENANCE_RATE,
    bracket_of,
    estimated_liquidation_price,
    liquidation_price,
    max_leverage,
)
from tradeops.exchange.reports import LeverageBracket

D = Decimal
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


BRACKETS = (
    LeverageBracket("BTCUSDT", 1, 125, D(0), D(50000), D("0.004"), D(0)),
    LeverageBracket("BTCUSDT", 2, 100, D(50000), D(600000), D("0.005"), D(50)),
    LeverageBracket("BTCUSDT", 3, 50, D(600000), D(3000000), D("0.01"), D(3050)),
)


@pytest.mark.parametrize(
    ("notional", "bracket"),
    [("0", 1), ("50000", 1), ("50000.01", 2), ("600000", 2), ("3000000", 3), ("3000000.01", None)],
)
def test_bracket_reaches_to_its_cap(notional: str, bracket: int | None) -> None:
    found = bracket_of(tuple(reversed(BRACKETS)), D(notional))

    assert (found.bracket if found else None) == bracket


def test_without_brackets_nothing_is_known() -> None:
    assert bracket_of((), D(1)) is None
    assert max_leverage(()) is None
    assert max_leverage(BRACKETS) == 125


@given(
    quantity=st.decimals(min_value="0.001", max_value="30", places=3),
    is_short=st.booleans(),
    leverage=st.integers(min_value=2, max_value=50),
)
def test_liquidation_lies_where_the_margin_is_what_its_bracket_asks_for(
    quantity: Decimal, is_short: bool, leverage: int
) -> None:
    signed = -quantity if is_short else quantity
    collateral = quantity * 60000 / leverage

    price = estimated_liquidation_price(signed, D(60000), collateral=collateral, brackets=BRACKETS)

    assert price is not None
    bracket = bracket_of(BRACKETS, quantity * price)
    assert bracket is not None
    needed = quantity * price * bracket.maintenance_rate - bracket.deduction
    assert abs(collateral + signed * (price - 60000) - needed) < quantity * D("0.0000001")


def test_beyond_the_last_bracket_its_rate_goes_on() -> None:
    price = estimated_liquidation_price(
        D(-1000), D(60000), collateral=D(6000000), brackets=BRACKETS
    )

    assert price == liquidation_price(
        D(-1000),
        D(60000),
        collateral=D(6000000),
        maintenance_rate=D("0.01"),
        deduction=D(3050),
    )


def test_without_brackets_the_usual_rate_is_taken() -> None:
    price = estimated_liquidation_price(D(1), D(60000), collateral=D(6000), brackets=())

    assert price == liquidation_price(
        D(1), D(60000), collateral=D(6000), maintenance_rate=USUAL_MAINTENANCE_RATE
    )
