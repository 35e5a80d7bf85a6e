"""Sizing never exceeds what was asked and never breaks a filter it was sized for."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from risk.domain.gates import decide
from risk.domain.sizing import size
from tests.unit.risk.builders import BTCUSDT, buy, context
from tradeops.domain.enums import OrderType
from tradeops.domain.money import is_multiple

prices = st.decimals(min_value="100", max_value="500000", places=1)
amounts = st.decimals(min_value="0.01", max_value="100000", places=2)
leverages = st.integers(min_value=1, max_value=25)


@given(price=prices, amount=amounts, leverage=leverages)
def test_size_stays_within_amount_times_leverage(
    price: Decimal, amount: Decimal, leverage: int
) -> None:
    sized = size(buy(amount=amount), context(mark_price=price, leverage=leverage))

    assert sized is not None
    assert sized.notional <= amount * leverage
    assert amount * leverage - sized.notional < price * BTCUSDT.market_step_size
    assert is_multiple(sized.quantity, BTCUSDT.market_step_size)


@given(price=prices, notional=amounts, leverage=leverages, limit=st.booleans())
def test_an_accepted_order_keeps_every_filter(
    price: Decimal, notional: Decimal, leverage: int, limit: bool
) -> None:
    order_type = OrderType.LIMIT if limit else OrderType.MARKET
    intent = buy(notional=notional, order_type=order_type, price=price if limit else None)

    decision = decide(intent, context(mark_price=price, leverage=leverage))

    if decision.refusal is None:
        assert decision.sized is not None
        assert BTCUSDT.min_quantity <= decision.sized.quantity <= BTCUSDT.max_quantity
        assert decision.sized.notional >= BTCUSDT.min_notional
        assert decision.sized.notional <= notional
        assert decision.sized.margin + decision.sized.fee <= Decimal("10000")
