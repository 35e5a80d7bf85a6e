"""What changes while an order is on its way through the engine."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import pytest

from accounts.models import ExchangeAccount
from orders.models import Order
from tests.integration.engine.desk import START, Desk, open_desk
from tests.support.fake_port import FakePort
from tradeops.domain.clock import FrozenClock
from tradeops.domain.commands import (
    CommandStatus,
    PauseEngine,
    PlaceOrder,
    ResumeEngine,
    SetLeverage,
)
from tradeops.domain.enums import Side, Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.execute import execute
from tradeops.engine.ingest import ingest
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import LeverageReport
from tradeops.journal.models import Command
from tradeops.kit.portal import drive

pytestmark = pytest.mark.django_db

D = Decimal
BUY_50_AT_10X = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


@dataclass
class _DeactivatingPort(FakePort):
    """The account is switched off while its leverage is being set."""

    async def set_leverage(self, symbol: str, leverage: int) -> LeverageReport:
        ExchangeAccount.objects.update(is_active=False)
        return await super().set_leverage(symbol, leverage)


@dataclass(slots=True)
class _ResumingClock(FrozenClock):
    """The engine is resumed at a certain look at the clock."""

    desk: Desk | None = None
    resume_at: int = 0
    looks: int = 0

    def now(self) -> datetime:
        if self.desk is not None:
            self.looks += 1
            if self.looks == self.resume_at:
                desk, self.desk = self.desk, None
                desk.run(ResumeEngine("account", "back"))
        return self.at


def test_account_that_is_switched_off_on_the_way_sends_nothing(desk: Desk) -> None:
    desk.port = _DeactivatingPort(START)

    command = desk.run(BUY_50_AT_10X)

    assert command.code == "PAUSED"
    assert desk.port.submitted == []


@pytest.mark.parametrize("resume_at", range(1, 8))
def test_order_that_is_admitted_late_does_not_leave_at_another_leverage(
    desk: Desk, resume_at: int
) -> None:
    desk.run(PauseEngine("account", "lunch"))
    command_id = desk.ask(BUY_50_AT_10X)
    clock = _ResumingClock(START, desk=desk, resume_at=resume_at)

    drive(execute(command_id, port_of=lambda _id: desk.port, clock=clock, worker="w"))

    assert len(desk.port.submitted) == len(desk.port.leverage_calls)


def change_leverage_by_hand(desk: Desk) -> None:
    """Somebody sets it in the venue's own application; the stream tells."""
    report = LeverageReport("BTCUSDT", 5, desk.clock.now())
    ingest(desk.account.pk, [report], source=Source.STREAM, actor="test", now=desk.clock.now())


def test_order_does_not_leave_at_the_leverage_of_another(desk: Desk) -> None:
    has_meddled = False

    def port_of(_account_id: int) -> ExchangePort:
        nonlocal has_meddled
        if desk.port.leverage_calls and not has_meddled:
            has_meddled = True  # the leverage stands, the order is not committed yet
            change_leverage_by_hand(desk)
        return desk.port

    command_id = desk.ask(BUY_50_AT_10X)
    drive(execute(command_id, port_of=port_of, clock=desk.clock, worker="w"))

    assert Order.objects.get(pk=command_id).leverage == 10
    assert desk.port.leverage_calls == [("BTCUSDT", 10), ("BTCUSDT", 10)]


def test_order_whose_leverage_is_changed_again_and_again_is_refused(desk: Desk) -> None:
    def port_of(_account_id: int) -> ExchangePort:
        change_leverage_by_hand(desk)
        return desk.port

    command_id = desk.ask(BUY_50_AT_10X)
    drive(execute(command_id, port_of=port_of, clock=desk.clock, worker="w"))

    assert Command.objects.get(pk=command_id).code == "PRECONDITION_FAILED"
    assert desk.port.submitted == []


@pytest.mark.parametrize("order", [BUY_50_AT_10X, PlaceOrder("BTCUSDT", Side.BUY, notional=D(500))])
def test_account_without_a_readable_key_commits_no_order(desk: Desk, order: PlaceOrder) -> None:
    def no_port(_account_id: int) -> ExchangePort:
        raise TradeOpsError(ErrorCode.ACCOUNT_UNAVAILABLE, "no venue key")

    command_id = desk.ask(order)
    drive(execute(command_id, port_of=no_port, clock=desk.clock, worker="w"))

    command = Command.objects.get(pk=command_id)
    assert (command.status, command.code) == (CommandStatus.FAILED, "ACCOUNT_UNAVAILABLE")
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (SetLeverage("BTCUSDT", 26), "LEVERAGE_OUT_OF_RANGE"),
        (SetLeverage("BTCUSDT", 0), "LEVERAGE_OUT_OF_RANGE"),
        (SetLeverage("DOGEBTC", 10), "SYMBOL_NOT_ALLOWED"),
    ],
)
def test_leverage_obeys_the_same_bounds_as_an_order(
    desk: Desk, command: SetLeverage, code: str
) -> None:
    assert desk.run(command).code == code
    assert desk.port.leverage_calls == []
