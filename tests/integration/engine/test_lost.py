"""Orders that were called LOST: looked for during a day, cancelled where nobody waits for them."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from orders.models import Fill, Order
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderStatus, OrderType, Side, Source
from tradeops.engine.ingest import ingest
from tradeops.engine.lost import LONGEST_PAUSE, SHORTEST_PAUSE, WATCH_FOR, next_look
from tradeops.exchange.errors import Ambiguous
from tradeops.journal.models import Command, Event

pytestmark = pytest.mark.django_db

D = Decimal
REST = PlaceOrder(
    "BTCUSDT", Side.BUY, order_type=OrderType.LIMIT, quantity=D("0.01"), price=D("59000")
)
LEAVE = PlaceOrder("BTCUSDT", Side.SELL, quantity=D(1), reduce_only=True)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def lose(desk: Desk, command: PlaceOrder = REST) -> Command:
    desk.port.submit_error = Ambiguous("timeout")
    row = desk.run(command)
    for _ in range(45):
        desk.sweep_after(1)
    row.refresh_from_db()
    assert row.code == "LOST"
    return row


def turn_up(desk: Desk, status: OrderStatus = OrderStatus.ACKNOWLEDGED) -> None:
    """The venue shows the order from now on."""
    report = replace(desk.port._report(desk.port.submitted[0]), status=status)
    desk.port.orders[report.client_order_id] = report


def cancels() -> list[Command]:
    return list(Command.objects.filter(kind="CancelOrder").order_by("created_at"))


def test_lost_order_is_found_by_asking_and_alarms(desk: Desk) -> None:
    command = lose(desk)
    turn_up(desk, OrderStatus.CANCELLED)

    desk.sweep_after(20)
    desk.sweep_after(1)

    command.refresh_from_db()
    assert (command.status, command.next_query_at) == (CommandStatus.FAILED, None)
    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert Event.objects.filter(type="OrderAdopted").count() == 1
    assert cancels() == []


def test_lost_opening_that_rests_is_cancelled_and_its_fills_count(desk: Desk) -> None:
    command = lose(desk)
    turn_up(desk)
    order = Order.objects.get()

    desk.sweep_after(20)
    desk.sweep_after(1)
    fill = replace(fill_report(1, 7, quantity="0.004"), client_order_id=order.client_order_id)
    ingest(desk.account.pk, [fill], source=Source.STREAM, actor="test", now=desk.clock.now())
    (cancel,) = cancels()
    assert (cancel.principal, cancel.payload["order_id"]) == ("sweeper", str(command.pk))
    assert "LOST" in cancel.payload["reason"]
    desk.execute(cancel.pk)
    for _ in range(10):
        desk.sweep_after(1)

    assert desk.port.cancelled == [order.client_order_id]
    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, D("0.004"))
    assert Fill.objects.get().order_id == order.pk
    assert len(cancels()) == 1
    command.refresh_from_db()
    assert command.next_query_at is None


def test_cancel_that_failed_is_asked_for_again(desk: Desk) -> None:
    lose(desk)
    turn_up(desk)
    for _ in range(20):
        desk.sweep_after(1)
    (first,) = cancels()
    Command.objects.filter(pk=first.pk).update(
        status=CommandStatus.FAILED, completed_at=desk.clock.now()
    )

    for _ in range(6):
        desk.sweep_after(1)

    assert len(cancels()) == 2


def test_order_that_the_stream_tells_of_is_cancelled_as_well(desk: Desk) -> None:
    lose(desk)
    turn_up(desk)
    news = list(desk.port.orders.values())
    ingest(desk.account.pk, news, source=Source.STREAM, actor="test", now=desk.clock.now())

    desk.sweep_after(1)

    assert len(cancels()) == 1


def test_lost_exit_that_rests_is_left_alone(desk: Desk) -> None:
    held = [fill_report(77, 5, quantity="2", ours=False)]
    ingest(desk.account.pk, held, source=Source.STREAM, actor="test", now=START)
    command = lose(desk, LEAVE)
    turn_up(desk)

    for _ in range(40):
        desk.sweep_after(1)

    command.refresh_from_db()
    assert (Order.objects.get(pk=command.pk).status, cancels()) == (OrderStatus.ACKNOWLEDGED, [])
    assert command.next_query_at is None


def test_watch_asks_rarely_and_ends_after_a_day(desk: Desk) -> None:
    command = lose(desk)
    calls = desk.port.calls
    for _ in range(26 * 4):
        desk.sweep_after(15 * 60)

    command.refresh_from_db()
    assert command.next_query_at is None
    assert 48 <= desk.port.calls - calls <= 110
    assert not Event.objects.filter(type="OrderAdopted").exists()


def test_pauses_grow_and_stay_within_bounds() -> None:
    moments = [START]
    while (upcoming := next_look(START, moments[-1])) is not None:
        moments.append(upcoming)

    pauses = [after - before for before, after in pairwise(moments)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (SHORTEST_PAUSE, LONGEST_PAUSE)
    assert WATCH_FOR <= moments[-1] - START <= WATCH_FOR + timedelta(minutes=30)
