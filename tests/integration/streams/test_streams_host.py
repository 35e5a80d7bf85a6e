"""The streams worker against the paper venue: frames become facts, gaps are filled, leases pass."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from accounts.models import Balance, ExchangeAccount
from orders.models import Fill, Order
from tests.integration.reconcile.fixtures import Desk
from tests.integration.streams.books import assert_equals_venue, equals_venue
from tradeops.domain.enums import Side
from tradeops.journal.models import Event
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.heartbeat import heartbeat_key, heartbeats
from tradeops.kit.redis_client import redis_client
from tradeops.market.cache import marks
from tradeops.reconcile.services.reconcile_now import fill_gap
from tradeops.streams import lease as leases
from tradeops.streams.models import FeedHealth, StreamLease
from tradeops.streams.services import vitals
from tradeops.streams.worker import StreamsHost


@contextmanager
def serving(gap: Callable[[int], None] = fill_gap) -> Iterator[StreamsHost]:
    host = StreamsHost(gap)
    host.start()
    try:
        yield host
    finally:
        host.stop()


def eventually(is_so: Callable[[], Any], *, timeout_s: float = 20.0) -> Any:
    deadline = time.monotonic() + timeout_s
    while not (value := is_so()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)
    return value


def connected(desk: Desk) -> Callable[[], bool]:
    return lambda: StreamLease.objects.filter(pk=desk.pk, state="CONNECTED").exists()


def healthy(desk: Desk) -> Callable[[], bool]:
    return lambda: FeedHealth.objects.filter(pk=desk.pk, state="HEALTHY").exists()


def synchronised(desk: Desk) -> Callable[[], bool]:
    return lambda: Balance.objects.filter(account_id=desk.pk).exists()


def event_types() -> list[str]:
    return list(Event.objects.order_by("seq").values_list("type", flat=True))


def test_frames_become_facts(desk: Desk) -> None:
    with serving():
        eventually(connected(desk))
        eventually(synchronised(desk))
        bought = desk.trade(Side.BUY, "0.010")
        eventually(lambda: Fill.objects.filter(order__venue_order_id=bought.venue_order_id))
        fill_event = Event.objects.filter(type="TradeExecuted").first()
        assert fill_event is not None
        assert fill_event.source == "STREAM"
        eventually(lambda: equals_venue(desk))


def test_gap_is_filled_on_every_connection(desk: Desk) -> None:
    desk.trade(Side.BUY, "0.010")

    with serving():
        eventually(lambda: Fill.objects.count() > 0)
        eventually(synchronised(desk))

        # Frames get lost, then the connection: what happened in between comes over REST.
        desk.venue.fault(kind="ws_drop", match=desk.account.name)
        desk.trade(Side.BUY, "0.020")
        missed = desk.trade(Side.SELL, "0.005")
        desk.venue.clear_faults()
        desk.venue.fault(kind="ws_disconnect", match=desk.account.name)
        eventually(lambda: Order.objects.filter(venue_order_id=missed.venue_order_id))
        eventually(lambda: "WebSocketReconnected" in event_types())
        eventually(lambda: equals_venue(desk))

    assert_equals_venue(desk)
    stream = [name for name in event_types() if name.startswith("WebSocket")]
    assert stream == [
        "WebSocketConnected",
        "WebSocketDisconnected",
        "WebSocketReconnected",
        "WebSocketDisconnected",
    ]


def test_duplicated_frames_are_booked_once(desk: Desk) -> None:
    desk.venue.fault(kind="ws_duplicate", match=desk.account.name)

    with serving():
        eventually(connected(desk))
        for side in (Side.BUY, Side.BUY, Side.SELL, Side.BUY):
            desk.trade(side, "0.003")
        eventually(lambda: equals_venue(desk))

    assert_equals_venue(desk)


def test_expired_listen_key_costs_a_gap_and_no_fill(desk: Desk) -> None:
    with serving():
        eventually(connected(desk))
        eventually(synchronised(desk))
        desk.venue.fault(kind="listen_key_expire", match=desk.account.name)
        desk.trade(Side.BUY, "0.010")
        eventually(lambda: "WebSocketReconnected" in event_types())
        eventually(lambda: Fill.objects.count() == len(desk.truth()["fills"]) > 0)


def test_second_worker_takes_over_only_what_is_free(desk: Desk) -> None:
    with serving() as first, serving() as second:
        eventually(connected(desk))
        assert StreamLease.objects.get(pk=desk.pk).owner in {first.owner, second.owner}
        desk.trade(Side.BUY, "0.010")
        eventually(lambda: Fill.objects.count() == len(desk.truth()["fills"]))

    assert event_types().count("WebSocketConnected") == 1
    row = StreamLease.objects.get(pk=desk.pk)
    assert row.state == "DISCONNECTED"
    assert row.expires_at <= SYSTEM_CLOCK.now()


def test_owner_that_lost_its_lease_writes_nothing_more(desk: Desk) -> None:
    with serving(gap=lambda _account_id: None):
        eventually(healthy(desk))
        before = Event.objects.count()
        # Somebody else takes over, as after a long pause of this process.
        StreamLease.objects.update(owner="somebody else", token=99)
        desk.trade(Side.BUY, "0.010")
        eventually(lambda: not _serves(desk))

    assert Event.objects.count() == before
    row = StreamLease.objects.get(pk=desk.pk)
    assert (row.owner, row.token) == ("somebody else", 99)


def _serves(desk: Desk) -> bool:
    return any(thread.name.startswith(f"account-{desk.pk}_") for thread in threading.enumerate())


def test_account_switched_off_is_no_longer_served(desk: Desk) -> None:
    with serving():
        eventually(connected(desk))
        ExchangeAccount.objects.update(is_active=False)
        eventually(lambda: not connected(desk)())

    assert event_types()[-2:] == ["WebSocketDisconnected", "QuarantineStarted"]


def test_marks_and_vitals_are_shared(desk: Desk) -> None:
    redis_client().delete("tradeops:marks", heartbeat_key("streams"))

    with serving() as host:
        eventually(connected(desk))
        eventually(lambda: "BTCUSDT" in marks(["BTCUSDT"]))
        eventually(lambda: heartbeats(["streams"]).get("streams", {}).get("owner") == host.owner)
        eventually(lambda: redis_client().get(vitals.rate_key(desk.pk)))


def test_poison_is_set_aside_and_never_blocks_the_next(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    # A row that no fill can be booked on: its order was deleted behind the journal's back.
    with serving(gap=lambda _account_id: None):
        eventually(connected(desk))
        resting = desk.trade(Side.BUY, "0.5", symbol="ETHUSDT", price="100")
        eventually(lambda: Order.objects.filter(venue_order_id=resting.venue_order_id))
        Order.objects.filter(venue_order_id=resting.venue_order_id).update(status="NONSENSE")
        desk.venue.set_price("ETHUSDT", "99")
        good = desk.trade(Side.BUY, "0.010")
        eventually(lambda: Fill.objects.filter(order__venue_order_id=good.venue_order_id))

    assert "set aside" in caplog.text


def test_stop_before_anything_is_served_ends(committed_db: None) -> None:
    with serving():
        pass

    assert leases.TTL.total_seconds() > leases.SELF_STOP_S > leases.RENEW_S
