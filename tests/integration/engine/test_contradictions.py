"""Where two answers of the venue, or two clocks, contradict each other, the cautious one counts."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from orders.models import Order
from tests.integration.engine.desk import START, Desk, open_desk
from tests.support.fake_port import FakePort
from tradeops.domain.commands import (
    AmendOrder,
    CancelAll,
    CommandStatus,
    DomainCommand,
    PlaceOrder,
    SetEngineMode,
)
from tradeops.domain.enums import EngineState, OrderStatus, OrderType, Side, Source
from tradeops.engine.execute import execute
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import Ambiguous, NotFound, Rejected
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import MarkPriceReport, OrderReport
from tradeops.journal.command_store import claim, mark_sent
from tradeops.journal.models import Command
from tradeops.kit.db import write_transaction
from tradeops.market import cache

pytestmark = pytest.mark.django_db

D = Decimal
REST = PlaceOrder("BTCUSDT", Side.BUY, OrderType.LIMIT, quantity=D("0.01"), price=D(59000))
SKEW = timedelta(milliseconds=300)
UNKNOWN_TO_CANCEL = NotFound("Unknown order sent.", code=-2011)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def set_clock(desk: Desk, now: datetime, *, venue: datetime) -> None:
    desk.clock.at = now
    desk.port.now = venue
    cache.remember_mark(MarkPriceReport("BTCUSDT", D(60000), now))


@pytest.mark.parametrize(
    ("stop", "account_id"),
    [(SetEngineMode("all", EngineState.HALTED, "fire"), 0), (CancelAll("BTCUSDT"), None)],
)
def test_who_cancels_all_is_not_told_done_of_an_order_that_turned_up_on_the_way(
    desk: Desk, stop: DomainCommand, account_id: int | None
) -> None:
    resting = desk.run(REST)
    desk.port.cancel_error = UNKNOWN_TO_CANCEL  # and a moment later the query shows it

    ended = desk.run(stop, account_id=account_id)

    assert ended.status == CommandStatus.FAILED
    assert "1" in ended.detail
    assert Order.objects.get(pk=resting.pk).is_open


@pytest.mark.parametrize("answered", [True, False])
def test_opening_that_arrives_after_a_halt_is_cancelled(desk: Desk, *, answered: bool) -> None:
    port = _HaltedOnTheWay(START, submit_error=None if answered else Ambiguous("timeout"))
    port.desk, desk.port, port.accept_before_error = desk, port, True

    placed = desk.run(REST)
    desk.sweep_after(6)
    desk.execute(Command.objects.get(kind="CancelOrder").pk)

    assert port.halt is not None
    assert port.halt.status == CommandStatus.FAILED
    assert Command.objects.get(pk=placed.pk).status == CommandStatus.ACK
    assert Order.objects.get(pk=placed.pk).status == OrderStatus.CANCELLED


def test_cancel_all_that_is_done_again_leaves_orders_placed_since(desk: Desk) -> None:
    before = desk.run(REST).pk
    died = claim(desk.ask(CancelAll("BTCUSDT")), worker="dying", now=START)
    assert died is not None
    with write_transaction():
        mark_sent(died, now=START, verdicts=[])
    later = START + timedelta(seconds=3)
    set_clock(desk, later, venue=later)
    since = desk.run(REST).pk

    desk.sweep_after(4)

    assert Command.objects.get(pk=died.command.pk).status == CommandStatus.ACK
    assert Order.objects.get(pk=before).status == OrderStatus.CANCELLED
    assert Order.objects.get(pk=since).status == OrderStatus.ACKNOWLEDGED


def test_amendment_counts_although_the_venue_s_clock_is_behind_ours(desk: Desk) -> None:
    set_clock(desk, START, venue=START - SKEW)
    order_id = desk.run(REST).pk
    soon = START + timedelta(milliseconds=100)
    set_clock(desk, soon, venue=soon - SKEW)

    amended = desk.run(AmendOrder(order_id, "BTCUSDT", D("0.02"), D(59500)))

    assert amended.status == CommandStatus.ACK
    order = Order.objects.get(pk=order_id)
    assert (order.quantity, order.price) == (D("0.02"), D(59500))


class _HaltedOnTheWay(FakePort):
    """The desk is halted while an order is on its way to it."""

    desk: Desk
    halt: Command | None = None

    async def submit(self, request: OrderRequest) -> OrderReport:
        self.cancel_error = UNKNOWN_TO_CANCEL
        halt_id = self.desk.ask(SetEngineMode("all", EngineState.HALTED, "fire"), account_id=0)
        await execute(halt_id, port_of=lambda _id: self, clock=self.desk.clock, worker="other")
        self.halt = Command.objects.get(pk=halt_id)
        self.cancel_error = None
        return await super().submit(request)


class _ToldAndRefused(FakePort):
    """Its stream tells of an order which its answer refuses."""

    desk: Desk

    async def submit(self, request: OrderRequest) -> OrderReport:
        report = await super().submit(request)
        now = self.desk.clock.now()
        ingest(self.desk.account.pk, [report], source=Source.STREAM, actor="stream", now=now)
        raise Rejected("refused", code=-4000)


def test_order_that_the_stream_told_of_is_not_called_rejected(desk: Desk) -> None:
    port = _ToldAndRefused(START)
    port.desk, desk.port = desk, port

    placed = desk.run(REST)

    order = Order.objects.get(pk=placed.pk)
    assert order.status == OrderStatus.ACKNOWLEDGED
    assert placed.status == CommandStatus.ACK
    assert placed.result["venue_order_id"] == order.venue_order_id


def test_order_that_the_stream_called_rejected_stays_refused(desk: Desk) -> None:
    port = _ToldAndRefused(START, status=OrderStatus.REJECTED)
    port.desk, desk.port = desk, port

    placed = desk.run(REST)

    assert placed.status == CommandStatus.FAILED
    assert Order.objects.get(pk=placed.pk).status == OrderStatus.REJECTED


@pytest.mark.parametrize("asked_before", [True, False])
def test_clock_that_is_set_back_silences_no_question(desk: Desk, *, asked_before: bool) -> None:
    desk.port.submit_error, desk.port.accept_before_error = Ambiguous("timeout"), True
    desk.port.query_error = Ambiguous("timeout")
    order_id = desk.run(REST).pk
    if asked_before:
        desk.sweep_after(6)
    else:  # its worker died before it could say so
        Command.objects.filter(pk=order_id).update(next_query_at=None, outcome_unknown=False)
    desk.port.query_error = None
    desk.clock.advance(-3600)

    desk.sweep_after(1)

    assert Command.objects.get(pk=order_id).status == CommandStatus.ACK
