"""Each gate: reject, allow, boundary."""

from decimal import Decimal
from typing import Any

import pytest

from risk.domain.context import OrderIntent, RiskContext, ScopeState
from risk.domain.gates import decide
from tests.unit.risk.builders import buy, context
from tradeops.domain.enums import EngineState, OrderType, Side
from tradeops.domain.errors import ErrorCode

D = Decimal


def refusal_code(intent: OrderIntent, against: RiskContext) -> ErrorCode | None:
    refusal = decide(intent, against).refusal
    return refusal.code if refusal else None


def test_market_order_of_50_usdt_at_10x_is_sized_down_to_the_step() -> None:
    decision = decide(buy(amount=D("50")), context())

    assert decision.refusal is None
    assert decision.sized is not None
    assert decision.sized.quantity == D("0.008")
    assert decision.sized.notional == D("480.000")
    assert decision.sized.margin == D("48")
    assert decision.sized.fee == D("0.24")


def test_every_gate_leaves_a_verdict_in_fixed_order() -> None:
    gates = [verdict.gate for verdict in decide(buy(), context()).verdicts]

    assert gates == [
        "engine",
        "symbol",
        "leverage",
        "price",
        "size",
        "min_notional",
        "balance",
        "max_order_notional",
        "max_position_notional",
    ]


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (EngineState.PAUSED, ErrorCode.PAUSED),
        (EngineState.HALTED, ErrorCode.HALTED),
        (EngineState.SAFE, ErrorCode.SAFE),
        (EngineState.BOOTING, ErrorCode.PAUSED),
        (EngineState.RUNNING, None),
    ],
)
def test_engine_state_decides_about_openings(state: EngineState, code: ErrorCode | None) -> None:
    scopes = (ScopeState("account:1", state, "maintenance"),)

    assert refusal_code(buy(), context(scopes=scopes)) == code


@pytest.mark.parametrize(
    ("held", "side", "passes"),
    [("0.5", Side.SELL, True), ("0.5", Side.BUY, False), ("0", Side.SELL, False)],
)
def test_halt_lets_only_real_reductions_through(held: str, side: Side, passes: bool) -> None:
    scopes = (ScopeState("all", EngineState.HALTED, "stop"),)
    intent = buy(side=side, quantity=D("0.1"), reduce_only=True)

    code = refusal_code(intent, context(scopes=scopes, position_quantity=D(held)))

    assert code == (None if passes else ErrorCode.HALTED)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"allowed_symbols": frozenset({"ETHUSDT"})}, ErrorCode.SYMBOL_NOT_ALLOWED),
        ({"instrument": None}, ErrorCode.SYMBOL_NOT_ALLOWED),
        ({"mark_price": None}, ErrorCode.PRICE_UNAVAILABLE),
    ],
)
def test_symbol_must_be_allowed_known_and_priced(changes: dict[str, Any], code: ErrorCode) -> None:
    assert refusal_code(buy(), context(**changes)) == code


@pytest.mark.parametrize(("leverage", "passes"), [(0, False), (1, True), (25, True), (26, False)])
def test_leverage_is_1_to_25(leverage: int, passes: bool) -> None:
    code = refusal_code(buy(notional=D("500")), context(leverage=leverage))

    assert code == (None if passes else ErrorCode.LEVERAGE_OUT_OF_RANGE)


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        ("0", ErrorCode.MIN_QTY_VIOLATION),
        ("0.0009", ErrorCode.MIN_QTY_VIOLATION),
        ("0.001", None),
        ("0.0015", ErrorCode.PRECISION_VIOLATION),
        ("120", None),
        ("120.001", ErrorCode.MAX_QTY_VIOLATION),
    ],
)
def test_quantity_keeps_to_the_market_lot_filter(quantity: str, code: ErrorCode | None) -> None:
    rich = context(available_balance=D("100000000"))

    assert refusal_code(buy(quantity=D(quantity)), rich) == code


@pytest.mark.parametrize(
    ("quantity", "code"),
    [("0.001", ErrorCode.MIN_NOTIONAL_VIOLATION), ("0.002", None)],
)
def test_min_notional_is_inclusive(quantity: str, code: ErrorCode | None) -> None:
    at_25000 = context(mark_price=D("25000"))

    assert refusal_code(buy(quantity=D(quantity)), at_25000) == code


def test_reduction_is_exempt_from_min_notional_as_at_the_venue() -> None:
    intent = buy(side=Side.SELL, quantity=D("0.001"), reduce_only=True)

    assert refusal_code(intent, context(mark_price=D("25000"), position_quantity=D("1"))) is None


@pytest.mark.parametrize(
    ("price", "code"),
    [
        ("60000.05", ErrorCode.PRECISION_VIOLATION),
        ("63000", None),
        ("63000.1", ErrorCode.PRICE_OUT_OF_RANGE),
        ("0", ErrorCode.VALIDATION_ERROR),
    ],
)
def test_limit_buy_price_is_on_tick_and_within_the_band(price: str, code: ErrorCode | None) -> None:
    intent = buy(order_type=OrderType.LIMIT, price=D(price))

    assert refusal_code(intent, context()) == code


def test_limit_sell_far_below_the_mark_is_refused() -> None:
    intent = buy(side=Side.SELL, order_type=OrderType.LIMIT, price=D("56999.9"))

    assert refusal_code(intent, context()) == ErrorCode.PRICE_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("available", "code"),
    [
        ("48.24", None),
        ("48.23999999", ErrorCode.INSUFFICIENT_BALANCE),
        (None, ErrorCode.ACCOUNT_UNAVAILABLE),
    ],
)
def test_balance_covers_margin_and_fee_exactly(
    available: str | None, code: ErrorCode | None
) -> None:
    balance = D(available) if available is not None else None

    assert refusal_code(buy(), context(available_balance=balance)) == code


def test_flip_needs_margin_only_for_what_opens() -> None:
    intent = buy(side=Side.SELL, quantity=D("0.02"))
    held = context(position_quantity=D("0.01"), available_balance=D("60.6"))

    assert refusal_code(intent, held) is None
    assert (
        refusal_code(intent, context(available_balance=D("60.6"))) == ErrorCode.INSUFFICIENT_BALANCE
    )


@pytest.mark.parametrize(
    ("limit", "code"), [("480", None), ("479.99", ErrorCode.MAX_ORDER_NOTIONAL)]
)
def test_order_limit_is_inclusive(limit: str, code: ErrorCode | None) -> None:
    assert refusal_code(buy(), context(max_order_notional=D(limit))) == code


@pytest.mark.parametrize(
    ("held", "pending", "code"),
    [
        ("0", "0", None),
        ("0.008", "0", None),
        ("0.009", "0", ErrorCode.MAX_POSITION_NOTIONAL),
        ("0.004", "0.005", ErrorCode.MAX_POSITION_NOTIONAL),
        ("-0.02", "0", None),
    ],
)
def test_position_limit_counts_what_is_held_and_pending(
    held: str, pending: str, code: ErrorCode | None
) -> None:
    against = context(
        position_quantity=D(held),
        pending_buy_quantity=D(pending),
        max_position_notional=D("960"),
    )

    assert refusal_code(buy(), against) == code


def test_verdict_tells_its_numbers() -> None:
    decision = decide(buy(), context(max_order_notional=D("100")))

    refusal = decision.refusal
    assert refusal is not None
    assert refusal.as_json() == {
        "gate": "max_order_notional",
        "passed": False,
        "code": "RISK_REJECTED:max_order_notional",
        "detail": "480 is above 100",
        "numbers": {"value": "480", "limit": "100"},
    }
