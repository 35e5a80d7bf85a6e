"""What the venue keeps refusing is not sent for ever (F10); a refused key holds the account."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

import pytest

from risk.models import EngineStatus
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tests.support.fake_port import FakePort
from tradeops.domain.commands import CommandStatus, PlaceOrder, RebuildProjection, ResumeEngine
from tradeops.domain.enums import Side, Source
from tradeops.engine.circuit import note_access_ok, note_access_refused
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import ClockSkew, ExchangeError, Rejected, Throttled, Unauthorized
from tradeops.exchange.reports import MarkPriceReport, PositionReport
from tradeops.journal.command_store import claim, mark_sent
from tradeops.journal.models import Command, Event
from tradeops.kit.db import write_transaction
from tradeops.kit.portal import drive
from tradeops.market import cache
from tradeops.reconcile.services.account_reconcile import SCHEDULE, account_reconcile
from tradeops.reconcile.services.findings import ReconcileResult
from tradeops.reconcile.services.reconcile_now import blocking_pause

pytestmark = pytest.mark.django_db

D = Decimal
BUY = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)
LEAVE = PlaceOrder("BTCUSDT", Side.SELL, quantity=D("0.01"), reduce_only=True)
NO_MARGIN = Rejected("Margin is insufficient.", code=-2019)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def ask(desk: Desk, answer: ExchangeError | None, command: PlaceOrder = BUY) -> Command:
    """Order a second later; `answer` None accepts."""
    desk.clock.advance(1)
    desk.port.now = desk.clock.now()
    cache.remember_mark(MarkPriceReport("BTCUSDT", D(60000), desk.clock.now()))
    desk.port.submit_error = answer
    return desk.run(command)


def state(desk: Desk, kind: str = "circuit") -> str:
    scope = f"{kind}:{desk.account.pk}" + (":BTCUSDT" if kind == "circuit" else "")
    row = EngineStatus.objects.filter(scope=scope).first()
    return row.state if row is not None else "RUNNING"


def test_definite_refusal_ends_the_command_with_the_venues_code(desk: Desk) -> None:
    command = ask(desk, NO_MARGIN)

    assert (command.status, command.code, command.exchange_code) == (
        CommandStatus.FAILED,
        "INSUFFICIENT_BALANCE",
        -2019,
    )
    assert state(desk) == "RUNNING"


def test_third_refusal_alike_opens_the_circuit_for_openings_alone(desk: Desk) -> None:
    fills = [fill_report(77, 5, quantity="0.05", ours=False)]
    ingest(desk.account.pk, fills, source=Source.STREAM, actor="test", now=START)
    for _ in range(3):
        ask(desk, NO_MARGIN)
    assert state(desk) == "PAUSED"
    sent = len(desk.port.submitted)

    refused = ask(desk, None)
    left = ask(desk, None, LEAVE)

    assert refused.code == "CIRCUIT_OPEN"
    assert left.status == CommandStatus.ACK
    assert len(desk.port.submitted) == sent + 1
    assert Event.objects.filter(type="QuarantineStarted").count() == 1


@pytest.mark.parametrize(
    "answers",
    [
        [NO_MARGIN, None, NO_MARGIN, NO_MARGIN],
        [NO_MARGIN, NO_MARGIN, Rejected("other", code=-4164)],
        [Throttled("slow down", code=-1003)] * 4,
        [ClockSkew("late", code=-1021)] * 4,
        [NO_MARGIN] * 2,
    ],
)
def test_refusals_that_differ_or_pass_open_nothing(
    desk: Desk, answers: list[ExchangeError | None]
) -> None:
    for answer in answers:
        ask(desk, answer)

    assert state(desk) == "RUNNING"


def test_our_own_refusals_between_do_not_count(desk: Desk) -> None:
    ask(desk, NO_MARGIN)
    ask(desk, NO_MARGIN)
    ask(desk, None, PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=99))
    ask(desk, NO_MARGIN)

    assert state(desk) == "PAUSED"


def test_circuit_cools_down_and_doubles(desk: Desk) -> None:
    for _ in range(3):
        ask(desk, NO_MARGIN)
    desk.sweep_after(58)
    assert state(desk) == "PAUSED"
    desk.sweep_after(3)
    assert state(desk) == "RUNNING"

    ask(desk, NO_MARGIN)
    desk.sweep_after(61)
    assert state(desk) == "PAUSED"
    desk.sweep_after(60)

    assert state(desk) == "RUNNING"
    assert ask(desk, None).status == CommandStatus.ACK
    ask(desk, NO_MARGIN)
    assert state(desk) == "RUNNING"


def test_operator_closes_the_circuit(desk: Desk) -> None:
    for _ in range(3):
        ask(desk, NO_MARGIN)

    assert desk.run(ResumeEngine("circuit", "funds are in", "BTCUSDT")).status == CommandStatus.ACK

    assert state(desk) == "RUNNING"
    assert ask(desk, None).status == CommandStatus.ACK


@pytest.mark.parametrize("code", [-1022, -2014, -2015])
def test_refused_key_holds_the_account_at_once_until_a_call_succeeds(desk: Desk, code: int) -> None:
    ask(desk, Unauthorized("Invalid API-key.", code=code))
    assert state(desk, "access") == "PAUSED"
    assert ask(desk, None).code == "ACCESS_REFUSED"

    assert note_access_ok(desk.account.pk, now=desk.clock.now())

    assert not note_access_ok(desk.account.pk, now=desk.clock.now())
    assert ask(desk, None).status == CommandStatus.ACK


def test_key_that_is_refused_outside_a_command_holds_the_account_once(desk: Desk) -> None:
    assert note_access_refused(desk.account.pk, "Invalid API-key.", now=desk.clock.now())
    assert not note_access_refused(desk.account.pk, "Invalid API-key.", now=desk.clock.now())

    assert state(desk, "access") == "PAUSED"


def test_what_needs_no_call_does_not_prove_that_the_key_is_good(desk: Desk) -> None:
    note_access_refused(desk.account.pk, "Invalid API-key.", now=desk.clock.now())
    died = claim(desk.ask(RebuildProjection(apply=False)), worker="dying", now=desk.clock.now())
    assert died is not None
    with write_transaction():
        mark_sent(died, now=desk.clock.now(), verdicts=[])

    calls = desk.port.calls
    desk.sweep_after(6)

    assert Command.objects.get(pk=died.command.pk).queries == 1
    assert desk.port.calls == calls
    assert state(desk, "access") == "PAUSED"


@dataclass
class _RefusingPort(FakePort):
    refuses: bool = True

    async def positions(self) -> Sequence[PositionReport]:
        if self.refuses:
            message = "Invalid API-key, IP, or permissions for action."
            raise Unauthorized(message, code=-2015)
        return []


def compare(desk: Desk) -> ReconcileResult:
    return drive(
        account_reconcile(
            desk.port,
            desk.account.pk,
            scope="positions",
            trigger=SCHEDULE,
            clock=desk.clock,
            ids=uuid4,
            pause=blocking_pause,
        )
    )


def test_comparison_places_and_lifts_the_hold_of_a_refused_key(desk: Desk) -> None:
    desk.port = port = _RefusingPort(START)
    assert "-2015" in compare(desk).error
    assert state(desk, "access") == "PAUSED"

    port.refuses = False
    assert compare(desk).error == ""
    events = Event.objects.count()

    assert state(desk, "access") == "RUNNING"
    assert compare(desk).error == ""
    assert Event.objects.exclude(type="ReconciliationPerformed").count() <= events
