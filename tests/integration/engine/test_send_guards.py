"""What stands between a committed order and a second one (D4): seen from the moment of sending."""

from datetime import timedelta
from decimal import Decimal

import pytest

from orders.models import Order
from tests.integration.engine.desk import Desk, open_desk
from tests.support.fake_port import FakePort
from tradeops.domain.commands import CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderStatus, Side
from tradeops.engine import place
from tradeops.exchange.errors import Ambiguous
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import OrderReport
from tradeops.journal.command_store import CLAIM_TTL
from tradeops.journal.models import Command

pytestmark = pytest.mark.django_db

ORDER = PlaceOrder(symbol="BTCUSDT", side=Side.BUY, quantity=Decimal("0.010"))


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
