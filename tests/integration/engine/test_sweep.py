"""The sweeper serves everybody, ends what can be ended, and spares the venue."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pytest

from orders.models import Order
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tests.support.fake_port import FakePort
from tradeops.domain.commands import (
    CancelOrder,
    CommandStatus,
    PlaceOrder,
    RebuildProjection,
)
from tradeops.domain.enums import OrderStatus, OrderType, Side, Source
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import Ambiguous, ExchangeError, NotFound, Rejected, Throttled
from tradeops.exchange.reports import FillReport, MarkPriceReport, OrderReport
from tradeops.journal.models import Command
from tradeops.market import cache

pytestmark = pytest.mark.django_db

D = Decimal
BUY = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)
REST = PlaceOrder(
    "BTCUSDT", Side.BUY, order_type=OrderType.LIMIT, quantity=D("0.01"), price=D("59000")
)


@dataclass
class _CountingPort(FakePort):
    """Counts what it is asked, and does not answer about some orders."""

    silent: set[str] = field(default_factory=set)
    fill_calls: list[str] = field(default_factory=list)
    order_calls: int = 0

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        if client_order_id in self.silent:
            raise Ambiguous("timeout")
        return await super().order(symbol, client_order_id, conditional=conditional)

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        self.order_calls += 1
        return await super().order_by_venue_id(symbol, venue_order_id, conditional=conditional)

    async def fills(
        self,
        symbol: str,
        *,
        from_trade_id: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> Sequence[FillReport]:
        self.fill_calls.append(symbol)
        return await super().fills(symbol, from_trade_id=from_trade_id, since=since, limit=limit)


@pytest.fixture
def port() -> _CountingPort:
    return _CountingPort(START)


@pytest.fixture
def desk(port: _CountingPort) -> Desk:
    desk = open_desk()
    desk.port = port
    return desk


def test_commands_that_stay_unknown_do_not_starve_the_next(desk: Desk, port: _CountingPort) -> None:
    held = [fill_report(77, 5, quantity="5", ours=False)]
    ingest(desk.account.pk, held, source=Source.STREAM, actor="test", now=START)
    leave = PlaceOrder("BTCUSDT", Side.SELL, quantity=D("0.01"), reduce_only=True)
    port.submit_error, port.accept_before_error = Ambiguous("timeout"), True
    for _ in range(40):
        desk.run(leave)
    port.silent = set(port.orders)
    for _ in range(60):
        desk.sweep_after(1)
    cache.remember_mark(MarkPriceReport("BTCUSDT", D(60000), desk.clock.now()))
    command = desk.run(leave)
    assert command.outcome_unknown

    for _ in range(15):
        desk.sweep_after(1)

    assert Command.objects.get(pk=command.pk).status == CommandStatus.ACK


def unknown_cancel(desk: Desk, port: _CountingPort) -> Command:
    order = desk.run(REST)
    port.cancel_error = Ambiguous("timeout")
    command = desk.run(CancelOrder(order.pk))
    assert (command.status, command.outcome_unknown) == (CommandStatus.SENT, True)
    return command


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("unknown order", code=-2011), "NOT_CANCELLABLE"),
        (Rejected("no"), "VENUE_REJECTED"),
    ],
)
def test_cancel_that_the_venue_refuses_ends(
    desk: Desk, port: _CountingPort, error: ExchangeError, code: str
) -> None:
    command = unknown_cancel(desk, port)
    port.cancel_error = error
    port.orders.clear()

    desk.sweep_after(6)

    command.refresh_from_db()
    assert (command.status, command.code) == (CommandStatus.FAILED, code)


def test_cancel_that_was_kept_back_is_tried_again(desk: Desk, port: _CountingPort) -> None:
    command = unknown_cancel(desk, port)
    port.cancel_error = Throttled("too many", code=-1003, retry_after_s=5)
    desk.sweep_after(6)
    port.cancel_error = None

    desk.sweep_after(30)

    command.refresh_from_db()
    assert command.status == CommandStatus.ACK


def test_fill_of_an_order_that_the_venue_forgot_does_not_keep_a_lost_one_alive(
    desk: Desk, port: _CountingPort
) -> None:
    port.submit_error = Ambiguous("timeout")
    port.trades = [fill_report(55, 3, ours=False)]
    command = desk.run(BUY)

    for _ in range(45):
        desk.sweep_after(1)

    command.refresh_from_db()
    assert (command.status, command.code) == (CommandStatus.FAILED, "LOST")


def test_lost_order_is_not_sought_behind_fills_that_are_booked(
    desk: Desk, port: _CountingPort
) -> None:
    fills = [
        fill_report(number, number, quantity="0.001", ours=False) for number in range(200, 260)
    ]
    ingest(desk.account.pk, fills, source=Source.STREAM, actor="test", now=START)
    port.submit_error = Ambiguous("timeout")
    port.trades = list(fills)
    command = desk.run(BUY)

    for _ in range(45):
        desk.sweep_after(1)

    command.refresh_from_db()
    assert command.code == "LOST"
    assert port.order_calls == 0


def test_missing_fills_of_a_symbol_are_asked_for_once_a_cycle(
    desk: Desk, port: _CountingPort
) -> None:
    port.status = OrderStatus.FILLED
    for _ in range(5):
        desk.run(BUY)

    desk.sweep_after(2)

    assert port.fill_calls == ["BTCUSDT"]


def test_fills_that_never_come_are_left_to_reconciliation(desk: Desk, port: _CountingPort) -> None:
    port.status = OrderStatus.FILLED
    desk.run(BUY)
    desk.sweep_after(120)
    port.fill_calls.clear()

    desk.sweep_after(1)

    assert port.fill_calls == []
    assert Order.objects.get().filled_quantity == 0


def test_rebuild_under_way_is_not_started_again_each_cycle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    app = "tradeops.engine.resolve.current_app.send_task"
    monkeypatch.setattr(app, lambda name, **_kwargs: sent.append(name))
    desk.run(RebuildProjection(apply=False))
    sent.clear()

    for _ in range(60):
        desk.sweep_after(1)
    assert len(sent) <= 1
    for _ in range(120):
        desk.sweep_after(1)

    assert 1 <= len(sent) <= 4
