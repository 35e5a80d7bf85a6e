"""Orders in the venue's words."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tradeops.domain.enums import (
    CONDITIONAL_TYPES,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)
from tradeops.exchange.binance.spelling import amend_params, conditional_params, order_params
from tradeops.exchange.errors import Unavailable
from tradeops.exchange.port import AmendRequest, OrderRequest

MARKET = OrderRequest(
    symbol="BTCUSDT",
    client_order_id="ae-0123456789abcdef0123456789abcdef",
    side=Side.BUY,
    order_type=OrderType.MARKET,
    quantity=Decimal("0.00800"),
    signed_at=datetime(2026, 11, 20, tzinfo=UTC),
)


def test_order_params_market_order_carries_our_id_and_asks_for_the_result() -> None:
    assert order_params(MARKET) == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.008",
        "newClientOrderId": "ae-0123456789abcdef0123456789abcdef",
        "newOrderRespType": "RESULT",
    }


def test_order_params_limit_order_carries_price_and_time_in_force() -> None:
    limit = replace(
        MARKET,
        order_type=OrderType.LIMIT,
        quantity=Decimal("1E+3"),
        price=Decimal("61000.10"),
        time_in_force=TimeInForce.GTX,
    )

    params = order_params(limit)

    assert (params["quantity"], params["price"], params["timeInForce"]) == (
        "1000",
        "61000.1",
        "GTX",
    )


def test_order_params_reduce_only_is_lower_case_text_and_absent_in_hedge_mode() -> None:
    reducing = replace(MARKET, reduce_only=True)
    hedged = replace(reducing, position_side=PositionSide.LONG)

    assert order_params(reducing)["reduceOnly"] == "true"
    assert "positionSide" not in order_params(reducing)
    assert "reduceOnly" not in order_params(hedged)
    assert order_params(hedged)["positionSide"] == "LONG"


@pytest.mark.parametrize("client_id", ["", "a" * 37, "a:b", "a/b", "a b", "a%20", "ä", "a\n"])
def test_order_params_unsafe_id_is_not_sent(client_id: str) -> None:
    with pytest.raises(Unavailable):
        order_params(replace(MARKET, client_order_id=client_id))


@pytest.mark.parametrize("kind", sorted({*CONDITIONAL_TYPES, OrderType.OTHER}))
def test_order_params_conditional_order_is_not_sent(kind: OrderType) -> None:
    with pytest.raises(Unavailable):
        order_params(replace(MARKET, order_type=kind))


STOP = replace(
    MARKET,
    side=Side.SELL,
    order_type=OrderType.STOP_MARKET,
    trigger_price=Decimal("58000.00"),
    working_type=WorkingType.MARK_PRICE,
)


def test_conditional_params_stop_carries_our_id_under_the_name_of_the_service() -> None:
    assert conditional_params(STOP) == {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "STOP_MARKET",
        "quantity": "0.008",
        "triggerPrice": "58000",
        "workingType": "MARK_PRICE",
        "clientAlgoId": "ae-0123456789abcdef0123456789abcdef",
    }


def test_conditional_params_stop_limit_has_price_and_time_in_force() -> None:
    params = conditional_params(
        replace(
            STOP,
            order_type=OrderType.STOP,
            price=Decimal("57990.5"),
            time_in_force=TimeInForce.GTC,
            reduce_only=True,
        )
    )

    assert (params["price"], params["timeInForce"]) == ("57990.5", "GTC")
    assert params["reduceOnly"] == "true"


def test_conditional_params_trailing_stop_names_the_activation_as_the_service_does() -> None:
    params = conditional_params(
        replace(
            STOP,
            order_type=OrderType.TRAILING_STOP_MARKET,
            trigger_price=None,
            callback_rate=Decimal("1.50"),
            activation_price=Decimal(62000),
        )
    )

    assert (params["callbackRate"], params["activatePrice"]) == ("1.5", "62000")
    assert "triggerPrice" not in params
    assert "activationPrice" not in params


def test_conditional_params_closing_order_has_neither_quantity_nor_reduce_only() -> None:
    params = conditional_params(
        replace(STOP, quantity=Decimal(0), close_position=True, reduce_only=True)
    )

    assert params["closePosition"] == "true"
    assert "quantity" not in params
    assert "reduceOnly" not in params


def test_params_good_till_date_is_in_milliseconds() -> None:
    dated = replace(
        MARKET,
        order_type=OrderType.LIMIT,
        price=Decimal(61000),
        time_in_force=TimeInForce.GTD,
        good_till=datetime(2026, 11, 21, 0, 0, 0, 250_000, tzinfo=UTC),
    )

    assert order_params(dated)["goodTillDate"] == "1795219200250"
    assert order_params(dated)["timeInForce"] == "GTD"


@pytest.mark.parametrize("kind", sorted(set(OrderType) - CONDITIONAL_TYPES))
def test_conditional_params_ordinary_order_is_not_sent(kind: OrderType) -> None:
    with pytest.raises(Unavailable):
        conditional_params(replace(STOP, order_type=kind))


@pytest.mark.parametrize("client_id", ["", "a" * 37, "a:b", "a/b"])
def test_conditional_and_amend_params_unsafe_id_is_not_sent(client_id: str) -> None:
    with pytest.raises(Unavailable):
        conditional_params(replace(STOP, client_order_id=client_id))
    with pytest.raises(Unavailable):
        amend_params(replace(AMENDMENT, client_order_id=client_id))


AMENDMENT = AmendRequest(
    symbol="BTCUSDT",
    client_order_id="ae-1",
    side=Side.BUY,
    quantity=Decimal("0.0100"),
    price=Decimal("60000.10"),
    signed_at=datetime(2026, 11, 20, tzinfo=UTC),
)


def test_amend_params_carry_quantity_and_price_always() -> None:
    assert amend_params(AMENDMENT) == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "origClientOrderId": "ae-1",
        "quantity": "0.01",
        "price": "60000.1",
    }
