"""Nothing opens after a halt that says it is done (I7)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db import connection, connections

from orders.models import Order
from risk.models import EngineStatus
from tests.integration.engine.desk import Desk, open_desk
from tradeops.domain.commands import CommandStatus, PlaceOrder, SetEngineMode
from tradeops.domain.enums import EngineState, OrderType, Side
from tradeops.journal import command_store
from tradeops.journal.models import Command, Event
from tradeops.kit import append_only

D = Decimal
HALT = SetEngineMode("all", EngineState.HALTED, "fire")
REST = PlaceOrder(
    "BTCUSDT", Side.BUY, order_type=OrderType.LIMIT, quantity=D("0.01"), price=D("59000")
)


@pytest.fixture
def committed_db(transactional_db: None) -> Iterator[None]:
    """Committed rows; the journal is emptied here, since its trigger refuses Django's DELETE."""
    yield
    if connection.vendor == "sqlite":
        append_only.remove(connection, Event._meta.db_table)
        Event.objects.all().delete()
        append_only.install(connection, Event._meta.db_table)


@pytest.mark.usefixtures("committed_db")
def test_halt_of_the_desk_sees_orders_that_were_just_being_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = open_desk()
    judged, halting = threading.Event(), threading.Event()
    original = command_store.mark_sent

    def slowly(*args: object, **kwargs: object) -> None:
        judged.set()
        halting.wait(1.0)  # on SQLite the halt waits for this transaction by itself
        original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr("tradeops.engine.place.mark_sent", slowly)
    order_id, halt_id = desk.ask(REST), desk.ask(HALT, account_id=0)
    with ThreadPoolExecutor(2) as threads:
        ordering = threads.submit(_in_thread, desk, order_id, None)
        judged.wait(10)
        stopping = threads.submit(_in_thread, desk, halt_id, halting)
        order, halt = ordering.result(30), stopping.result(30)

    assert EngineStatus.objects.get().state == EngineState.HALTED
    assert order.status == CommandStatus.ACK
    # Either it was cancelled, or the halt says that something may rest.
    known = Order.objects.get(pk=order_id).client_order_id in desk.port.cancelled
    assert known or halt.status == CommandStatus.FAILED


def _in_thread(desk: Desk, command_id: object, after: threading.Event | None) -> Command:
    try:
        return desk.execute(command_id)  # type: ignore[arg-type]
    finally:
        if after is not None:
            after.set()
        connections.close_all()
