"""What was called lost or refused and is at the venue all the same: booked, and told (I12)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.models import ExchangeAccount
from orders.models import Fill, Order
from positions.models import Position
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import algo_report, at, fill_report, order_report
from tradeops.domain.commands import CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderStatus, OrderType, Side, Source
from tradeops.engine.ingest import ingest
from tradeops.engine.rebuild import rebuild
from tradeops.exchange.errors import Ambiguous, Rejected
from tradeops.exchange.reports import OrderReport, Report
from tradeops.journal.models import Command, Event

pytestmark = pytest.mark.django_db

D = Decimal
BUY = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def take(desk: Desk, *reports: Report, source: Source = Source.STREAM) -> None:
    ingest(desk.account.pk, reports, source=source, actor="test", now=desk.clock.now())


def lost(desk: Desk) -> Command:
    desk.port.submit_error = Ambiguous("timeout")
    command = desk.run(BUY)
    for _ in range(45):
        desk.sweep_after(1)
    command.refresh_from_db()
    assert command.code == "LOST"
    return command


def as_sent(desk: Desk, **changes: object) -> OrderReport:
    report = desk.port._report(desk.port.submitted[0])
    return replace(report, updated_at=desk.clock.now(), **changes)  # type: ignore[arg-type]


def alarms() -> list[Event]:
    return list(Event.objects.filter(type="OrderAdopted"))


@pytest.mark.parametrize("source", [Source.STREAM, Source.REST])
@pytest.mark.parametrize(
    "status", [OrderStatus.ACKNOWLEDGED, OrderStatus.CANCELLED, OrderStatus.FILLED]
)
def test_lost_order_that_appears_alarms_once_and_climbs(
    desk: Desk, source: Source, status: OrderStatus
) -> None:
    command = lost(desk)
    news = as_sent(desk, status=status)

    for _ in range(3):
        take(desk, news, source=source)

    command.refresh_from_db()
    assert (command.status, command.code) == (CommandStatus.FAILED, "LOST")
    assert command.result["venue_order_id"] == news.venue_order_id
    order = Order.objects.get()
    assert (order.status, order.venue_order_id) == (status, news.venue_order_id)
    (alarm,) = alarms()
    assert alarm.payload["previous_status"] == "REJECTED"
    assert alarm.correlation_id == command.pk
    assert "no such order" in alarm.payload["detail"]
    assert rebuild(apply=False).differences == ()


def test_fill_of_a_lost_order_alarms_and_is_booked(desk: Desk) -> None:
    command = lost(desk)
    order = Order.objects.get()
    fill = replace(fill_report(1, 7, quantity="0.001"), client_order_id=order.client_order_id)

    take(desk, fill)
    take(desk, as_sent(desk, status=OrderStatus.CANCELLED, venue_order_id="1001"))

    order.refresh_from_db()
    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELLED, D("0.001"))
    assert Fill.objects.get().order_id == command.pk
    assert Position.objects.get().quantity == D("0.001")
    assert len(alarms()) == 1


def test_refused_order_that_appears_alarms_as_well(desk: Desk) -> None:
    desk.port.submit_error = Rejected("Margin is insufficient.", code=-2019)
    command = desk.run(BUY)

    take(desk, as_sent(desk))

    command.refresh_from_db()
    assert (command.status, command.exchange_code) == (CommandStatus.FAILED, -2019)
    assert Order.objects.get().status == OrderStatus.ACKNOWLEDGED
    assert len(alarms()) == 1


def test_old_news_of_a_stop_that_the_venue_rejected_is_no_adoption(desk: Desk) -> None:
    resting = algo_report(1, moment=1)
    take(desk, replace(resting, status=OrderStatus.REJECTED, updated_at=at(5), reason="margin"))

    take(desk, resting)

    assert Order.objects.get().status == OrderStatus.REJECTED
    assert alarms() == []


@pytest.mark.parametrize("first", ["stop", "order"])
def test_stop_of_somebody_else_and_the_order_it_became_are_one_row(first: str) -> None:
    account = ExchangeAccount.objects.create(name="main")
    stop = algo_report(1, quantity="0", ours=False)
    became = replace(
        order_report(1, side=Side.SELL, quantity="3", ours=False),
        order_type=OrderType.MARKET,
        price=None,
    )
    story = [stop, became] if first == "stop" else [became, stop]
    for report in story:
        ingest(account.pk, [report], source=Source.STREAM, actor="test", now=START)

    order = Order.objects.get()

    assert (order.algo_id, order.venue_order_id, order.quantity) == ("9001", "1001", 3)
    assert (order.order_type, order.trigger_price) == (OrderType.STOP_MARKET, D(59000))
    assert order.close_position


@pytest.mark.parametrize("reason", ["liquidation", "auto-deleveraging", "settlement"])
def test_order_of_the_venue_itself_says_why(reason: str) -> None:
    account = ExchangeAccount.objects.create(name="main")
    report = replace(order_report(1, ours=False), client_order_id="autoclose-1", reason=reason)

    ingest(account.pk, [report], source=Source.STREAM, actor="test", now=START)

    order = Order.objects.get()
    assert (order.is_external, order.reason) == (True, reason)


def test_quantity_that_the_venue_trims_counts_even_with_the_last_word() -> None:
    account = ExchangeAccount.objects.create(name="main")
    ended = order_report(1, quantity="3", filled="0", status=OrderStatus.CANCELLED, moment=20)
    for report in (order_report(1, quantity="5"), ended, order_report(1, quantity="5")):
        ingest(account.pk, [report], source=Source.STREAM, actor="test", now=START)

    order = Order.objects.get()

    assert (order.status, order.quantity) == (OrderStatus.CANCELLED, 3)
