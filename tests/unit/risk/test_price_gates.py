"""Triggers, prices behind them, and what closes a position: reject, allow, boundary."""

from decimal import Decimal

import pytest

from risk.domain.context import OrderIntent, RiskContext
from risk.domain.gates import decide
from tests.unit.risk.builders import buy, context
from tradeops.domain.enums import OrderType, PositionSide, Side, WorkingType
from tradeops.domain.errors import ErrorCode

D = Decimal
STOP, TARGET = OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET
TRAILING = OrderType.TRAILING_STOP_MARKET


def refusal(intent: OrderIntent, against: RiskContext | None = None) -> ErrorCode | None:
    found = decide(intent, against or context()).refusal
    return found.code if found else None


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "passes"),
    [
        (STOP, Side.BUY, "60000.1", True),
        (STOP, Side.BUY, "60000", False),
        (STOP, Side.SELL, "59999.9", True),
        (STOP, Side.SELL, "60000", False),
        (TARGET, Side.BUY, "59999.9", True),
        (TARGET, Side.BUY, "60000", False),
        (TARGET, Side.SELL, "60000.1", True),
        (TARGET, Side.SELL, "60000", False),
    ],
)
def test_trigger_lies_where_the_mark_price_is_not_yet(
    kind: OrderType, side: Side, trigger: str, *, passes: bool
) -> None:
    intent = buy(order_type=kind, side=side, trigger_price=D(trigger))

    assert refusal(intent) == (None if passes else ErrorCode.PRICE_OUT_OF_RANGE)


def test_trigger_off_the_tick_grid_passes() -> None:
    assert refusal(buy(order_type=STOP, trigger_price=D("60000.123"))) is None


def test_trigger_on_the_contract_price_is_the_venues_to_judge() -> None:
    intent = buy(order_type=STOP, trigger_price=D(59000), working_type=WorkingType.CONTRACT_PRICE)

    assert refusal(intent) is None


@pytest.mark.parametrize(
    ("side", "activation", "code"),
    [
        (Side.BUY, None, None),
        (Side.BUY, "59999.9", None),
        (Side.BUY, "60000", ErrorCode.PRICE_OUT_OF_RANGE),
        (Side.SELL, "60000.1", None),
        (Side.SELL, "60000", ErrorCode.PRICE_OUT_OF_RANGE),
        (Side.SELL, "0", ErrorCode.VALIDATION_ERROR),
    ],
)
def test_trailing_stop_is_activated_on_the_better_side(
    side: Side, activation: str | None, code: ErrorCode | None
) -> None:
    price = D(activation) if activation is not None else None

    assert refusal(buy(order_type=TRAILING, side=side, activation_price=price)) == code


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ("63000", None),
        ("68250", None),
        ("68250.1", ErrorCode.PRICE_OUT_OF_RANGE),
        ("63000.05", ErrorCode.PRECISION_VIOLATION),
    ],
)
def test_price_behind_a_trigger_is_bounded_around_the_trigger(
    price: str, code: ErrorCode | None
) -> None:
    intent = buy(order_type=OrderType.STOP, trigger_price=D(65000), price=D(price))

    assert refusal(intent) == code


@pytest.mark.parametrize(
    ("intent", "price"),
    [
        (buy(order_type=STOP, trigger_price=D(61000)), "61000"),
        (buy(order_type=OrderType.STOP, trigger_price=D(61000), price=D(61100)), "61100"),
        (
            buy(order_type=OrderType.STOP, side=Side.SELL, trigger_price=D(59000), price=D(58000)),
            "59000",
        ),
        (buy(order_type=TRAILING, side=Side.SELL, activation_price=D(62000)), "62000"),
        (buy(order_type=TRAILING, activation_price=D(58000)), "60000"),
    ],
)
def test_order_is_sized_at_what_it_will_cost(intent: OrderIntent, price: str) -> None:
    sized = decide(intent, context()).sized

    assert sized is not None
    assert sized.price == D(price)


def closing(side: Side = Side.SELL) -> OrderIntent:
    trigger = D(58000) if side is Side.SELL else D(62000)
    return OrderIntent("BTCUSDT", side, STOP, trigger_price=trigger, close_position=True)


@pytest.mark.parametrize(
    ("held", "side", "code"),
    [
        ("0", Side.SELL, ErrorCode.POSITION_NOT_FOUND),
        ("1", Side.BUY, ErrorCode.POSITION_NOT_FOUND),
        ("1", Side.SELL, None),
        ("-1", Side.BUY, None),
    ],
)
def test_closing_order_needs_a_position_of_the_other_side(
    held: str, side: Side, code: ErrorCode | None
) -> None:
    assert refusal(closing(side), context(position_quantity=D(held))) == code


def test_closing_order_exists_once() -> None:
    against = context(position_quantity=D(1), alike_close="that one")

    assert refusal(closing(), against) is ErrorCode.STOP_EXISTS


def test_closing_order_has_no_size_and_asks_for_no_balance() -> None:
    decision = decide(closing(), context(position_quantity=D(1), available_balance=D(0)))

    assert decision.refusal is None
    assert decision.sized is not None
    assert decision.sized.quantity == 0


def test_sale_of_a_long_leg_is_a_way_out_and_of_a_short_leg_is_not() -> None:
    against = context(position_quantity=D(1), available_balance=D(0))
    out = buy(side=Side.SELL, quantity=D("0.1"), position_side=PositionSide.LONG)
    opening = buy(quantity=D("0.1"), position_side=PositionSide.LONG)

    assert refusal(out, against) is None
    assert refusal(opening, against) is ErrorCode.INSUFFICIENT_BALANCE
