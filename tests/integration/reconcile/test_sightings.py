"""What counts as a sighting of a difference, and what does not (F14, F43)."""

import uuid
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.integration.engine.desk import Desk, open_desk
from tests.integration.reconcile.decisions import (
    booked,
    fill_at,
    leg,
    look,
    open_drift,
    quarantine,
    take,
    try_to_look,
    wallet,
)
from tradeops.exchange.reports import BalanceReport
from tradeops.journal.models import Event
from tradeops.reconcile.domain.sides import DriftKind, Mismatch
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.account_reconcile import SCHEDULE
from tradeops.reconcile.services.findings import Findings, ReconcileResult, write_down

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def test_three_heals_within_the_hour_then_a_person(desk: Desk) -> None:
    take(desk, fill_at(desk, 7, "0.02"))
    agreed, wrong = leg("0.02", desk.clock.now()), leg("0.01", desk.clock.now())
    for _ in range(3):
        desk.port.legs = [wrong]
        open_drift(desk)
        desk.port.legs = [agreed]
        look(desk)
    desk.port.legs = [wrong]
    open_drift(desk)
    desk.port.legs = [agreed]
    look(desk)
    look(desk)

    assert Drift.objects.filter(decision="healed").count() == 3
    last = Drift.objects.get(resolved_at=None)
    assert (last.status, last.needs_human) == ("OPEN", True)
    assert quarantine() == "PAUSED"
    assert Event.objects.filter(type="DriftResolved").count() == 3


def test_single_empty_read_is_not_believed(desk: Desk) -> None:
    take(desk, fill_at(desk, 7, "0.02"))
    desk.port.legs = []
    look(desk)
    look(desk)
    desk.port.legs = [leg("0.02", desk.clock.now())]
    look(desk)

    assert booked(desk)[0] == D("0.02")
    assert not Drift.objects.exists()
    assert not Event.objects.filter(type="DriftDetected").exists()


@pytest.mark.parametrize("figure", ["NaN", "Infinity"])
def test_figure_that_is_no_number_fails_the_run(desk: Desk, figure: str) -> None:
    desk.port.legs = [leg(figure, desk.clock.now())]

    assert "no numbers" in try_to_look(desk, "positions").error
    assert not Drift.objects.exists()


def test_row_that_moved_since_it_was_read_is_no_sighting(desk: Desk) -> None:
    """F43: between read and apply a fill arrives; the comparison knew nothing of it."""
    take(desk, fill_at(desk, 7, "0.02"))
    now = desk.clock.now()
    here, there = {"quantity": "0.02"}, {"quantity": "0.01"}
    stale = Mismatch(DriftKind.POSITION, "BTCUSDT:BOTH", here, there, local_at=now)
    desk.clock.advance(1)
    take(desk, fill_at(desk, 8, "0.001"))
    at = desk.clock.now()
    result = ReconcileResult(uuid.uuid4(), desk.account.pk, "positions", SCHEDULE, at, at)

    write_down(result, Findings({DriftKind.POSITION}, [stale], ()), asked_for=False)
    assert not Drift.objects.exists()

    fresh = replace(stale, local_at=at)
    write_down(result, Findings({DriftKind.POSITION}, [fresh], ()), asked_for=False)
    assert Drift.objects.get().status == "SUSPECTED"


def test_wallet_said_to_be_empty_is_believed_only_in_the_end(desk: Desk) -> None:
    desk.port.wallets = [BalanceReport("USDT", D(0), desk.clock.now())]

    seen = []
    for _ in range(3):
        look(desk, "balances")
        seen.append(wallet(desk))

    assert seen == [D(10_000), D(10_000), D(0)]
    assert Drift.objects.get().decision == "healed"
