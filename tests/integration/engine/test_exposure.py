"""What is not booked yet counts all the same (I15)."""

from decimal import Decimal

import pytest
from django.db import connection

from orders.models import Order
from orders.selectors import unbooked_orders
from risk.models import LimitMetric, RiskLimit
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderStatus, Side, Source
from tradeops.engine.context import risk_context
from tradeops.engine.ingest import ingest

pytestmark = pytest.mark.django_db

D = Decimal
BUY_50_AT_10X = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def limit_position(value: str) -> None:
    RiskLimit.objects.create(
        metric=LimitMetric.MAX_POSITION_NOTIONAL, value=D(value), updated_at=START, updated_by="x"
    )


def test_filled_orders_count_before_their_fills_are_booked(desk: Desk) -> None:
    limit_position("1000")
    desk.port.status = OrderStatus.FILLED

    codes = [desk.run(BUY_50_AT_10X).code for _ in range(3)]

    assert codes == ["", "", "RISK_REJECTED:max_position_notional"]


def test_filled_orders_use_balance_before_their_fills_are_booked(desk: Desk) -> None:
    desk.port.status = OrderStatus.FILLED
    desk.run(PlaceOrder("BTCUSDT", Side.BUY, amount=D(6000), leverage=10))

    second = desk.run(PlaceOrder("BTCUSDT", Side.BUY, amount=D(6000), leverage=10))

    assert second.code == "INSUFFICIENT_BALANCE"


def test_booked_fills_count_once(desk: Desk) -> None:
    limit_position("1000")
    desk.port.status = OrderStatus.FILLED
    first = desk.run(BUY_50_AT_10X)
    fill = fill_report(0, 9, quantity="0.008", ours=False)
    ingest(desk.account.pk, [fill], source=Source.STREAM, actor="test", now=START)

    assert Order.objects.get(pk=first.pk).filled_quantity == D("0.008")
    assert desk.run(BUY_50_AT_10X).status == CommandStatus.ACK
    assert desk.run(BUY_50_AT_10X).code == "RISK_REJECTED:max_position_notional"


def test_fills_of_an_order_without_a_quantity_free_no_exposure(desk: Desk) -> None:
    fills = [fill_report(9, trade_id, quantity="1", ours=False) for trade_id in (1, 2, 3)]
    ingest(desk.account.pk, fills, source=Source.STREAM, actor="test", now=START)

    context = risk_context(desk.account, BUY_50_AT_10X, mark_price=D(60000))

    assert context.position_quantity == 3
    assert context.pending_buy_quantity == 0


def test_unbooked_orders_are_found_without_reading_the_table() -> None:
    plan = unbooked_orders().explain()

    if connection.vendor == "sqlite":
        assert "USING INDEX order_unbooked" in plan


def test_leverage_of_zero_is_refused(desk: Desk) -> None:
    command = desk.run(PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=0))

    assert command.code == "LEVERAGE_OUT_OF_RANGE"
    assert desk.port.leverage_calls == []
