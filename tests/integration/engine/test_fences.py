"""A worker whose claim went to another one changes nothing any more (I11)."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db.models import F

from risk.models import EngineStatus
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tests.support.fake_port import FakePort
from tradeops.domain.clock import FrozenClock
from tradeops.domain.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    ChangeIsolatedMargin,
    ClosePosition,
    CommandStatus,
    DomainCommand,
    PauseEngine,
    PlaceOrder,
    ResumeEngine,
    SetEngineMode,
    SetLeverage,
    SetMarginMode,
    UpdateConfig,
)
from tradeops.domain.enums import (
    EngineState,
    MarginMode,
    OrderType,
    PositionSide,
    Side,
    Source,
)
from tradeops.domain.errors import ErrorCode
from tradeops.engine.control import pause_or_resume, update_config
from tradeops.engine.execute import HANDLERS, MAX_ATTEMPTS
from tradeops.engine.ingest import ingest
from tradeops.engine.place import close_position
from tradeops.engine.work import Work, fail
from tradeops.exchange.errors import Ambiguous
from tradeops.journal.command_store import LostClaim, claim, mark_sent
from tradeops.journal.models import Command, Event
from tradeops.kit.portal import drive
from tradeops.market import cache

pytestmark = pytest.mark.django_db

D = Decimal
CLOSE = ClosePosition("BTCUSDT", D(1), "x")


@pytest.fixture
def desk() -> Desk:
    desk = open_desk()
    fills = [fill_report(77, 5, quantity="0.5", ours=False)]
    ingest(desk.account.pk, fills, source=Source.STREAM, actor="test", now=START)
    return desk


def overtaken(desk: Desk, command: object) -> Work:
    """The work of a worker that slept while another one carried the command out."""
    command_id = desk.ask(command)  # type: ignore[arg-type]
    held = claim(command_id, worker="sleeper", now=desk.clock.now())
    assert held is not None
    desk.clock.advance(16)
    desk.port.now = desk.clock.now()
    desk.execute(command_id, worker="successor")
    return Work(held, desk.clock, lambda _id: desk.port)


def test_refusal_of_a_sleeper_does_not_fail_an_order_that_left(desk: Desk) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    work = overtaken(desk, CLOSE)

    fail(work, ErrorCode.EXPIRED, "too late")

    command = Command.objects.get(pk=work.command.pk)
    assert (command.status, command.outcome_unknown) == (CommandStatus.SENT, True)


def test_gate_of_a_sleeper_writes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.port.submit_error = Ambiguous("timeout")
    work = overtaken(desk, CLOSE)
    before = desk.event_names()
    monkeypatch.setattr(cache, "instrument", lambda *_args: None)

    with pytest.raises(LostClaim):
        drive(close_position(work))

    assert desk.event_names() == before
    assert Command.objects.get(pk=work.command.pk).status == CommandStatus.SENT


def test_pause_of_a_sleeper_does_not_undo_a_resume(desk: Desk) -> None:
    work = overtaken(desk, PauseEngine("account", "lunch"))
    desk.run(ResumeEngine("account", "back"))

    with pytest.raises(LostClaim):
        drive(pause_or_resume(work))

    assert EngineStatus.objects.get().state == "RUNNING"


def test_configuration_of_a_sleeper_does_not_undo_a_later_one(desk: Desk) -> None:
    first = desk.run(
        UpdateConfig("risk_limit", "", {"metric": "max_order_notional", "value": "100"})
    )
    limit_id = first.result["limit_id"]
    work = overtaken(desk, UpdateConfig("risk_limit", limit_id, {"value": "200"}))
    last = desk.run(UpdateConfig("risk_limit", limit_id, {"value": "300"}))

    with pytest.raises(LostClaim):
        drive(update_config(work))

    assert last.result["version"] == "3"
    assert desk.event_names().count("ConfigChanged") == 0  # a desk-wide limit: another chain
    assert desk.run(
        UpdateConfig("risk_limit", limit_id, {"value": "400", "expected_version": 3})
    ).status == (CommandStatus.ACK)


def test_worker_on_its_last_attempt_is_fenced_out_before_the_command_is_given_up(
    desk: Desk,
) -> None:
    command_id = desk.ask(CLOSE)
    Command.objects.filter(pk=command_id).update(attempts=MAX_ATTEMPTS - 1)
    held = claim(command_id, worker="slow", now=desk.clock.now())
    assert held is not None

    assert desk.sweep_after(16).abandoned == 1

    with pytest.raises(LostClaim):
        mark_sent(held, now=desk.clock.now(), verdicts=[])
    assert Command.objects.get(pk=command_id).claim_token > held.token


def test_command_under_way_is_not_given_up(desk: Desk) -> None:
    command_id = desk.ask(CLOSE)
    desk.clock.advance(4)
    Command.objects.filter(pk=command_id).update(attempts=MAX_ATTEMPTS)
    assert claim(command_id, worker="slow", now=desk.clock.now()) is not None

    assert desk.sweep_after(5).abandoned == 0


@dataclass
class _Thief:
    """Takes the claim away at the n-th look at the clock, if it still can.

    Only a NEW command can be claimed by another; what is SENT belongs to its sender for good.
    """

    command_id: UUID
    at_step: int
    desk: Desk
    step: int = 0
    calls: int = 0
    events: int = 0
    struck: bool = False

    def pass_by(self) -> None:
        self.step += 1
        if self.step != self.at_step:
            return
        won = Command.objects.filter(pk=self.command_id, status=CommandStatus.NEW).update(
            claim_token=F("claim_token") + 1, claimed_by="successor"
        )
        self.struck = bool(won)
        self.events = _doings()
        self.calls = _changing_calls(self.desk)


@dataclass(slots=True)
class _WatchedClock(FrozenClock):
    thief: _Thief | None = None

    def now(self) -> datetime:
        if self.thief is not None:
            self.thief.pass_by()
        return self.at


@dataclass
class _WatchedPort(FakePort):
    """Counts what changes something at the venue."""

    changes: int = 0

    async def set_margin_mode(self, symbol: str, mode: MarginMode) -> None:
        self.changes += 1

    async def change_isolated_margin(
        self, symbol: str, amount: Decimal, position_side: PositionSide = PositionSide.BOTH
    ) -> None:
        self.changes += 1


def _doings() -> int:
    """Events that say what was done; what the venue reports is a fact whoever hears it."""
    return Event.objects.exclude(type="PositionChanged").count()


def _changing_calls(desk: Desk) -> int:
    port = desk.port
    assert isinstance(port, _WatchedPort)
    asked = (port.submitted, port.cancelled, port.amended, port.leverage_calls)
    return sum(len(calls) for calls in asked) + port.changes


def _resting(desk: Desk) -> UUID:
    order = PlaceOrder(
        "BTCUSDT", Side.BUY, order_type=OrderType.LIMIT, quantity=D("0.01"), price=D("59000")
    )
    return desk.run(order).pk


_KINDS: dict[str, Callable[[Desk], DomainCommand]] = {
    "place": lambda _desk: PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10),
    "close": lambda _desk: CLOSE,
    "cancel": lambda desk: CancelOrder(_resting(desk)),
    "cancel_all": lambda desk: (_resting(desk), CancelAll(""))[1],
    "amend": lambda desk: AmendOrder(_resting(desk), "BTCUSDT", D("0.02"), D("58000")),
    "leverage": lambda _desk: SetLeverage("BTCUSDT", 7),
    "margin_mode": lambda _desk: SetMarginMode("ETHUSDT", MarginMode.ISOLATED),
    "margin": lambda _desk: ChangeIsolatedMargin("BTCUSDT", D(10)),
    "pause": lambda _desk: PauseEngine("account", "lunch"),
    "halt": lambda desk: (
        _resting(desk),
        SetEngineMode("account", EngineState.HALTED, "fire"),
    )[1],
}


def _always(port: FakePort) -> Callable[[int], FakePort]:
    return lambda _id: port


async def _carry_out(work: Work) -> None:
    await HANDLERS[work.command.kind](work)


@pytest.mark.parametrize("kind", _KINDS)
def test_worker_that_lost_its_claim_between_two_steps_changes_nothing(kind: str) -> None:
    struck = 0
    for at_step in range(1, 12):
        desk = open_desk()
        desk.port = _WatchedPort(START)
        fills = [fill_report(77, 5, quantity="0.05", ours=False)]
        ingest(desk.account.pk, fills, source=Source.STREAM, actor="test", now=START)
        command_id = desk.ask(_KINDS[kind](desk))
        thief = _Thief(command_id, at_step, desk)
        held = claim(command_id, worker="slow", now=desk.clock.now())
        assert held is not None
        work = Work(held, _WatchedClock(START, thief=thief), _always(desk.port))
        with suppress(LostClaim):
            drive(_carry_out(work))

        if not thief.struck:
            break
        struck += 1
        assert Command.objects.get(pk=command_id).status == CommandStatus.NEW
        assert _changing_calls(desk) == thief.calls
        assert _doings() == thief.events
    assert struck >= 1
