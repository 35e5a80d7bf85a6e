"""Orders in the venue's words."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tradeops.domain.enums import OrderType, PositionSide, Side, TimeInForce
from tradeops.exchange.binance.spelling import order_params
from tradeops.exchange.errors import Unavailable
from tradeops.exchange.port import OrderRequest

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


@pytest.mark.parametrize("kind", [OrderType.STOP_MARKET, OrderType.TAKE_PROFIT, OrderType.OTHER])
def test_order_params_conditional_order_is_not_sent(kind: OrderType) -> None:
    with pytest.raises(Unavailable):
        order_params(replace(MARKET, order_type=kind))
