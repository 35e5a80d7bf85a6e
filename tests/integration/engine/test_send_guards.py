"""What stands between a committed order and a second one (D4), and between it and LOST (F3)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from orders.models import Order
from tests.integration.engine.desk import Desk, open_desk
from tests.integration.engine.reports import fill_report
from tests.support.fake_port import FakePort
from tradeops.domain.commands import AmendOrder, CancelOrder, CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderStatus, OrderType, Side
from tradeops.engine import place
from tradeops.engine.resolve import reserve
from tradeops.exchange.errors import Ambiguous, NotFound
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import OrderReport
from tradeops.journal.command_store import CLAIM_TTL, claim, mark_sent, mark_unknown
from tradeops.journal.models import Command
from tradeops.kit.db import write_transaction

pytestmark = pytest.mark.django_db

D = Decimal
ORDER = PlaceOrder(symbol="BTCUSDT", side=Side.BUY, quantity=D("0.010"))
RESTING = replace(ORDER, order_type=OrderType.LIMIT, price=D(59000))


class _LookingPort(FakePort):
    """Notes what the database says at the moment in which an order leaves."""

    seen: tuple[str, str] | None = None

    async def submit(self, request: OrderRequest) -> OrderReport:
        command = Command.objects.get()
        order = Order.objects.filter(client_order_id=request.client_order_id).first()
        self.seen = (command.status, order.status if order else "")
        return await super().submit(request)


def test_sent_and_the_order_are_committed_before_a_byte_leaves() -> None:
    desk = open_desk()
    desk.port = port = _LookingPort(desk.clock.now())

    desk.run(ORDER)

    assert port.seen == (CommandStatus.SENT, OrderStatus.SUBMITTED)


def test_sender_that_slept_after_its_commit_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = open_desk()
    commit = place.commit_to_send

    def then_sleep(*args: object, **kwargs: object) -> object:
        request = commit(*args, **kwargs)  # type: ignore[arg-type]
        desk.clock.advance(2.1)
        return request

    monkeypatch.setattr(place, "commit_to_send", then_sleep)

    command = desk.run(ORDER)

    assert desk.port.submitted == []
    assert (command.status, command.code) == (CommandStatus.FAILED, "EXPIRED")
    assert Order.objects.get().status == OrderStatus.REJECTED


def test_what_was_sent_is_not_claimed_again() -> None:
    desk: Desk = open_desk()
    desk.port.submit_error = Ambiguous("timeout")
    command_id = desk.ask(ORDER)
    desk.execute(command_id)
    desk.port.submit_error = None

    desk.clock.advance((CLAIM_TTL + timedelta(seconds=1)).total_seconds())
    command = desk.execute(command_id, worker="next")

    assert len(desk.port.submitted) == 1
    assert (command.status, command.claim_token) == (CommandStatus.SENT, 1)


class _ForgetfulPort(FakePort):
    """Says of every order that there is none, when it is asked by our id."""

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        raise NotFound("Order does not exist.", code=-2013)


def unanswered(status: OrderStatus) -> tuple[Desk, Command]:
    """An order that the venue took, whose answer was lost and whose id it does not find."""
    desk = open_desk()
    desk.port = _ForgetfulPort(desk.clock.now(), status=status)
    desk.port.submit_error = Ambiguous("timeout")
    desk.port.accept_before_error = True
    return desk, desk.run(RESTING)


def test_five_misses_within_30_s_lose_no_order() -> None:
    desk = open_desk()
    desk.port.submit_error = Ambiguous("timeout")
    command = desk.run(ORDER)
    Command.objects.update(misses=10)

    desk.sweep_after(29)
    command.refresh_from_db()
    assert (command.status, command.misses) == (CommandStatus.SENT, 11)

    desk.sweep_after(15)
    command.refresh_from_db()
    assert command.code == "LOST"


def test_order_that_rests_is_not_lost() -> None:
    desk, command = unanswered(OrderStatus.ACKNOWLEDGED)

    for _ in range(45):
        desk.sweep_after(1)

    command.refresh_from_db()
    assert (command.status, command.misses) == (CommandStatus.ACK, 6)


def test_order_whose_trades_are_there_is_not_lost() -> None:
    desk, command = unanswered(OrderStatus.FILLED)
    (report,) = desk.port.orders.values()
    fill = replace(fill_report(1, 7), client_order_id="", venue_order_id=report.venue_order_id)
    desk.port.trades = [fill]

    for _ in range(45):
        desk.sweep_after(1)

    command.refresh_from_db()
    assert (command.status, command.misses) == (CommandStatus.ACK, 6)


def test_two_sweepers_ask_once() -> None:
    desk = open_desk()
    desk.port.submit_error = Ambiguous("timeout")
    desk.run(ORDER)
    desk.clock.advance(6)
    first, second = Command.objects.get(), Command.objects.get()

    assert reserve(first, desk.clock.now())
    assert not reserve(second, desk.clock.now())
    assert Command.objects.get().queries == 1


def test_unknown_outcome_of_a_sleeper_flags_nothing() -> None:
    desk = open_desk()
    command_id = desk.ask(ORDER)
    sleeper = claim(command_id, worker="sleeper", now=desk.clock.now())
    assert sleeper is not None
    desk.clock.advance(CLAIM_TTL.total_seconds())
    now = desk.clock.now()
    successor = claim(command_id, worker="next", now=now)
    assert successor is not None
    with write_transaction():
        mark_sent(successor, now=now, verdicts=[])
        assert not mark_unknown(sleeper.command, now=now, next_query_at=now)

    assert not Command.objects.get().outcome_unknown


def test_cancel_of_an_order_that_filled_tells_that_it_filled() -> None:
    desk = open_desk()
    order_id = desk.run(RESTING).pk
    ((name, report),) = desk.port.orders.items()
    desk.port.orders[name] = replace(
        report, status=OrderStatus.FILLED, filled_quantity=report.quantity
    )
    desk.port.cancel_error = NotFound("Unknown order sent.", code=-2011)

    cancel = desk.run(CancelOrder(order_id))

    assert cancel.code != "OUTCOME_UNKNOWN"
    assert Order.objects.get().status == OrderStatus.FILLED


def test_older_amendment_gives_way() -> None:
    desk = open_desk()
    order_id = desk.run(RESTING).pk
    older = desk.ask(AmendOrder(order_id, "BTCUSDT", D("0.010"), D(58000)))
    desk.clock.advance(0.1)
    desk.ask(AmendOrder(order_id, "BTCUSDT", D("0.010"), D(57000)))

    command = desk.execute(older)

    assert (command.status, command.code) == (CommandStatus.FAILED, "SUPERSEDED")
    assert desk.port.amended == []
