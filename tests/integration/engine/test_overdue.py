"""Nothing is open for long without a question and without people knowing (I9)."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from django.db import connection, connections

from risk.models import EngineStatus
from tests.integration.engine.desk import START, Desk, open_desk
from tests.support.fake_port import FakePort
from tradeops.domain.commands import CommandStatus, PauseEngine, PlaceOrder
from tradeops.domain.enums import Side
from tradeops.engine import tasks
from tradeops.exchange.errors import Ambiguous, Unauthorized
from tradeops.exchange.reports import OrderReport
from tradeops.journal.models import Command, Event
from tradeops.journal.selectors import overdue_commands, unqueried_commands
from tradeops.kit import append_only

D = Decimal
BUY = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)


@pytest.fixture
def desk(db: None) -> Desk:
    return open_desk()


def alarms() -> list[Event]:
    return list(Event.objects.filter(type="CommandOverdue"))


def test_command_that_stays_unknown_alarms_once_and_stays_asked_for(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    command = desk.run(BUY)
    desk.port.query_error = Ambiguous("venue down")
    for _ in range(120):
        assert not unqueried_commands(desk.clock.now()).exists()
        desk.sweep_after(1)
    assert alarms() == []

    for _ in range(60):
        desk.sweep_after(1)

    (alarm,) = alarms()
    assert (alarm.correlation_id, alarm.payload["kind"]) == (command.pk, "PlaceOrder")
    assert alarm.payload["waited_s"] == 121
    asked = Command.objects.get(pk=command.pk).queries
    desk.sweep_after(11)
    assert Command.objects.get(pk=command.pk).queries == asked + 1


def test_command_that_nobody_takes_alarms_as_well(desk: Desk) -> None:
    desk.ask(PauseEngine("account", "lunch"))

    for _ in range(3):
        desk.sweep_after(121)

    (alarm,) = alarms()
    assert "no worker" in alarm.payload["detail"]
    assert overdue_commands(desk.clock.now()).count() == 1


def test_command_of_a_worker_that_died_while_sending_is_asked_for_within_6_s(desk: Desk) -> None:
    command = desk.run(BUY)
    Command.objects.filter(pk=command.pk).delete()
    command.status, command.sent_at = CommandStatus.SENT, desk.clock.now()
    command.save(force_insert=True)
    for _ in range(8):
        assert not unqueried_commands(desk.clock.now()).exists()
        desk.sweep_after(1)

    assert Command.objects.get(pk=command.pk).status == CommandStatus.ACK


def test_sender_that_gives_up_late_does_not_put_the_first_question_off(desk: Desk) -> None:
    @dataclass
    class _Slow(FakePort):
        async def submit(self, request: object) -> OrderReport:
            desk.clock.advance(4.5)
            raise Ambiguous("timeout")

    desk.port = _Slow(START)
    command = desk.run(BUY)

    assert command.next_query_at is not None
    assert command.sent_at is not None
    assert (command.next_query_at - command.sent_at).total_seconds() == 5


def test_refused_key_in_a_query_holds_the_account(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    desk.run(BUY)
    desk.port.query_error = Unauthorized("Invalid API-key.", code=-2015)
    desk.sweep_after(6)
    scope = f"access:{desk.account.pk}"
    assert EngineStatus.objects.get(scope=scope).state == "PAUSED"


@pytest.fixture
def committed_db(transactional_db: None) -> Iterator[None]:
    yield
    append_only.remove(connection, Event._meta.db_table)
    Event.objects.all().delete()
    append_only.install(connection, Event._meta.db_table)


@dataclass
class _Hanging(FakePort):
    asked: threading.Event = field(default_factory=threading.Event)
    answers: threading.Event = field(default_factory=threading.Event)

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        self.asked.set()
        assert self.answers.wait(30)
        return await super().order(symbol, client_order_id, conditional=conditional)


@pytest.mark.usefixtures("committed_db")
def test_account_that_hangs_keeps_one_thread_and_no_other_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hung, well = open_desk(), open_desk()
    hung.port = _Hanging(START)
    ports = {hung.account.pk: hung.port, well.account.pk: well.port}
    for desk in (hung, well):
        desk.port.submit_error, desk.port.accept_before_error = Ambiguous("timeout"), True
        desk.run(BUY)
    Command.objects.update(next_query_at=START)
    monkeypatch.setattr(tasks, "blocking_port", lambda account_id: ports[account_id])
    sent: list[int] = []
    monkeypatch.setattr(
        "tradeops.engine.tasks.current_app.send_task",
        lambda _name, *, kwargs, **_options: sent.append(kwargs["account_id"]),
    )

    tasks.sweep_once()
    assert sorted(sent) == sorted(ports)
    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(_in_thread, hung.account.pk)
        assert hung.port.asked.wait(30)
        tasks.sweep_one_account(account_id=well.account.pk)
        tasks.sweep_one_account(account_id=hung.account.pk)
        states = dict(Command.objects.values_list("account_id", "status"))
        hung.port.answers.set()
        hanging.result(30)

    assert states == {hung.account.pk: CommandStatus.SENT, well.account.pk: CommandStatus.ACK}
    assert Command.objects.get(account_id=hung.account.pk).status == CommandStatus.ACK


def _in_thread(account_id: int) -> None:
    try:
        tasks.sweep_one_account(account_id=account_id)
    finally:
        connections.close_all()
