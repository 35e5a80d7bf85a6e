"""Fills that are older news than their orders: userTrades may know what GET order does not (F3)."""

import uuid
from dataclasses import dataclass
from decimal import Decimal

import pytest

from orders.models import Fill, Order
from positions.models import Position
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tests.support.fake_port import FakePort
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import OrderStatus, Side
from tradeops.exchange.errors import Ambiguous, NotFound
from tradeops.exchange.reports import OrderReport
from tradeops.kit.portal import drive
from tradeops.reconcile.services.account_reconcile import SCHEDULE, account_reconcile

pytestmark = pytest.mark.django_db

D = Decimal


@dataclass
class _LaggingPort(FakePort):
    """Trades are visible before their orders are."""

    lags: bool = True

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        if self.lags:
            raise NotFound("Order does not exist.", code=-2013)
        return await super().order_by_venue_id(symbol, venue_order_id, conditional=conditional)


@pytest.fixture
def port() -> _LaggingPort:
    return _LaggingPort(START)


@pytest.fixture
def desk(port: _LaggingPort) -> Desk:
    desk = open_desk()
    desk.port = port
    return desk


def reconcile(desk: Desk) -> str:
    async def no_pause(_seconds: float) -> None: ...

    result = drive(
        account_reconcile(
            desk.port,
            desk.account.pk,
            scope="all",
            trigger=SCHEDULE,
            clock=desk.clock,
            ids=uuid.uuid4,
            pause=no_pause,
        )
    )
    return result.error


def test_fresh_fill_waits_for_its_order(desk: Desk, port: _LaggingPort) -> None:
    port.status = OrderStatus.FILLED
    port.submit_error, port.accept_before_error = Ambiguous("timeout"), True
    command = desk.run(PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10))
    port.trades = [fill_report(0, 9, quantity="0.008", ours=False)]

    assert reconcile(desk) == ""
    assert not Fill.objects.exists()
    port.lags = False
    assert reconcile(desk) == ""

    order = Order.objects.get()
    assert (order.pk, order.filled_quantity) == (command.pk, D("0.008"))
    assert Fill.objects.get().order_id == command.pk


def test_old_fill_of_a_forgotten_order_is_booked(desk: Desk, port: _LaggingPort) -> None:
    desk.run(PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10))
    port.trades = [fill_report(55, 3, quantity="2", ours=False)]
    desk.clock.advance(120)

    assert reconcile(desk) == ""

    assert Position.objects.get(quantity=2).symbol == "BTCUSDT"
    assert Order.objects.get(is_external=True).filled_quantity == 2
