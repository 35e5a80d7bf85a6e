"""Income by its transaction id, whatever the pages; and wallets that add up (I4)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import ExchangeAccount, IncomeCursor, WalletLedger
from accounts.selectors import wallet_equation
from orders.models import Fill
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tests.integration.reconcile.decisions import fill_at, look, take, wallet
from tests.support.fake_port import FakePort
from tradeops.domain.enums import Source
from tradeops.engine.ingest import ingest
from tradeops.engine.rebuild import rebuild
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    FundingReport,
    IncomeReport,
    Report,
)
from tradeops.journal.models import Event
from tradeops.reconcile.services.money_compare import INCOME_OVERLAP

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def income(
    number: int,
    amount: str,
    at: datetime,
    *,
    kind: str = "FUNDING_FEE",
    asset: str = "USDT",
    trade_id: str = "",
) -> IncomeReport:
    return IncomeReport(kind, asset, D(amount), "BTCUSDT", str(number), at, trade_id)


def paid(desk: Desk) -> list[Decimal]:
    rows = Event.objects.filter(account_id=desk.account.pk, type="FundingApplied").order_by("seq")
    return [D(row.payload["amount"]) for row in rows]


def test_funding_is_booked_once_and_the_wallet_adds_up(desk: Desk) -> None:
    desk.clock.advance(60)
    at = desk.clock.now()
    desk.port.income_rows = [income(1, "-0.5", at), income(2, "2", at, kind="TRANSFER")]
    desk.port.wallets = [BalanceReport("USDT", D("10001.5"), at)]

    look(desk, "balances")
    look(desk, "balances")

    assert paid(desk) == [D("-0.5")]
    assert Event.objects.filter(type="IncomeBooked").count() == 1
    equation = wallet_equation(desk.account.pk, "USDT")
    assert (equation.funding, equation.other, equation.difference) == (D("-0.5"), D(2), D(0))
    assert wallet(desk) == D("10001.5")
    assert rebuild(apply=False).differences == ()


def test_row_that_appears_late_is_read_by_the_overlap(desk: Desk) -> None:
    desk.clock.advance(600)
    first, late = desk.clock.now(), desk.clock.now() - INCOME_OVERLAP + timedelta(seconds=1)
    desk.port.income_rows = [income(1, "1", first)]
    look(desk, "income")
    desk.port.income_rows.insert(0, income(2, "2", late))
    look(desk, "income")

    assert paid(desk) == [D(1), D(2)]
    assert IncomeCursor.objects.get().read_until == first


@dataclass
class WeeklyPort(FakePort):
    """Like the venue: one answer spans a week at most."""

    async def income(self, *, since: datetime, limit: int = 1000) -> list[IncomeReport]:
        while True:
            until = since + timedelta(days=7)
            rows = [row for row in self.income_rows if since <= row.booked_at <= until]
            if rows or until >= self.now:
                return sorted(rows, key=lambda row: row.booked_at)[:limit]
            since = until


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    minutes=st.lists(st.integers(0, 60 * 24 * 40), max_size=12, unique=True),
    page=st.integers(1, 5),
)
def test_every_row_is_booked_whatever_the_pages(db: None, minutes: list[int], page: int) -> None:
    desk = open_desk()
    desk.port = WeeklyPort(START)
    desk.clock.advance(60 * 60 * 24 * 41)
    desk.port.now = desk.clock.now()
    desk.port.income_rows = [
        income(number, "1", START + timedelta(minutes=minute))
        for number, minute in enumerate(minutes)
    ]
    look(desk, "income", later_s=0, page=page)
    look(desk, "income", page=page)

    assert len(paid(desk)) == len(minutes)


def test_quiet_account_is_read_to_the_end_though_its_last_row_is_old(desk: Desk) -> None:
    desk.port = WeeklyPort(START)
    desk.port.income_rows = [income(1, "1", START + timedelta(minutes=1))]
    look(desk, "income", later_s=120)
    desk.clock.advance(60 * 60 * 24 * 20)
    desk.port.now = desk.clock.now()
    desk.port.income_rows.append(income(2, "2", desk.clock.now()))

    look(desk, "income")

    assert paid(desk) == [D(1), D(2)]


class _HistoryPort(FakePort):
    """Trades by their id, as userTrades tells them."""

    async def fills(
        self,
        symbol: str,
        *,
        from_trade_id: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> list[FillReport]:
        first = int(from_trade_id or 0)
        return [fill for fill in self.trades if int(fill.trade_id) >= first][:limit]


def test_commission_without_its_fill_reads_the_gap_again(desk: Desk) -> None:
    """The cursor has passed a trade that was never booked: income proves it."""
    desk.port = _HistoryPort(START)
    desk.clock.advance(600)
    old = desk.clock.now() - timedelta(seconds=300)
    gap = replace(fill_report(1, 4, ours=False), traded_at=old, client_order_id="")
    known = replace(fill_report(2, 9, ours=False), traded_at=old, client_order_id="")
    desk.port.trades = [known]
    look(desk, "positions")
    desk.port.trades = [gap, known]
    fee = income(1, "-0.03", old, kind="COMMISSION", trade_id="4")
    desk.port.income_rows = [fee]

    assert set(Fill.objects.values_list("trade_id", flat=True)) == set()
    desk.port.legs = []
    look(desk, "all")

    assert set(Fill.objects.values_list("trade_id", flat=True)) == {4, 9}


def test_fills_of_all_assets_add_up_to_their_wallets(desk: Desk) -> None:
    take(desk, BalanceReport("BNB", D(1), START))
    desk.clock.advance(1)
    at = desk.clock.now()
    closing = replace(
        fill_at(desk, 7, "0.02"),
        realized_pnl=D("12.5"),
        commission=D("0.0004"),
        commission_asset="BNB",
    )
    rebate = replace(fill_at(desk, 8, "0.01"), commission=D("-0.1"), realized_pnl=D("-2"))
    take(desk, closing, rebate)
    take(desk, BalanceReport("BNB", D("0.9996"), at), BalanceReport("USDT", D("10010.6"), at))

    for asset in ("BNB", "USDT"):
        assert wallet_equation(desk.account.pk, asset).difference == 0
    assert rebuild(apply=False).differences == ()


@given(order=st.permutations(range(4)))
@settings(max_examples=24, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_flows_before_the_first_figure_count_by_their_time(db: None, order: list[int]) -> None:
    """An opening figure contains what happened before it, and nothing else."""
    account = ExchangeAccount.objects.create(
        name=f"a{'-'.join(map(str, order))}-{Event.objects.count()}"
    )
    figure = BalanceReport("USDT", D(1000), START)
    before = income(1, "5", START)
    after = income(2, "7", START + timedelta(seconds=1))
    later = fill_report(1, 1, moment=2000)
    reports: list[Report] = [figure, before, after, later]
    for index in order:
        now = START + timedelta(seconds=9)
        ingest(account.pk, [reports[index]], source=Source.REST, actor="test", now=now)

    row = WalletLedger.objects.get(account=account, asset="USDT")
    assert (row.opening, row.funding, row.commission) == (D(1000), D(7), D("0.03"))
    assert row.pending == []


def test_funding_heard_on_the_stream_asks_for_income(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    sent = []
    monkeypatch.setattr(
        "tradeops.engine.facts_account.current_app.send_task",
        lambda name, **options: sent.append((name, options["kwargs"])),
    )
    at = desk.clock.now()
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture
        take(desk, FundingReport("USDT", D("-1"), at))
        take(desk, BalanceReport("USDT", D(9999), at, reason="ORDER"))

    assert sent == [
        (
            "tradeops.reconcile.tasks.reconcile_account",
            {"account_id": desk.account.pk, "scope": "income"},
        )
    ]
    assert paid(desk) == []
