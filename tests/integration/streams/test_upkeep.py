"""What the streams worker does beside the stream, against the paper venue."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from pytest_django import Settings

from accounts.models import ExchangeAccount
from orders.models import Order
from risk.models import EngineStatus
from tests.integration.reconcile.fixtures import Desk
from tradeops.domain.enums import OrderStatus, Side, StreamState
from tradeops.domain.ids import client_order_id
from tradeops.journal.models import Event
from tradeops.reconcile.services.reconcile_now import fill_gap, reconcile_now
from tradeops.streams.models import DeadMan, FeedHealth, StreamLease
from tradeops.streams.services import account_upkeep
from tradeops.streams.worker import StreamsHost


@contextmanager
def serving() -> Iterator[StreamsHost]:
    host = StreamsHost(fill_gap)
    host.start()
    try:
        yield host
    finally:
        host.stop()


def eventually(is_so: Callable[[], Any], what: str, *, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"not in time: {what}"
        time.sleep(0.02)


def state_of(scope: str) -> str:
    row = EngineStatus.objects.filter(pk=scope).first()
    return row.state if row is not None else "RUNNING"


def is_healthy(desk: Desk) -> bool:
    return FeedHealth.objects.filter(pk=desk.pk, state="HEALTHY").exists()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_upkeep, "TICK_S", 0.1)
    monkeypatch.setattr(account_upkeep, "MEASURE_S", 0.3)
    monkeypatch.setattr(account_upkeep, "MEASURE_HELD_S", 0.3)
    monkeypatch.setattr(account_upkeep, "DEAD_MAN_S", 0.2)
    monkeypatch.setattr(account_upkeep, "DEAF_S", 0.2)


@pytest.fixture
def venue_clock(desk: Desk) -> Iterator[Callable[[int], None]]:
    """Set the venue's clock off ours by so many ms."""

    def offset(ms: int) -> None:
        desk.venue.request("POST", "/paper/clock", {"offset_ms": ms})

    yield offset
    offset(0)


def test_clock_that_drifts_holds_openings_back_until_it_is_right_again(
    desk: Desk, venue_clock: Callable[[int], None]
) -> None:
    scope = f"clock:{desk.pk}"
    with serving():
        eventually(lambda: is_healthy(desk), "healthy")

        venue_clock(900)
        eventually(lambda: state_of(scope) == "PAUSED", "held")
        venue_clock(0)
        eventually(lambda: state_of(scope) == "RUNNING", "lifted")


def test_deaf_connection_is_replaced(desk: Desk) -> None:
    with serving():
        eventually(lambda: is_healthy(desk), "healthy")
        row = FeedHealth.objects.get(pk=desk.pk)
        FeedHealth.objects.update(memory={**row.memory, "deaf": "REST knew first"})

        eventually(lambda: Event.objects.filter(type="WebSocketReconnected"), "reconnected")
        eventually(lambda: not FeedHealth.objects.get(pk=desk.pk).memory["deaf"], "hears again")
        assert state_of(f"feed:{desk.pk}") == "PAUSED"  # quiet for five seconds first


def rest(desk: Desk, symbol: str = "ETHUSDT") -> Order:
    """An opening of ours that waits far below the market."""
    order_id = uuid4()
    desk.trade(
        Side.BUY, "0.5", symbol=symbol, price="100", client_order_id=client_order_id(order_id)
    )
    eventually(lambda: Order.objects.filter(pk=order_id), "the order is known")
    Order.objects.filter(pk=order_id).update(is_external=False)
    return Order.objects.get(pk=order_id)


def armed(desk: Desk) -> list[str]:
    return list(DeadMan.objects.filter(account_id=desk.pk).values_list("symbol", flat=True))


def told(desk: Desk) -> list[tuple[str, int]]:
    rows = Event.objects.filter(account_id=desk.pk, type="DeadManChanged").order_by("seq")
    return [(row.payload["symbol"], row.payload["countdown_ms"]) for row in rows]


def test_countdown_is_off_unless_the_account_wants_it(desk: Desk) -> None:
    with serving():
        eventually(lambda: is_healthy(desk), "healthy")
        rest(desk)
        time.sleep(1)

    assert told(desk) == []


def test_countdown_runs_while_openings_rest_and_is_renewed(desk: Desk, settings: Settings) -> None:
    settings.DEAD_MAN_COUNTDOWN_S = 2
    ExchangeAccount.objects.update(dead_man_enabled=True)
    with serving():
        eventually(lambda: is_healthy(desk), "healthy")
        order = rest(desk)
        eventually(lambda: armed(desk) == ["ETHUSDT"], "armed")
        time.sleep(4)  # two countdowns: it must have been armed again
        assert Order.objects.get(pk=order.pk).status == OrderStatus.ACKNOWLEDGED
        assert told(desk) == [("ETHUSDT", 2000)]

        ExchangeAccount.objects.update(dead_man_enabled=False)
        eventually(lambda: armed(desk) == [], "disarmed")
        time.sleep(3)
        assert Order.objects.get(pk=order.pk).status == OrderStatus.ACKNOWLEDGED

    assert told(desk) == [("ETHUSDT", 2000), ("ETHUSDT", 0)]


def test_countdown_ends_with_the_last_resting_opening(desk: Desk) -> None:
    ExchangeAccount.objects.update(dead_man_enabled=True)
    with serving():
        eventually(lambda: is_healthy(desk), "healthy")
        order = rest(desk)
        eventually(lambda: armed(desk) == ["ETHUSDT"], "armed")

        Order.objects.filter(pk=order.pk).update(status=OrderStatus.CANCELLED)
        eventually(lambda: armed(desk) == [], "disarmed")

    assert told(desk) == [("ETHUSDT", 120_000), ("ETHUSDT", 0)]


def test_without_a_worker_the_venue_cancels_and_reconciliation_books_it(
    desk: Desk, settings: Settings
) -> None:
    settings.DEAD_MAN_COUNTDOWN_S = 2
    ExchangeAccount.objects.update(dead_man_enabled=True)
    with serving():
        eventually(lambda: is_healthy(desk), "healthy")
        order = rest(desk)
        eventually(lambda: armed(desk) == ["ETHUSDT"], "armed")

    assert StreamLease.objects.get(pk=desk.pk).state == StreamState.DISCONNECTED
    assert armed(desk) == ["ETHUSDT"]

    def is_cancelled() -> bool:
        reconcile_now(desk.pk, scope="orders", trigger="test")
        return Order.objects.get(pk=order.pk).status == OrderStatus.CANCELLED

    eventually(is_cancelled, "cancelled by the venue")
