"""The doors to a comparison: tasks, a person's command, and the terminal."""

import dataclasses
import json
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ExchangeAccount
from orders.models import Fill
from tests.integration.reconcile.fixtures import Desk
from tradeops.domain.commands import CommandStatus, DomainCommand, ResolveDrift, RunReconcile
from tradeops.domain.enums import DriftDecision, Side, Source
from tradeops.engine.ingest import ingest
from tradeops.journal.command_store import Asker, claim, enqueue, mark_sent
from tradeops.journal.models import Command, Event
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import write_transaction
from tradeops.kit.portal import drive
from tradeops.reconcile import selectors, tasks
from tradeops.reconcile.models import Drift, ReconcileRun
from tradeops.reconcile.services import gap_fill, reconcile_notes
from tradeops.reconcile.services.reconcile_now import fill_gap


def sent_command(desk: Desk, command: DomainCommand | None = None) -> uuid.UUID:
    """RunReconcile, or another command, as the engine hands it over."""
    command_id, now = uuid.uuid4(), SYSTEM_CLOCK.now()
    enqueue(
        command or RunReconcile(reason="after lunch"),
        account_id=desk.pk,
        command_id=command_id,
        asker=Asker("user:7", Source.ADMIN),
        now=now,
    )
    held = claim(command_id, worker="test", now=now)
    assert held is not None
    with write_transaction():
        mark_sent(held, now=now, verdicts=[])
    return command_id


def test_task_compares_one_account(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")

    tasks.reconcile_account(account_id=desk.pk, scope="positions")

    assert Fill.objects.count() == len(desk.truth()["fills"])


def test_task_leaves_a_comparison_under_way_alone(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    assert reconcile_notes.take_turn(desk.pk, "positions", seconds=60)

    tasks.reconcile_account(account_id=desk.pk, scope="positions")
    assert Fill.objects.count() == 0

    reconcile_notes.end_turn(desk.pk, "positions")
    tasks.reconcile_account(account_id=desk.pk, scope="positions")
    assert Fill.objects.count() > 0


def test_active_accounts_need_a_key(desk: Desk) -> None:
    ExchangeAccount.objects.create(name="without-key")
    assert selectors.active_account_ids() == [desk.pk]

    ExchangeAccount.objects.update(is_active=False)
    assert selectors.active_account_ids() == []


def test_command_ends_with_what_was_found_and_only_once(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    command_id = sent_command(desk)

    tasks.reconcile_on_command(command_id=str(command_id))
    events = Event.objects.count()
    tasks.reconcile_on_command(command_id=str(command_id))

    command = Command.objects.get(pk=command_id)
    assert command.status == CommandStatus.ACK
    assert int(command.result["healed"]) > 0
    assert command.result["drifts"] == "0"
    assert ReconcileRun.objects.get().trigger == "user:7"
    assert Event.objects.count() == events


def test_command_fails_when_the_venue_is_silent(desk: Desk) -> None:
    command_id = sent_command(desk)
    desk.venue.fault(kind="http_5xx_before", match="GET /fapi/v1/openOrders")

    tasks.reconcile_on_command(command_id=str(command_id))

    command = Command.objects.get(pk=command_id)
    assert (command.status, command.code) == (CommandStatus.FAILED, "VENUE_UNAVAILABLE")


def known_drift(desk: Desk, **changes: object) -> Drift:
    """A drift that has counted for a while."""
    now = SYSTEM_CLOCK.now()
    values: dict[str, object] = {
        "kind": "POSITION",
        "subject": "BTCUSDT:BOTH",
        "local": {"quantity": "0.02"},
        "venue": {"quantity": "0.01"},
        "first_seen_at": now,
        "last_seen_at": now,
        **changes,
    }
    return Drift.objects.create(id=uuid.uuid4(), account=desk.account, **values)


def test_decision_is_carried_out_once(desk: Desk) -> None:
    drift = known_drift(desk)
    wanted = ResolveDrift(drift.pk, DriftDecision.IGNORE, "mine")
    command_id = sent_command(desk, wanted)

    tasks.reconcile_on_command(command_id=str(command_id))
    events = Event.objects.count()
    tasks.reconcile_on_command(command_id=str(command_id))

    command = Command.objects.get(pk=command_id)
    assert (command.status, command.result["decision"]) == (CommandStatus.ACK, "ignore")
    drift.refresh_from_db()
    assert (drift.status, drift.decided_by) == ("IGNORED", "user:7")
    assert Event.objects.count() == events


def test_decision_about_what_is_no_more_is_refused(desk: Desk) -> None:
    drift = known_drift(desk)
    wanted = ResolveDrift(drift.pk, DriftDecision.ADOPT, "seen there")
    command_id = sent_command(desk, wanted)

    tasks.reconcile_on_command(command_id=str(command_id))  # the venue holds nothing at all

    command = Command.objects.get(pk=command_id)
    assert (command.status, command.code) == (CommandStatus.FAILED, "PRECONDITION_FAILED")
    drift.refresh_from_db()
    assert drift.status == "OPEN"


def test_command_that_meets_a_defect_ends(desk: Desk) -> None:
    drift = known_drift(desk, kind="NEWS")  # of a build that knew more kinds
    command_id = sent_command(desk, ResolveDrift(drift.pk, DriftDecision.ADOPT, "seen there"))

    tasks.reconcile_on_command(command_id=str(command_id))

    command = Command.objects.get(pk=command_id)
    assert (command.status, command.code) == (CommandStatus.FAILED, "INTERNAL_ERROR")


def test_gap_is_filled_only_when_every_fill_was_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_fill, "ORDERS_OF_FILLS_PER_RUN", 1)
    desk.trade(Side.BUY, "0.010")
    desk.trade(Side.BUY, "0.010")

    with pytest.raises(ConnectionError, match="BTCUSDT"):
        fill_gap(desk.pk)
    fill_gap(desk.pk)

    assert Fill.objects.count() == len(desk.truth()["fills"])


def test_decision_waits_for_no_silent_venue(desk: Desk) -> None:
    drift = known_drift(desk)
    command_id = sent_command(desk, ResolveDrift(drift.pk, DriftDecision.ADOPT, "seen there"))
    desk.venue.fault(kind="http_5xx_before", match="GET /fapi/v2/positionRisk")

    tasks.reconcile_on_command(command_id=str(command_id))

    command = Command.objects.get(pk=command_id)
    assert (command.status, command.code) == (CommandStatus.FAILED, "VENUE_UNAVAILABLE")


def drifts(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("drifts", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_terminal_lists_drifts(desk: Desk) -> None:
    assert drifts("--json") == (0, "")
    drift = known_drift(desk, needs_human=True)
    known_drift(desk, subject="ETHUSDT:BOTH", status="IGNORED")

    code, text = drifts("--json", "--account", desk.account.name)
    rows = {row["subject"]: row for row in map(json.loads, text.splitlines())}

    assert code == 3
    assert rows.keys() == {"BTCUSDT:BOTH", "ETHUSDT:BOTH"}
    assert (rows["BTCUSDT:BOTH"]["id"], rows["BTCUSDT:BOTH"]["needs_human"]) == (
        str(drift.pk),
        True,
    )
    assert drifts("--status", "ignored", "--json")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("no-id", "adopt", "--reason", "x"),
        ("5f0c8f0e-0000-4000-8000-000000000000", "adopt", "--reason", "x"),
        ("5f0c8f0e-0000-4000-8000-000000000000", "sell", "--reason", "x"),
        ("5f0c8f0e-0000-4000-8000-000000000000", "adopt"),
    ],
)
def test_terminal_refuses_what_it_cannot_decide(desk: Desk, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refusal:
        drifts("--resolve", *words)
    assert refusal.value.returncode == 2


def terminal(*arguments: str) -> tuple[int, list[dict[str, object]]]:
    out = StringIO()
    try:
        call_command("reconcile", *arguments, "--json", stdout=out)
    except SystemExit as end:
        return int(end.code or 0), [json.loads(line) for line in out.getvalue().splitlines()]
    return 0, [json.loads(line) for line in out.getvalue().splitlines()]


def test_terminal_says_agreed(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")

    code, (row,) = terminal("--account", desk.account.name)

    assert code == 0
    assert row["healed"] == Event.objects.exclude(type="ConfigChanged").count() - 1
    assert row["drifts"] == []


def test_terminal_says_drift(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    terminal()
    fill = drive(desk.port.fills("BTCUSDT"))[-1]
    false = dataclasses.replace(fill, trade_id="1")
    ingest(desk.pk, [false], source=Source.REST, actor="test", now=SYSTEM_CLOCK.now())
    Drift.objects.create(
        id=uuid.uuid4(),
        account=desk.account,
        kind="POSITION",
        subject="BTCUSDT:BOTH",
        local={"quantity": "0.02"},
        venue={"quantity": "0.01"},
        first_seen_at=SYSTEM_CLOCK.now(),
        last_seen_at=SYSTEM_CLOCK.now(),
    )

    code, (row,) = terminal("--account", str(desk.pk), "--scope", "positions")

    assert code == 3
    assert [drift["subject"] for drift in row["drifts"]] == ["BTCUSDT:BOTH"]  # type: ignore[attr-defined]


def test_terminal_says_unreachable(desk: Desk) -> None:
    desk.venue.fault(kind="http_5xx_before", match="GET /fapi/v1/openOrders")

    code, (row,) = terminal()

    assert code == 5
    assert row["error"]


def test_terminal_refuses_an_unknown_account(desk: Desk) -> None:
    with pytest.raises(CommandError, match="no account nobody"):
        terminal("--account", "nobody")
