"""Settings, brackets, income and conditional orders, as REST tells them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tradeops.domain.enums import OrderStatus, OrderType, PositionMode, PositionSide, Side
from tradeops.exchange.binance import parse
from tradeops.exchange.binance.parse_account import (
    adl_quantiles,
    income_report,
    leverage_brackets,
    position_mode,
)
from tradeops.exchange.binance.parse_conditional import (
    both_views,
    conditional_report,
    is_over_unfilled,
)
from tradeops.exchange.reports import IncomeReport, LeverageBracket

AT_MS = 1_759_347_763_200
AT = datetime(2025, 10, 1, 19, 42, 43, 200_000, tzinfo=UTC)
ALGO: dict[str, Any] = {
    "algoId": 2146760, "clientAlgoId": "ae-1", "algoType": "CONDITIONAL",
    "orderType": "TAKE_PROFIT", "symbol": "BTCUSDT", "side": "SELL", "positionSide": "BOTH",
    "timeInForce": "GTC", "quantity": "0.01", "algoStatus": "NEW", "actualOrderId": "",
    "actualPrice": "0.00000", "actualQty": "0.01", "triggerPrice": "75000.000",
    "price": "75010.0", "workingType": "CONTRACT_PRICE", "closePosition": False,
    "reduceOnly": True, "createTime": AT_MS - 9, "updateTime": AT_MS, "triggerTime": 0,
    "goodTillDate": 0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "mode"),
    [
        ({"dualSidePosition": True}, PositionMode.HEDGE),
        ({"dualSidePosition": False}, PositionMode.ONE_WAY),
        ({"dualSidePosition": "true"}, PositionMode.HEDGE),
    ],
)
def test_position_mode_is_read(payload: dict[str, Any], mode: PositionMode) -> None:
    assert position_mode(payload) is mode


@pytest.mark.parametrize("payload", [{}, {"dualSidePosition": None}, {"dualSidePosition": "maybe"}])
def test_position_mode_unclear_answer_is_no_mode(payload: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        position_mode(payload)


def test_leverage_brackets_of_all_symbols_and_of_one() -> None:
    row = {
        "bracket": 1, "initialLeverage": 75, "notionalCap": 10000, "notionalFloor": 0,
        "maintMarginRatio": Decimal("0.0065"), "cum": Decimal("0.5"),
    }  # fmt: skip
    symbol = {"symbol": "ETHUSDT", "notionalCoef": Decimal("1.5"), "brackets": [row]}
    expected = LeverageBracket(
        symbol="ETHUSDT",
        bracket=1,
        max_leverage=75,
        notional_floor=Decimal(0),
        notional_cap=Decimal(10000),
        maintenance_rate=Decimal("0.0065"),
        deduction=Decimal("0.5"),
    )

    assert leverage_brackets(symbol) == [expected]
    assert leverage_brackets([symbol, symbol | {"symbol": "BTCUSDT"}]) == [
        expected,
        replace(expected, symbol="BTCUSDT"),
    ]
    assert leverage_brackets([{"symbol": "ETHUSDT", "brackets": []}]) == []


def test_adl_quantiles_are_by_leg_without_the_sign_of_hedge_mode() -> None:
    payload = [
        {"symbol": "ETHUSDT", "adlQuantile": {"LONG": 3, "SHORT": 2, "HEDGE": 0}},
        {"symbol": "BTCUSDT", "adlQuantile": {"BOTH": 4}},
    ]

    assert adl_quantiles(payload) == {
        ("ETHUSDT", PositionSide.LONG): 3,
        ("ETHUSDT", PositionSide.SHORT): 2,
        ("BTCUSDT", PositionSide.BOTH): 4,
    }
    assert adl_quantiles(payload[1]) == {("BTCUSDT", PositionSide.BOTH): 4}


def test_income_row_keeps_the_id_that_makes_it_unique() -> None:
    row = {
        "symbol": "BTCUSDT", "incomeType": "FUNDING_FEE", "income": "-0.37500000",
        "asset": "USDT", "info": "FUNDING_FEE", "time": AT_MS, "tranId": 9689322392,
        "tradeId": "",
    }  # fmt: skip

    assert income_report(row) == IncomeReport(
        kind="FUNDING_FEE",
        asset="USDT",
        amount=Decimal("-0.375"),
        symbol="BTCUSDT",
        transaction_id="9689322392",
        booked_at=AT,
    )
    assert income_report(row | {"tradeId": "77", "symbol": ""}).trade_id == "77"


@pytest.mark.parametrize("missing", ["incomeType", "asset", "income", "time", "tranId"])
def test_income_row_without_a_mandatory_value_is_unreadable(missing: str) -> None:
    row = {"incomeType": "TRANSFER", "income": "1", "asset": "USDT", "time": 1, "tranId": 2}
    del row[missing]

    with pytest.raises(KeyError):
        income_report(row)


def test_conditional_report_waiting_order_has_an_algo_id_alone() -> None:
    report = conditional_report(ALGO)

    assert (report.algo_id, report.venue_order_id) == ("2146760", "")
    assert (report.client_order_id, report.status) == ("ae-1", OrderStatus.ACKNOWLEDGED)
    assert (report.order_type, report.side) == (OrderType.TAKE_PROFIT, Side.SELL)
    assert (report.trigger_price, report.price) == (Decimal(75000), Decimal(75010))
    assert (report.quantity, report.filled_quantity) == (Decimal("0.01"), Decimal(0))
    assert report.updated_at == AT
    assert report.triggered_at is None


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"algoStatus": "CANCELED"}, OrderStatus.CANCELLED),
        ({"algoStatus": "EXPIRED"}, OrderStatus.EXPIRED),
        ({"algoStatus": "REJECTED"}, OrderStatus.REJECTED),
        ({"algoStatus": "FINISHED"}, OrderStatus.CANCELLED),
        ({"algoStatus": "FINISHED", "actualOrderId": "88"}, OrderStatus.ACKNOWLEDGED),
        ({"algoStatus": "CANCELED", "actualOrderId": 88}, OrderStatus.ACKNOWLEDGED),
        ({"algoStatus": "TRIGGERED", "actualOrderId": "88"}, OrderStatus.ACKNOWLEDGED),
        ({"algoStatus": "WORD_OF_2027"}, OrderStatus.ACKNOWLEDGED),
    ],
)
def test_conditional_report_ends_only_what_never_came_into_the_book(
    changes: dict[str, Any], status: OrderStatus
) -> None:
    report = conditional_report(ALGO | changes)

    assert report.status is status
    assert report.filled_quantity == 0


def test_conditional_report_older_shape_without_times_is_dated_by_its_arrival() -> None:
    older = {key: ALGO[key] for key in ("algoId", "symbol", "side", "algoStatus")}

    report = conditional_report(older | {"type": "STOP_MARKET"}, AT)

    assert (report.order_type, report.updated_at) == (OrderType.STOP_MARKET, AT)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"algoStatus": "FINISHED", "actualQty": "0.000"}, True),
        ({"algoStatus": "FINISHED", "actualQty": "0.010"}, False),
        ({"algoStatus": "TRIGGERED", "actualQty": "0.000"}, False),
    ],
)
def test_is_over_unfilled_only_where_the_service_says_so(
    changes: dict[str, Any], *, expected: bool
) -> None:
    assert is_over_unfilled(ALGO | changes) is expected


def test_both_views_take_progress_from_the_book_and_intent_from_the_service() -> None:
    algo = conditional_report(
        ALGO | {"algoStatus": "TRIGGERED", "actualOrderId": "88", "triggerTime": AT_MS}
    )
    order = parse.order_report(
        {
            "symbol": "BTCUSDT", "orderId": 88, "clientOrderId": "ae-1", "side": "SELL",
            "type": "LIMIT", "origType": "LIMIT", "status": "PARTIALLY_FILLED",
            "origQty": "0.01", "executedQty": "0.004", "price": "75010", "avgPrice": "75011",
            "timeInForce": "GTC", "updateTime": AT_MS + 5,
        }
    )  # fmt: skip

    report = both_views(algo, order)

    assert (report.venue_order_id, report.algo_id) == ("88", "2146760")
    assert (report.status, report.filled_quantity) == (
        OrderStatus.PARTIALLY_FILLED,
        Decimal("0.004"),
    )
    assert (report.order_type, report.trigger_price) == (OrderType.TAKE_PROFIT, Decimal(75000))
    assert report.triggered_at == AT
