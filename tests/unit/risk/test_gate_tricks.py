"""Ways around the gates that somebody may try, and exits that a gate must never block."""

from decimal import Decimal

import pytest

from risk.domain.gates import decide
from tests.unit.risk.builders import BTCUSDT, buy, context
from tradeops.domain.enums import OrderType, Side
from tradeops.domain.errors import ErrorCode

D = Decimal


def test_flip_to_the_same_size_does_not_pass_the_position_limit() -> None:
    over = context(position_quantity=D(1), max_position_notional=D(1000))

    refusal = decide(buy(side=Side.SELL, quantity=D(2), amount=None), over).refusal

    assert refusal is not None
    assert refusal.code is ErrorCode.MAX_POSITION_NOTIONAL


def test_flip_past_pending_orders_does_not_pass_the_position_limit() -> None:
    over = context(
        position_quantity=D(1), pending_sell_quantity=D("1.5"), max_position_notional=D(1000)
    )

    refusal = decide(buy(side=Side.SELL, quantity=D("0.2"), amount=None), over).refusal

    assert refusal is not None
    assert refusal.code is ErrorCode.MAX_POSITION_NOTIONAL


def test_order_that_only_shrinks_passes_a_limit_that_is_exceeded_already() -> None:
    over = context(position_quantity=D(1), max_position_notional=D(1000))

    assert decide(buy(side=Side.SELL, quantity=D("0.5"), amount=None), over).refusal is None


def test_sell_limit_below_the_market_counts_at_the_market() -> None:
    limit = buy(side=Side.SELL, order_type=OrderType.LIMIT, price=D(57000), notional=D(1000))

    decision = decide(limit, context(max_order_notional=D(1000)))

    assert decision.sized is not None
    assert decision.sized.quantity * 60000 <= 1000
    assert decision.sized.price == 60000


def test_sell_limit_below_the_market_does_not_pass_the_order_limit() -> None:
    limit = buy(
        side=Side.SELL, order_type=OrderType.LIMIT, price=D(57000), quantity=D("0.017"), amount=None
    )

    refusal = decide(limit, context(max_order_notional=D(1000))).refusal

    assert refusal is not None
    assert refusal.code is ErrorCode.MAX_ORDER_NOTIONAL


def test_position_at_a_leverage_above_the_limit_can_be_closed() -> None:
    close = buy(side=Side.SELL, quantity=D(1), amount=None, reduce_only=True)

    assert decide(close, context(position_quantity=D(1), leverage=50)).refusal is None


def test_position_in_a_symbol_that_is_not_allowed_any_more_can_be_closed() -> None:
    close = buy(side=Side.SELL, quantity=D(1), amount=None, reduce_only=True)

    gone = context(position_quantity=D(1), allowed_symbols=frozenset())

    assert decide(close, gone).refusal is None


@pytest.mark.parametrize("quantity", ["99999999999999999999.999", "99999999999999999999"])
@pytest.mark.parametrize("price", ["60000", "99999999999999999999.9"])
def test_absurd_numbers_are_refused_and_break_nothing(quantity: str, price: str) -> None:
    limit = buy(order_type=OrderType.LIMIT, price=D(price), quantity=D(quantity), amount=None)

    assert decide(limit, context()).refusal is not None


@pytest.mark.parametrize("notional", ["99999999999999999999.99", "0.000000000000000001"])
def test_absurd_notional_is_refused_and_breaks_nothing(notional: str) -> None:
    limit = buy(order_type=OrderType.LIMIT, price=BTCUSDT.tick_size, notional=D(notional))

    assert decide(limit, context()).refusal is not None
