"""A worker whose claim went to another one changes nothing any more (I11)."""

from decimal import Decimal

import pytest

from risk.models import EngineStatus
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import (
    ClosePosition,
    CommandStatus,
    PauseEngine,
    ResumeEngine,
    UpdateConfig,
)
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode
from tradeops.engine.control import pause_or_resume, update_config
from tradeops.engine.execute import MAX_ATTEMPTS
from tradeops.engine.ingest import ingest
from tradeops.engine.place import close_position
from tradeops.engine.work import Work, fail
from tradeops.exchange.errors import Ambiguous
from tradeops.journal.command_store import LostClaim, claim, mark_sent
from tradeops.journal.models import Command
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
