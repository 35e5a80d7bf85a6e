"""The snapshot's numbers, from rows that ingest wrote."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ExchangeAccount
from tests.integration.live.client import NOW, journal
from tradeops.desk.snapshot import account_snapshot
from tradeops.domain.enums import (
    EngineState,
    LiquidityRole,
    MarginMode,
    PositionSide,
    Side,
    Source,
    StreamState,
)
from tradeops.domain.events import (
    BalanceChanged,
    DomainEvent,
    EngineModeChanged,
    EnginePaused,
    EngineResumed,
    PositionChanged,
)
from tradeops.engine.ingest import ingest
from tradeops.exchange.reports import FillReport, MarkPriceReport
from tradeops.kit.redis_client import redis_client
from tradeops.market.cache import MARKS_KEY, store_marks


def _book(account: ExchangeAccount, *, trade_id: str, price: Decimal) -> None:
    fill = FillReport(
        symbol="BTCUSDT",
        trade_id=trade_id,
        venue_order_id=f"{trade_id}0",
        client_order_id="by-hand",
        side=Side.BUY,
        position_side=PositionSide.BOTH,
        price=price,
        quantity=Decimal("0.1"),
        commission=Decimal("0.2"),
        commission_asset="USDT",
        realized_pnl=Decimal(0),
        liquidity=LiquidityRole.TAKER,
        traded_at=NOW,
    )
    ingest(account.pk, [fill], source=Source.REST, actor="test", now=NOW)


@pytest.fixture
def holding(account: ExchangeAccount) -> ExchangeAccount:
    """0.1 BTC long from 60,000, ten times, with 1,000 USDT in the wallet; no mark price yet."""
    redis_client().delete(MARKS_KEY)
    _book(account, trade_id="7", price=Decimal(60_000))
    journal(
        account.pk,
        events=[
            PositionChanged("BTCUSDT", PositionSide.BOTH, NOW, 10, MarginMode.CROSS),
            BalanceChanged("USDT", Decimal(1_000), None, "ORDER", NOW),
        ],
    )
    return account


def test_position_is_valued_at_the_mark_price(holding: ExchangeAccount) -> None:
    store_marks([MarkPriceReport("BTCUSDT", Decimal(61_500), NOW)])

    snapshot = account_snapshot(holding.pk)

    (position,) = snapshot["positions"]
    assert position["direction"] == "LONG"
    assert position["upnl"] == "150"
    assert position["roe_pct"] == "25"  # 150 of 600 margin
    assert position["notional"] == "6150"
    # (0.1 x 60,000 - 1,000) / (0.1 x 0.996)
    assert position["liquidation_price"] == "50200.80321285"
    assert snapshot["equity"] == {
        "wallet": "1000",
        "upnl": "150",
        "equity": "1150",
        "margin": "600",
    }


def test_position_without_mark_price_claims_no_profit(holding: ExchangeAccount) -> None:
    snapshot = account_snapshot(holding.pk)

    (position,) = snapshot["positions"]
    assert (position["mark_price"], position["upnl"], position["roe_pct"]) == (None, None, None)
    assert snapshot["equity"]["equity"] is None


def test_sequence_number_is_the_journal_s_head(holding: ExchangeAccount) -> None:
    before = account_snapshot(holding.pk)["seq"]
    journal(holding.pk)

    assert account_snapshot(holding.pk)["seq"] == before + 1


def test_external_order_and_its_fill_are_shown(holding: ExchangeAccount) -> None:
    snapshot = account_snapshot(holding.pk)

    (fill,) = snapshot["fills"]
    assert (fill["symbol"], fill["quantity"], fill["price"]) == ("BTCUSDT", "0.1", "60000")
    assert fill["order_id"]


@pytest.mark.parametrize(
    ("account_event", "desk_event", "state", "scope"),
    [
        (EnginePaused, None, EngineState.PAUSED, "account"),
        (None, EnginePaused, EngineState.PAUSED, "all"),
        (EngineResumed, EnginePaused, EngineState.PAUSED, "all"),
        (EngineResumed, EngineResumed, EngineState.RUNNING, None),
    ],
)
def test_engine_shows_the_most_restrictive_scope(
    account: ExchangeAccount,
    account_event: type[EnginePaused | EngineResumed] | None,
    desk_event: type[EnginePaused | EngineResumed] | None,
    state: EngineState,
    scope: str | None,
) -> None:
    own = f"account:{account.pk}"
    if account_event is not None:
        journal(account.pk, events=[account_event(own, "why")])
    if desk_event is not None:
        journal(0, events=[desk_event("all", "why")])

    engine = account_snapshot(account.pk)["engine"]

    assert engine["state"] == state
    if scope is not None:
        assert engine["scope"] == (own if scope == "account" else "all")


def test_halt_outranks_a_pause_of_the_desk(account: ExchangeAccount) -> None:
    halted: list[DomainEvent] = [
        EngineModeChanged(f"account:{account.pk}", EngineState.HALTED, "storm")
    ]
    journal(account.pk, events=halted)
    journal(0, events=[EnginePaused("all", "lunch")])

    engine = account_snapshot(account.pk)["engine"]

    assert (engine["state"], engine["reason"]) == (EngineState.HALTED, "storm")


def test_stream_that_nobody_serves_is_disconnected(account: ExchangeAccount) -> None:
    assert account_snapshot(account.pk)["engine"]["stream"]["state"] == StreamState.DISCONNECTED


def test_snapshot_takes_the_same_queries_for_any_number_of_rows(holding: ExchangeAccount) -> None:
    with CaptureQueriesContext(connection) as few:
        account_snapshot(holding.pk)
    for number in range(8, 11):
        _book(holding, trade_id=str(number), price=Decimal(60_000))
    with CaptureQueriesContext(connection) as many:
        found = account_snapshot(holding.pk)

    assert len(found["fills"]) == 4
    assert len(many) == len(few)
