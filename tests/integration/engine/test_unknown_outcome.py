"""Orders whose fate nobody knows: asked for, told of by the stream, lost only on proof (D4)."""

from decimal import Decimal

import pytest

from orders.models import Order
from tests.integration.engine.desk import Desk, open_desk
from tradeops.domain.commands import CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderStatus, Side, Source
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import Ambiguous

pytestmark = pytest.mark.django_db

D = Decimal
BUY_50_AT_10X = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def test_unknown_outcome_is_asked_for_and_never_sent_again(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    desk.port.accept_before_error = True

    command = desk.run(BUY_50_AT_10X)

    assert (command.status, command.outcome_unknown) == (CommandStatus.SENT, True)
    assert desk.execute(command.pk).status == CommandStatus.SENT
    assert desk.sweep_after(4).resolved == 0
    assert desk.sweep_after(2).resolved == 1
    command.refresh_from_db()
    assert command.status == CommandStatus.ACK
    assert Order.objects.get().status == OrderStatus.ACKNOWLEDGED
    assert len(desk.port.submitted) == 1


def test_unknown_order_that_the_stream_tells_of_needs_no_query(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    desk.port.accept_before_error = True
    command = desk.run(BUY_50_AT_10X)
    assert Order.objects.get().reason.startswith("outcome unknown")
    calls = desk.port.calls

    told = list(desk.port.orders.values())
    ingest(desk.account.pk, told, source=Source.STREAM, actor="test", now=desk.clock.now())
    desk.sweep_after(1)

    command.refresh_from_db()
    assert (command.status, command.outcome_unknown) == (CommandStatus.ACK, False)
    assert Order.objects.get().reason == ""
    assert desk.port.calls == calls


def test_order_that_never_appears_is_lost_after_five_misses_and_30_s(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    command = desk.run(BUY_50_AT_10X)

    statuses = []
    for _ in range(45):
        desk.sweep_after(1)
        command.refresh_from_db()
        statuses.append(command.status)

    assert set(statuses[:29]) == {CommandStatus.SENT}
    assert (command.status, command.code) == (CommandStatus.FAILED, "LOST")
    assert command.queries >= 5
    assert Order.objects.get().status == OrderStatus.REJECTED
    assert len(desk.port.submitted) == 1


def test_failed_queries_are_no_misses(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    command = desk.run(BUY_50_AT_10X)
    desk.port.query_error = Ambiguous("venue down")
    for _ in range(60):
        desk.sweep_after(1)
    desk.port.query_error = None

    desk.sweep_after(41)

    command.refresh_from_db()
    assert command.queries > 5
    assert (command.status, command.misses) == (CommandStatus.SENT, 1)


def test_lost_order_that_appears_after_all_is_adopted(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    command = desk.run(BUY_50_AT_10X)
    for _ in range(45):
        desk.sweep_after(1)

    late = desk.port._report(desk.port.submitted[0])
    ingest(desk.account.pk, [late], source=Source.STREAM, actor="test", now=desk.clock.now())

    assert Order.objects.get(pk=command.pk).status == OrderStatus.ACKNOWLEDGED
