"""Adopt, ignore, flatten, rebuild: what each books, and what it leaves alone."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import ExchangeAccount
from accounts.selectors import wallet_equation
from orders.models import Order
from positions.models import Adjustment, Position
from tests.integration.engine.desk import Desk, open_desk
from tests.integration.engine.reports import order_report
from tests.integration.reconcile.decisions import (
    booked,
    decide,
    fill_at,
    leg,
    look,
    open_drift,
    quarantine,
    take,
)
from tradeops.domain.enums import DriftDecision, OrderStatus, PositionMode, Side
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.rebuild import rebuild
from tradeops.exchange.reports import BalanceReport
from tradeops.journal.event_store import first_broken_link
from tradeops.journal.models import Command, Event
from tradeops.reconcile.models import Drift

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def desk() -> Desk:
    return open_desk()


@pytest.fixture
def drift(desk: Desk) -> Drift:
    """Here 0.02 BTC, at the venue 0.01, and no fill says why."""
    take(desk, fill_at(desk, 7, "0.02"))
    desk.port.legs = [leg("0.01", desk.clock.now())]
    return open_drift(desk)


def test_adopt_books_the_venues_quantity_without_a_fill(desk: Desk, drift: Drift) -> None:
    assert quarantine() == "PAUSED"

    command = decide(desk, drift, DriftDecision.ADOPT, "an old fill is gone there")
    after = look(desk)

    assert booked(desk) == (D("0.01"), D("-0.01"), D("-0.01"))
    assert (command.status, command.result["decision"]) == ("ACK", "adopt")
    drift.refresh_from_db()
    assert (drift.status, drift.decision, drift.decided_by) == ("RESOLVED", "adopt", "user:1")
    assert drift.reason == "an old fill is gone there"
    assert (after.drifts, after.healed) == (0, 0)
    assert quarantine() == "RUNNING"
    assert desk.event_names()[-4:] == [
        "PositionAdjusted",
        "DriftResolved",
        "CommandCompleted",
        "QuarantineCompleted",
    ]
    assert desk.port.submitted == []
    assert rebuild(apply=False).differences == ()


def test_real_fill_undoes_the_adjustment_that_stood_for_it(desk: Desk) -> None:
    take(desk, fill_at(desk, 7, "0.02", price="50000"))
    desk.clock.advance(1)
    missing = replace(fill_at(desk, 8, "0.03", price="70000"))
    desk.port.legs = [leg("0.05", desk.clock.now(), entry="62000")]
    drift = open_drift(desk)
    decide(desk, drift, DriftDecision.ADOPT)
    adopted = Position.objects.get()

    take(desk, missing)
    take(desk, missing)  # and once more, as a stream does

    assert (adopted.quantity, adopted.entry_price) == (D("0.05"), D(62000))
    assert booked(desk) == (D("0.05"), D(0), D(0))
    assert Position.objects.get().entry_price == D(62000)
    assert Event.objects.filter(type="PositionAdjusted").count() == 2
    assert look(desk).drifts == 0
    assert rebuild(apply=False).differences == ()


def test_fill_after_the_adjustment_is_a_trade_where_our_clock_is_fast(
    desk: Desk, drift: Drift
) -> None:
    held = desk.port.legs[0].quantity
    desk.port.offset_ms = -400
    decide(desk, drift, DriftDecision.ADOPT)

    later = desk.clock.now() - timedelta(milliseconds=300)  # by the venue's clock
    take(desk, replace(fill_at(desk, 900, "0.02"), traded_at=later))

    assert booked(desk)[0] == held + D("0.02")


def test_fill_after_the_adjustment_is_a_trade_like_any_other(desk: Desk, drift: Drift) -> None:
    decide(desk, drift, DriftDecision.ADOPT)
    desk.clock.advance(10)

    take(desk, fill_at(desk, 9, "0.005"))

    assert booked(desk) == (D("0.015"), D("-0.01"), D("-0.01"))


class _RollBackError(Exception):
    pass


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fills_and_adjustments_add_up_however_late_the_fills_come(
    desk: Desk, data: st.DataObject
) -> None:
    """Some of a story's fills are lost, the rest adopted; then they come, in any order, twice."""
    sizes = data.draw(st.lists(st.integers(-3, 3).filter(bool), min_size=1, max_size=6))
    lost = data.draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1))
    try:
        with transaction.atomic():
            _adopt_then_hear(desk, data, sizes, lost)
            raise _RollBackError
    except _RollBackError:
        pass


def _adopt_then_hear(desk: Desk, data: st.DataObject, sizes: list[int], lost: set[int]) -> None:
    fills = []
    for number, size in enumerate(sizes, start=1):
        desk.clock.advance(1)
        made = fill_at(desk, number, str(abs(size)), price=str(50_000 + 1000 * number))
        fills.append(replace(made, side=Side.BUY if size > 0 else Side.SELL))
    take(desk, *[fill for number, fill in enumerate(fills) if number not in lost])
    total = D(sum(sizes))
    desk.port.legs = [leg(str(total), desk.clock.now())] if total else []
    gone = sum(sizes[number] for number in lost)
    if gone:
        decide(desk, open_drift(desk), DriftDecision.ADOPT)
        late = data.draw(st.permutations([fills[number] for number in sorted(lost)] * 2))
        for fill in late:
            take(desk, fill)
            quantity, adjusted, rest = booked(desk)
            assert (quantity, adjusted) == (total, rest)
        row, straight = Position.objects.get(), open_desk()
        take(straight, *fills)
        told = Position.objects.get(account=straight.account)
        assert (row.quantity, row.entry_price) == (told.quantity, told.entry_price)
        assert row.adjusted_quantity == 0
        assert rebuild(apply=False).differences == ()


def test_ignore_leaves_both_sides_and_admits_openings(desk: Desk, drift: Drift) -> None:
    decide(desk, drift, DriftDecision.IGNORE, "a test order of mine")
    events = Event.objects.count()
    look(desk)

    drift.refresh_from_db()
    assert (drift.status, drift.decision) == ("IGNORED", "ignore")
    assert booked(desk)[0] == D("0.02")
    assert quarantine() == "RUNNING"
    assert Event.objects.count() == events


def test_ignored_drift_comes_back_when_a_side_changes(desk: Desk, drift: Drift) -> None:
    decide(desk, drift, DriftDecision.IGNORE)
    desk.port.legs = [leg("0.004", desk.clock.now())]

    look(desk)

    drift.refresh_from_db()
    assert (drift.status, drift.decision) == ("RESOLVED", "ignore")
    assert Drift.objects.get(resolved_at=None).status == "SUSPECTED"
    assert quarantine() == "PAUSED"


def test_flatten_adopts_and_closes_by_an_ordinary_command(desk: Desk, drift: Drift) -> None:
    command = decide(desk, drift, DriftDecision.FLATTEN)
    close = Command.objects.get(kind="ClosePosition")

    assert desk.port.submitted == []  # nothing is sent by a decision
    assert str(close.pk) == command.result["close_command_id"]
    done = desk.execute(close.pk)
    (sent,) = desk.port.submitted
    assert (done.status, sent.side, sent.quantity) == ("ACK", Side.SELL, D("0.01"))
    assert sent.reduce_only


def test_rebuild_derives_the_rows_anew_and_looks_again(desk: Desk, drift: Drift) -> None:
    Position.objects.update(quantity=D("0.5"))
    desk.port.legs = [leg("0.02", desk.clock.now())]
    desk.clock.advance(10)

    command = decide(desk, drift, DriftDecision.REBUILD)

    assert command.result["resolved"] == "True"
    assert int(command.result["differences"]) == 1
    assert booked(desk)[0] == D("0.02")
    drift.refresh_from_db()
    assert (drift.status, drift.decision) == ("RESOLVED", "rebuild")


def test_rebuild_that_changes_nothing_leaves_the_drift_open(desk: Desk, drift: Drift) -> None:
    command = decide(desk, drift, DriftDecision.REBUILD)

    assert (command.status, command.result["resolved"]) == ("ACK", "False")
    drift.refresh_from_db()
    assert drift.status == "OPEN"


@pytest.mark.parametrize("decision", [DriftDecision.ADOPT, DriftDecision.FLATTEN])
def test_what_changed_since_it_was_seen_is_not_booked(
    desk: Desk, drift: Drift, decision: DriftDecision
) -> None:
    events = desk.event_names()
    desk.port.legs = [leg("0.011", drift.first_seen_at)]

    with pytest.raises(TradeOpsError) as refusal:
        decide(desk, drift, decision)

    assert refusal.value.code is ErrorCode.PRECONDITION_FAILED
    desk.port.legs = [leg("0.01", drift.first_seen_at)]
    take(desk, fill_at(desk, 8, "0.001"))
    with pytest.raises(TradeOpsError):
        decide(desk, drift, decision)
    assert "PositionAdjusted" not in desk.event_names()[len(events) :]
    assert not Adjustment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"reason": "  "}, ErrorCode.VALIDATION_ERROR),
        ({"drift": Drift(pk="11111111-2222-4333-8444-555555555555")}, ErrorCode.NOT_FOUND),
    ],
)
def test_decision_needs_a_reason_and_a_drift(
    desk: Desk, drift: Drift, changes: dict[str, object], code: ErrorCode
) -> None:
    with pytest.raises(TradeOpsError) as refusal:
        decide(desk, **{"drift": drift, "decision": DriftDecision.IGNORE, **changes})  # type: ignore[arg-type]
    assert refusal.value.code is code


def test_drift_of_another_account_is_not_found(desk: Desk, drift: Drift) -> None:
    Drift.objects.update(account=ExchangeAccount.objects.create(name="other"))

    with pytest.raises(TradeOpsError) as refusal:
        decide(desk, drift, DriftDecision.IGNORE)
    assert refusal.value.code is ErrorCode.NOT_FOUND


def test_decided_drift_takes_no_second_decision(desk: Desk, drift: Drift) -> None:
    decide(desk, drift, DriftDecision.ADOPT)

    with pytest.raises(TradeOpsError) as refusal:
        decide(desk, drift, DriftDecision.ADOPT)

    assert refusal.value.code is ErrorCode.PRECONDITION_FAILED
    assert Adjustment.objects.count() == 1


def test_wallet_that_does_not_add_up_is_a_drift_and_adopt_books_the_difference(desk: Desk) -> None:
    desk.clock.advance(60)
    desk.port.wallets = [BalanceReport("USDT", D("10002.5"), desk.clock.now())]
    drift = open_drift(desk, "balances")

    assert (drift.kind, drift.subject) == ("WALLET", "USDT")
    assert (drift.local["expected"], drift.venue["wallet_balance"]) == ("10000", "10002.5")
    decide(desk, drift, DriftDecision.ADOPT, "a gift of the venue")

    equation = wallet_equation(desk.account.pk, "USDT")
    assert (equation.difference, equation.other) == (D(0), D("2.5"))
    assert look(desk, "balances").drifts == 0
    assert rebuild(apply=False).differences == ()
    assert first_broken_link(desk.account.pk) is None


def test_order_that_the_venue_has_forgotten_ends_by_adoption(desk: Desk) -> None:
    take(desk, order_report(1))
    desk.clock.advance(120)
    drift = open_drift(desk, "orders")
    assert drift.kind == "ORDER_MISSING"

    decide(desk, drift, DriftDecision.ADOPT)

    assert Order.objects.get().status == OrderStatus.EXPIRED
    assert look(desk, "orders").drifts == 0


def test_position_mode_is_taken_over_by_decision_alone(desk: Desk) -> None:
    desk.port.mode = PositionMode.HEDGE
    drift = open_drift(desk, "settings")
    assert ExchangeAccount.objects.get().position_mode == PositionMode.ONE_WAY

    decide(desk, drift, DriftDecision.ADOPT)

    assert ExchangeAccount.objects.get().position_mode == PositionMode.HEDGE
    assert look(desk, "settings").drifts == 0
