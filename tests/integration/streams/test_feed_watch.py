"""The watch: what a dead, silent or deaf stream does to openings, and how they come back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Credential, ExchangeAccount
from orders.models import Fill
from risk.models import EngineStatus
from tradeops.domain.enums import LiquidityRole, PositionSide, Side, Source, StreamState
from tradeops.engine.holds import scope_states
from tradeops.engine.ingest import StaleFence, ingest
from tradeops.exchange.reports import FillReport
from tradeops.journal.models import Event
from tradeops.kit.lease_clock import LeaseTime
from tradeops.streams import lease as leases
from tradeops.streams.models import FeedHealth
from tradeops.streams.services import feed_judgement
from tradeops.streams.services.feed_watch import FeedWatch, in_the_market
from tradeops.streams.services.stream_book import StreamBook

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Bench:
    """An account, a worker's book on it and a watch, on clocks that the test moves."""

    account: ExchangeAccount
    ms: int = 1_000_000
    gone: set[str] = field(default_factory=set)
    sign_ms: int | None = 0

    def __post_init__(self) -> None:
        self.watch = FeedWatch(
            renewed=leases.silence_ms,
            is_gone=lambda owner: owner in self.gone,
            signs=lambda ids: {} if self.sign_ms is None else dict.fromkeys(ids, self.sign_ms),
            clock=self,
        )

    def read(self) -> LeaseTime:
        return LeaseTime("boot-1", self.ms)

    def now(self) -> datetime:
        return NOW + timedelta(milliseconds=self.ms - 1_000_000)

    def monotonic_s(self) -> float:
        return self.ms / 1000

    def start(self, owner: str = "worker-1") -> tuple[leases.Lease, StreamBook]:
        held = leases.acquire(self.account.pk, owner=owner, now=self.now(), clock=self)
        assert held is not None
        fence: Callable[[], None] = lambda: leases.fence(held)  # noqa: E731
        book = StreamBook(
            self.account.pk,
            fence=fence,
            show=lambda state, detail: leases.set_state(held, state, detail, now=self.now()),
            clock=self,
            token=held.token,
            judge=lambda change: feed_judgement.note(
                self.account.pk, change, now=self.now(), fence=fence, clock=self
            ),
        )
        return held, book

    def serve(self, owner: str = "worker-1") -> tuple[leases.Lease, StreamBook]:
        held, book = self.start(owner)
        book.state(StreamState.CONNECTED, "", self.now())
        book.synchronised()
        return held, book

    def look(self, after_s: float = 0) -> str:
        """Let time pass, look, and say what openings meet."""
        self.ms += round(after_s * 1000)
        self.watch.look(self.now())
        return self.state

    @property
    def state(self) -> str:
        row = EngineStatus.objects.filter(pk=f"feed:{self.account.pk}").first()
        held = {scope.scope: scope.state for scope in scope_states(self.account, "BTCUSDT")}
        state = row.state if row is not None else "RUNNING"
        assert held.get(f"feed:{self.account.pk}", "RUNNING") == state
        return state


@pytest.fixture
def bench(committed_db: None) -> Bench:
    account = ExchangeAccount.objects.create(name="main")
    Credential.objects.create(account=account, hint="abcd", created_at=NOW)
    return Bench(account)


def fill(trade_id: str, traded_at: datetime) -> FillReport:
    return FillReport(
        symbol="BTCUSDT",
        trade_id=trade_id,
        venue_order_id="77",
        client_order_id="web_1",
        side=Side.BUY,
        position_side=PositionSide.BOTH,
        price=Decimal("100"),
        quantity=Decimal("1"),
        commission=Decimal("0"),
        commission_asset="USDT",
        realized_pnl=Decimal("0"),
        liquidity=LiquidityRole.TAKER,
        traded_at=traded_at,
    )


def hear(bench: Bench, report: FillReport, source: Source) -> None:
    ingest(bench.account.pk, [report], source=source, actor="test", now=bench.now())


def test_account_that_nobody_serves_opens_nothing(bench: Bench) -> None:
    assert bench.look() == "PAUSED"

    bench.serve()

    assert bench.state == "RUNNING"
    assert bench.look(1) == "RUNNING"


def test_lost_connection_holds_openings_back_at_once(bench: Bench) -> None:
    _, book = bench.serve()

    book.state(StreamState.RECONNECTING, "reset", bench.now())
    assert bench.state == "PAUSED"
    book.state(StreamState.CONNECTED, "", bench.now())
    book.synchronised()

    assert bench.look(4.9) == "PAUSED"
    assert bench.look(0.1) == "RUNNING"


def test_dead_worker_is_found_at_the_next_look(bench: Bench) -> None:
    bench.serve()
    bench.gone.add("worker-1")

    assert bench.look(1) == "PAUSED"
    assert "has died" in FeedHealth.objects.get().reason


def test_successor_that_does_not_connect_changes_nothing(bench: Bench) -> None:
    bench.serve()
    bench.gone.add("worker-1")
    bench.look(1)
    bench.ms += 15_000
    held, book = bench.start("worker-2")

    for _ in range(5):
        assert leases.renew(held, now=bench.now(), clock=bench)
        assert bench.look(3) == "PAUSED"

    book.state(StreamState.CONNECTED, "", bench.now())
    book.synchronised()
    assert bench.state == "RUNNING"


def test_worker_elsewhere_that_is_silent_is_found_within_seconds(bench: Bench) -> None:
    bench.serve()

    bench.sign_ms = 3_100
    assert bench.look(1) == "RUNNING"  # Redis may have been away
    assert bench.look(1) == "PAUSED"
    bench.sign_ms = 200
    assert bench.look(1) == "PAUSED"
    assert bench.look(5) == "RUNNING"


def test_without_redis_the_lease_tells(bench: Bench) -> None:
    held, _ = bench.serve()
    bench.sign_ms = None

    assert bench.look(10) == "RUNNING"
    assert bench.look(0.1) == "PAUSED"
    assert leases.renew(held, now=bench.now(), clock=bench)
    assert bench.look(0) == "PAUSED"
    assert bench.look(5) == "RUNNING"


def test_a_minute_degraded_is_safe_until_all_is_well(bench: Bench) -> None:
    bench.serve()
    bench.gone.add("worker-1")
    bench.look(1)

    assert bench.look(59.9) == "PAUSED"
    assert bench.look(0.1) == "SAFE"
    assert bench.look(100) == "SAFE"

    bench.serve("worker-2")
    assert bench.state == "RUNNING"
    types = list(Event.objects.order_by("seq").values_list("type", flat=True))
    assert [name for name in types if not name.startswith("WebSocket")] == [
        "QuarantineStarted",
        "QuarantineCompleted",
        "QuarantineStarted",
        "EngineModeChanged",
        "QuarantineCompleted",
    ]


def test_deaf_stream_needs_a_new_connection(bench: Bench) -> None:
    held, book = bench.serve()
    bench.look(1)
    happened_at = bench.now()
    bench.ms += 3_100

    hear(bench, fill("1", happened_at), Source.REST)

    assert bench.look(0.5) == "PAUSED"
    assert FeedHealth.objects.get().memory["deaf"]
    assert in_the_market([bench.account.pk]) == [bench.account.pk]
    assert bench.look(9) == "PAUSED"
    assert leases.renew(held, now=bench.now(), clock=bench)
    book.state(StreamState.RECONNECTING, "deaf", bench.now())
    book.state(StreamState.CONNECTED, "", bench.now())
    book.synchronised()
    assert bench.look(0) == "PAUSED"
    assert bench.look(5) == "RUNNING"


@pytest.mark.parametrize(
    ("source", "late_s", "before_connection"),
    [(Source.STREAM, 20, False), (Source.REST, 2.9, False), (Source.REST, 20, True)],
)
def test_fill_that_proves_nothing_changes_nothing(
    bench: Bench, source: Source, late_s: float, *, before_connection: bool
) -> None:
    happened_at = bench.now()
    bench.ms += 1_000
    bench.serve()
    if not before_connection:
        bench.ms += 1_000
        happened_at = bench.now()
    bench.ms += round(late_s * 1000)

    hear(bench, fill("1", happened_at), source)

    assert Fill.objects.count() == 1
    bench.watch.look(bench.now())
    assert not FeedHealth.objects.get().memory["deaf"]


def test_look_writes_nothing_where_nothing_changes(bench: Bench) -> None:
    held, _ = bench.serve()
    bench.look(1)
    events = Event.objects.count()

    for _ in range(20):
        leases.renew(held, now=bench.now(), clock=bench)
        bench.look(5)

    assert Event.objects.count() == events


def test_hold_that_somebody_lifted_is_placed_again(bench: Bench) -> None:
    bench.look()
    EngineStatus.objects.filter(pk=f"feed:{bench.account.pk}").update(state="RUNNING")

    assert bench.look(1) == "PAUSED"


def test_worker_that_lost_its_lease_says_nothing_more(bench: Bench) -> None:
    _, book = bench.serve()
    bench.ms += 15_000
    bench.serve("worker-2")
    before = Event.objects.count()

    with pytest.raises(StaleFence):
        book.state(StreamState.RECONNECTING, "reset", bench.now())
    with pytest.raises(StaleFence):
        book.synchronised()

    assert bench.state == "RUNNING"
    assert Event.objects.count() == before


def test_account_switched_off_is_not_judged(bench: Bench) -> None:
    ExchangeAccount.objects.update(is_active=False)

    assert bench.watch.look(bench.now()) == []
    assert Event.objects.count() == 0
