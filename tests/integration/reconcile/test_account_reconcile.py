"""Reconciliation against the paper venue over the wire: what others did arrives, once."""

import dataclasses
import datetime
import uuid
from decimal import Decimal

import pytest

from accounts.models import Balance
from accounts.selectors import wallet_equations
from orders.models import Fill, Order, TradeCursor
from positions.models import Position
from risk.models import EngineStatus
from tests.integration.reconcile.fixtures import Desk
from tradeops.domain.clock import FrozenClock
from tradeops.domain.enums import OrderStatus, OrderType, Side, Source
from tradeops.engine.ingest import ingest
from tradeops.exchange.port import OrderRequest
from tradeops.journal.models import Event
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import drive
from tradeops.kit.redis_client import redis_client
from tradeops.reconcile.models import Drift, ReconcileRun
from tradeops.reconcile.services import gap_fill, reconcile_notes
from tradeops.reconcile.services.account_reconcile import (
    PAGE,
    RECONNECT,
    SCHEDULE,
    Scope,
    account_reconcile,
)
from tradeops.reconcile.services.comparison import SINGLE_QUERIES_PER_RUN
from tradeops.reconcile.services.findings import ReconcileResult
from tradeops.reconcile.services.reconcile_notes import last_reconciled
from tradeops.reconcile.services.reconcile_now import reconcile_now


def run(
    desk: Desk, scope: Scope = "all", trigger: str = SCHEDULE, *, later_s: int = 0, page: int = PAGE
) -> ReconcileResult:
    """A comparison, as it would go `later_s` from now: what moves is left alone for 5 s."""
    later = SYSTEM_CLOCK.now() + datetime.timedelta(seconds=later_s)
    result = drive(
        account_reconcile(
            desk.port,
            desk.pk,
            scope=scope,
            trigger=trigger,
            clock=FrozenClock(later),
            ids=uuid.uuid4,
            pause=_no_pause,
            page=page,
        )
    )
    assert result.error == ""
    return result


async def _no_pause(_seconds: float) -> None:
    return


def assert_equals_venue(desk: Desk) -> None:
    """Fills, positions and balances are the venue's to the last digit."""
    books = desk.truth()
    here = {(f.symbol, f.trade_id): (f.price, f.quantity) for f in Fill.objects.all()}
    there = {
        (f["symbol"], int(f["trade_id"])): (Decimal(f["price"]), Decimal(f["quantity"]))
        for f in books["fills"]
    }
    assert here == there
    legs = {p.symbol: p.quantity for p in Position.objects.all() if p.quantity}
    assert legs == {
        p["symbol"]: Decimal(p["quantity"]) for p in books["positions"] if Decimal(p["quantity"])
    }
    wallets = {b.asset: b.wallet_balance for b in Balance.objects.all()}
    assert wallets == {b["asset"]: Decimal(b["wallet"]) for b in books["balances"]}
    # Opening, fills, funding and transfers add up to the wallet, to the last digit (I4).
    assert [equation.difference for equation in wallet_equations(desk.pk)] == [0]


def test_trades_of_somebody_else_are_taken_over_once(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    desk.trade(Side.SELL, "0.004")
    resting = desk.trade(Side.BUY, "0.5", symbol="ETHUSDT", price="100")

    first = run(desk, trigger=RECONNECT)
    events = list(Event.objects.values_list("pk", flat=True))
    second = run(desk, trigger=RECONNECT)

    assert [e.payload for e in Event.objects.exclude(pk__in=events)] == []
    assert first.healed > 0
    assert_equals_venue(desk)
    assert Order.objects.get(venue_order_id=resting.venue_order_id).status == "ACKNOWLEDGED"
    assert all(Order.objects.values_list("is_external", flat=True))
    assert second.healed == 0
    assert list(Event.objects.values_list("pk", flat=True)) == events


@pytest.mark.parametrize("scope", ["orders", "positions", "balances", "all"])
def test_unchanged_venue_writes_nothing(desk: Desk, scope: Scope) -> None:
    desk.trade(Side.BUY, "0.010")
    run(desk)
    before = [list(model.objects.order_by("pk").values()) for model in _TABLES]

    run(desk, scope)

    assert [list(model.objects.order_by("pk").values()) for model in _TABLES] == before


_TABLES = (Event, Order, Fill, Position, Balance, TradeCursor, ReconcileRun, Drift)


def test_person_asking_is_remembered_although_nothing_changed(desk: Desk) -> None:
    run(desk)
    before = Event.objects.count()

    result = run(desk, trigger="user:7")

    assert ReconcileRun.objects.get(pk=result.run_id).trigger == "user:7"
    assert Event.objects.count() == before + 1
    assert Event.objects.order_by("pk").last().type == "ReconciliationPerformed"  # type: ignore[union-attr]


def test_order_that_ended_unheard_is_asked_for(desk: Desk) -> None:
    resting = desk.trade(Side.BUY, "0.5", symbol="ETHUSDT", price="100")
    run(desk, "orders")
    drive(desk.port.cancel_by_venue_id("ETHUSDT", resting.venue_order_id))

    run(desk, "orders", later_s=30)

    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert Drift.objects.count() == 0


def test_filled_order_brings_its_fills_with_the_orders_run(desk: Desk) -> None:
    resting = desk.trade(Side.BUY, "0.5", symbol="ETHUSDT", price="100")
    run(desk, "orders")
    desk.venue.set_price("ETHUSDT", "99")

    run(desk, "orders", later_s=30)

    order = Order.objects.get(venue_order_id=resting.venue_order_id)
    assert order.status == OrderStatus.FILLED
    assert order.filled_quantity == order.venue_filled_quantity == Decimal("0.5")
    assert Position.objects.get(symbol="ETHUSDT").quantity == Decimal("0.5")


def test_fills_come_page_by_page_with_the_cursor(desk: Desk) -> None:
    for side in (Side.BUY, Side.SELL, Side.BUY, Side.BUY, Side.SELL):
        desk.trade(side, "0.002")

    run(desk, page=2)

    assert_equals_venue(desk)
    newest = max(Fill.objects.values_list("trade_id", flat=True))
    assert TradeCursor.objects.get(symbol="BTCUSDT").trade_id == newest


def test_round_trip_nobody_heard_of_shows_in_the_balance(desk: Desk) -> None:
    run(desk)
    desk.trade(Side.BUY, "1", symbol="SOLUSDT")
    desk.trade(Side.SELL, "1", symbol="SOLUSDT")

    run(desk, "balances", later_s=30)

    assert Fill.objects.filter(symbol="SOLUSDT").count() >= 2
    assert_equals_venue(desk)


def test_position_that_no_fill_explains_is_a_drift_until_it_is_explained(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    run(desk)
    # A fill that only this side has, as after a restore of somebody else's backup.
    known = drive(desk.port.fills("BTCUSDT"))[-1]
    false = dataclasses.replace(known, trade_id="1")
    ingest(desk.pk, [false], source=Source.REST, actor="test", now=SYSTEM_CLOCK.now())

    early = run(desk, "positions")
    assert not Drift.objects.exists()  # both sides moved a moment ago
    run(desk, "positions", later_s=30)
    held = EngineStatus.objects.get()
    waiting = [run(desk, "positions", later_s=seconds) for seconds in (31, 40)]
    found = run(desk, "positions", later_s=46)
    again = run(desk, "positions", later_s=60)

    assert (held.scope, held.state) == (f"quarantine:{desk.pk}:BTCUSDT", "PAUSED")
    assert [result.drifts for result in (early, *waiting)] == [0, 0, 0]
    assert (found.drifts, found.new_drifts) == (1, 1)
    assert (again.drifts, again.new_drifts) == (1, 0)
    drift = Drift.objects.get()
    assert (drift.kind, drift.subject, drift.seen) == ("POSITION", "BTCUSDT:BOTH", 5)
    assert (drift.local, drift.venue) == ({"quantity": "0.02"}, {"quantity": "0.01"})
    assert drift.status == "OPEN"
    assert [read["local"] for read in drift.evidence["reads"]] == [{"quantity": "0.02"}] * 5
    assert {fill["trade_id"] for fill in drift.evidence["fills"]} == {"1", known.trade_id}
    names = Event.objects.filter(account_id=desk.pk).values_list("type", flat=True)
    assert [names.filter(type=name).count() for name in ("DriftDetected", "QuarantineStarted")] == [
        1,
        1,
    ]
    assert len(desk.truth()["orders"]) == 1  # it looks, and sends nothing


def test_silent_venue_ends_the_run_and_proves_nothing(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    run(desk)
    desk.venue.fault(kind="http_5xx_before", match="GET /fapi/v2/positionRisk")

    results = [reconcile_now(desk.pk, scope="positions", trigger=SCHEDULE) for _ in range(2)]

    assert all(result.error for result in results)
    assert Drift.objects.count() == 0
    assert ReconcileRun.objects.filter(scope="positions").exclude(error="").count() == 1

    desk.venue.clear_faults()
    run(desk, "positions")
    newest = ReconcileRun.objects.filter(scope="positions").latest("started_at")
    assert newest.error == ""


def test_drift_is_over_when_both_sides_agree_again(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    run(desk)
    known = drive(desk.port.fills("BTCUSDT"))[-1]
    false = dataclasses.replace(known, trade_id="1")
    ingest(desk.pk, [false], source=Source.REST, actor="test", now=SYSTEM_CLOCK.now())
    for seconds in (30, 40, 50):
        run(desk, "positions", later_s=seconds)
    assert Drift.objects.get().status == "OPEN"

    undone = dataclasses.replace(false, trade_id="2", side=Side.SELL)
    ingest(desk.pk, [undone], source=Source.REST, actor="test", now=SYSTEM_CLOCK.now())
    result = run(desk, "positions", later_s=60)

    assert result.drifts == 0
    drift = Drift.objects.get()
    assert (drift.status, drift.decision) == ("RESOLVED", "healed")
    assert drift.resolved_at == result.finished_at
    assert EngineStatus.objects.get().state == "RUNNING"
    assert Event.objects.filter(type="DriftResolved").count() == 1


def test_suspicion_that_passes_is_forgotten(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    run(desk)
    known = drive(desk.port.fills("BTCUSDT"))[-1]
    false = dataclasses.replace(known, trade_id="1")
    ingest(desk.pk, [false], source=Source.REST, actor="test", now=SYSTEM_CLOCK.now())
    run(desk, "positions", later_s=30)
    assert Drift.objects.get().status == "SUSPECTED"

    undone = dataclasses.replace(false, trade_id="2", side=Side.SELL)
    ingest(desk.pk, [undone], source=Source.REST, actor="test", now=SYSTEM_CLOCK.now())
    run(desk, "positions", later_s=60)

    assert not Drift.objects.exists()
    assert EngineStatus.objects.get().state == "RUNNING"
    assert not Event.objects.filter(type__startswith="Drift").exists()


def test_more_silent_orders_than_a_run_may_ask_about_are_asked_in_turns(desk: Desk) -> None:
    placed = [
        desk.trade(Side.BUY, "0.5", symbol="BNBUSDT", price=str(100 + number))
        for number in range(SINGLE_QUERIES_PER_RUN + 3)
    ]
    run(desk, "orders")
    drive(desk.port.cancel_all("BNBUSDT"))

    run(desk, "orders", later_s=30)
    ended = Order.objects.filter(status=OrderStatus.CANCELLED).count()
    run(desk, "orders", later_s=40)

    assert ended == SINGLE_QUERIES_PER_RUN
    assert Order.objects.filter(status=OrderStatus.CANCELLED).count() == len(placed)


def test_age_is_known_although_an_unchanged_venue_leaves_no_row(desk: Desk) -> None:
    run(desk)

    result = run(desk, later_s=60)

    assert last_reconciled([desk.pk]) == {desk.pk: result.finished_at}
    redis_client().delete(reconcile_notes.key(desk.pk))
    known = ReconcileRun.objects.get().finished_at
    assert last_reconciled([desk.pk, 0]) == {desk.pk: known}
    assert known != result.finished_at


def test_conditional_order_is_met_and_its_end_is_asked_for(desk: Desk) -> None:
    made = drive(
        desk.port.submit(
            OrderRequest(
                symbol="BTCUSDT",
                client_order_id=f"web_{uuid.uuid4().hex[:20]}",
                side=Side.SELL,
                order_type=OrderType.STOP_MARKET,
                quantity=Decimal("0.002"),
                signed_at=SYSTEM_CLOCK.now(),
                trigger_price=Decimal(1000),
            )
        )
    )
    first = run(desk, "orders")
    again = run(desk, "strangers", later_s=10)
    order = Order.objects.get()
    assert (order.algo_id, order.status, order.is_external) == (made.algo_id, "ACKNOWLEDGED", True)
    assert (first.healed, again.healed) == (1, 0)

    drive(desk.port.cancel_by_venue_id("BTCUSDT", made.algo_id, conditional=True))
    run(desk, "orders", later_s=30)

    assert Order.objects.get().status == OrderStatus.CANCELLED
    assert Drift.objects.count() == 0


def test_degraded_look_books_what_moved(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")
    run(desk)
    desk.trade(Side.BUY, "0.004")

    assert run(desk, "degraded").healed > 0
    assert run(desk, "degraded", later_s=1).healed == 0

    legs = {leg.symbol: leg.quantity for leg in Position.objects.all()}
    assert legs == {"BTCUSDT": Decimal("0.014")}


def test_history_longer_than_a_run_may_ask_about_is_read_in_turns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gap_fill, "ORDERS_OF_FILLS_PER_RUN", 3)
    for side in (Side.BUY, Side.BUY, Side.BUY, Side.SELL, Side.BUY):
        desk.trade(side, "0.002")

    first = run(desk, "positions", later_s=30)
    booked = set(Fill.objects.values_list("order__venue_order_id", flat=True))
    second = run(desk, "positions", later_s=60)
    run(desk, "balances")

    assert len(booked) == 3
    assert first.drifts == second.drifts == 0  # what was not read yet explains the difference
    assert_equals_venue(desk)
    assert all(order.filled_quantity == order.quantity for order in Order.objects.all())
