"""After an outage: late openings are refused, and of cancels and amendments the newest counts."""

from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from orders.models import Order
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    ClosePosition,
    CommandStatus,
    DomainCommand,
    PlaceOrder,
    ResumeEngine,
    SetEngineMode,
)
from tradeops.domain.enums import EngineState, OrderStatus, OrderType, Side, Source
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import Ambiguous, NotFound
from tradeops.journal.models import Command

pytestmark = pytest.mark.django_db

D = Decimal
BUY = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)
REST = PlaceOrder(
    "BTCUSDT", Side.BUY, order_type=OrderType.LIMIT, quantity=D("0.01"), price=D("59000")
)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def queue(desk: Desk, *commands: DomainCommand) -> list[UUID]:
    """Asked one second after the other, and nobody works."""
    ids = []
    for command in commands:
        ids.append(desk.ask(command))
        desk.clock.advance(1)
    return ids


def amend(order_id: UUID, price: str) -> AmendOrder:
    return AmendOrder(order_id, "BTCUSDT", D("0.01"), D(price))


def test_of_amendments_and_a_cancel_only_the_newest_is_carried_out(desk: Desk) -> None:
    order = desk.run(REST)
    first, second, last = queue(
        desk, amend(order.pk, "58000"), amend(order.pk, "57000"), CancelOrder(order.pk)
    )

    rows = [desk.execute(command_id) for command_id in (first, second, last)]

    assert [(row.status, row.code) for row in rows] == [
        (CommandStatus.FAILED, "SUPERSEDED"),
        (CommandStatus.FAILED, "SUPERSEDED"),
        (CommandStatus.ACK, ""),
    ]
    assert desk.port.amended == []


def test_amendment_of_another_order_is_not_superseded(desk: Desk) -> None:
    one, other = desk.run(REST), desk.run(REST)
    first, _ = queue(desk, amend(one.pk, "58000"), amend(other.pk, "57000"))

    assert desk.execute(first).status == CommandStatus.ACK


@pytest.mark.parametrize(("symbol", "code"), [("", "SUPERSEDED"), ("BTCUSDT", "SUPERSEDED")])
def test_cancel_of_everything_makes_older_cancels_superfluous(
    desk: Desk, symbol: str, code: str
) -> None:
    order = desk.run(REST)
    single, everything = queue(desk, CancelOrder(order.pk), CancelAll(symbol))

    assert desk.execute(single).code == code
    assert desk.execute(everything).status == CommandStatus.ACK
    assert len(desk.port.cancelled) == 1


def test_cancel_of_everything_in_another_symbol_does_not(desk: Desk) -> None:
    order = desk.run(REST)
    single, _ = queue(desk, CancelOrder(order.pk), CancelAll("ETHUSDT"))

    assert desk.execute(single).status == CommandStatus.ACK


def test_second_cancel_finds_it_done_and_asks_nobody(desk: Desk) -> None:
    order = desk.run(REST)
    first, second = queue(desk, CancelOrder(order.pk), CancelOrder(order.pk))
    desk.execute(first)
    calls = desk.port.calls

    assert desk.execute(second).code == "NOT_CANCELLABLE"
    assert desk.port.calls == calls


def test_cancel_of_an_order_that_has_not_shown_up_stays_wanted(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    order = desk.run(REST)
    desk.port.cancel_error = NotFound("Unknown order sent.", code=-2011)
    command = desk.run(CancelOrder(order.pk))
    assert (command.status, command.outcome_unknown) == (CommandStatus.SENT, True)
    desk.sweep_after(6)
    command.refresh_from_db()
    assert command.status == CommandStatus.SENT

    late = desk.port._report(desk.port.submitted[0])
    desk.port.orders[late.client_order_id] = late
    desk.port.cancel_error = None
    for _ in range(10):
        desk.sweep_after(1)

    command.refresh_from_db()
    assert command.status == CommandStatus.ACK
    assert Order.objects.get().status == OrderStatus.CANCELLED


def test_cancel_of_an_order_that_is_lost_ends_with_it(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    order = desk.run(REST)
    desk.port.cancel_error = NotFound("Unknown order sent.", code=-2011)
    command = desk.run(CancelOrder(order.pk))

    for _ in range(60):
        desk.sweep_after(1)

    command.refresh_from_db()
    assert (command.status, command.code) == (CommandStatus.FAILED, "NOT_CANCELLABLE")


def test_cancel_that_a_lagging_read_contradicts_is_not_called_done(desk: Desk) -> None:
    order = desk.run(REST)
    desk.port.cancel_error = NotFound("Unknown order sent.", code=-2011)

    command = desk.run(CancelOrder(order.pk))

    assert (command.status, command.outcome_unknown) == (CommandStatus.SENT, True)
    assert Order.objects.get().status == OrderStatus.ACKNOWLEDGED
    desk.port.cancel_error = None
    desk.sweep_after(6)
    command.refresh_from_db()
    assert command.status == CommandStatus.ACK


def test_dead_workers_cancel_of_everything_is_done_by_the_sweeper(desk: Desk) -> None:
    order = desk.run(REST)
    everything = desk.ask(CancelAll(""))
    Command.objects.filter(pk=everything).update(
        status=CommandStatus.SENT, sent_at=desk.clock.now()
    )

    desk.sweep_after(6)

    assert Command.objects.get(pk=everything).status == CommandStatus.ACK
    assert Order.objects.get(pk=order.pk).status == OrderStatus.CANCELLED


def test_opening_behind_an_unknown_one_is_refused_when_late_and_the_close_goes(desk: Desk) -> None:
    held = [fill_report(77, 5, quantity="0.05", ours=False)]
    ingest(desk.account.pk, held, source=Source.STREAM, actor="test", now=START)
    desk.port.submit_error = Ambiguous("timeout")
    desk.run(BUY)
    desk.port.submit_error = None
    opening, close = queue(desk, BUY, ClosePosition("BTCUSDT", D(1), "x"))

    assert desk.execute(opening).status == CommandStatus.NEW
    assert desk.execute(close).status == CommandStatus.ACK
    desk.clock.advance(9)

    late = desk.execute(opening)
    assert (late.status, late.code) == (CommandStatus.FAILED, "EXPIRED")
    assert len(desk.port.submitted) == 2


def test_dead_workers_halt_is_finished_by_the_sweeper_unless_people_resumed(desk: Desk) -> None:
    for resumed in (False, True):
        order = desk.run(REST)
        halt = desk.run(SetEngineMode("account", EngineState.HALTED, "fire"))
        desk.run(ResumeEngine("account", "over"))
        again = desk.run(REST)
        if not resumed:
            desk.run(SetEngineMode("account", EngineState.HALTED, "fire"))
            Order.objects.filter(pk=again.pk).update(status=OrderStatus.ACKNOWLEDGED)
        halt.pk = uuid4()
        halt.status, halt.sent_at = CommandStatus.SENT, desk.clock.now()
        halt.idempotency_key, halt.completed_at = str(halt.pk), None
        halt.save(force_insert=True)

        desk.sweep_after(6)

        halt.refresh_from_db()
        assert halt.status == CommandStatus.ACK
        assert Order.objects.get(pk=order.pk).status == OrderStatus.CANCELLED
        left = OrderStatus.ACKNOWLEDGED if resumed else OrderStatus.CANCELLED
        assert Order.objects.get(pk=again.pk).status == left
        desk.run(ResumeEngine("account", "over"))
