"""The last line behind every rule that says "once": the database itself refuses the second row."""

import copy
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, IntegrityError, models, transaction

from accounts.models import ExchangeAccount
from orders.models import Fill, TradeCursor
from tradeops.domain.enums import LiquidityRole, PositionSide, Side, Source
from tradeops.domain.events import EnginePaused
from tradeops.journal.event_store import Draft, Origin, append
from tradeops.journal.models import Command, Event
from tradeops.kit.db import write_transaction

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def assert_refused(row: models.Model) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def event() -> Event:
    with write_transaction():
        append(
            1,
            [Draft(EnginePaused("account:1", "x"), NOW, "key")],
            Origin("user:1", Source.API, NOW),
        )
    return Event.objects.get()


def again(row: Event) -> Event:
    second = copy.copy(row)
    second.pk = None
    second._state = copy.copy(row._state)
    return second


def test_database_refuses_a_second_event_with_one_key() -> None:
    second = again(event())
    second.seq = 2

    assert_refused(second)


def test_database_refuses_a_second_event_at_one_place() -> None:
    second = again(event())
    second.dedup_key = None

    assert_refused(second)


def test_database_refuses_a_second_fill_of_one_trade() -> None:
    account = ExchangeAccount.objects.create(name="main")
    order_id = uuid4()

    def fill() -> Fill:
        return Fill(
            id=uuid4(),
            account=account,
            order_id=order_id,
            symbol="BTCUSDT",
            trade_id=7,
            side=Side.BUY,
            position_side=PositionSide.BOTH,
            price=Decimal(60000),
            quantity=Decimal("0.01"),
            commission=Decimal(0),
            commission_asset="USDT",
            realized_pnl=Decimal(0),
            liquidity=LiquidityRole.TAKER,
            traded_at=NOW,
        )

    fill().save(force_insert=True)

    assert_refused(fill())


def test_database_refuses_a_second_cursor_of_one_symbol() -> None:
    account = ExchangeAccount.objects.create(name="main")
    TradeCursor.objects.create(account=account, symbol="BTCUSDT", trade_id=1)

    assert_refused(TradeCursor(account=account, symbol="BTCUSDT", trade_id=2))


def test_database_refuses_a_second_holder_of_a_lane() -> None:
    def holder() -> Command:
        return Command(
            account_id=1,
            kind="PlaceOrder",
            payload={},
            lane="1:BTCUSDT",
            holds_lane=True,
            principal="user:1",
            source=Source.API,
            created_at=NOW,
            idempotency_key=str(uuid4()),
        )

    holder().save(force_insert=True)

    assert_refused(holder())


def test_database_refuses_to_revive_a_command_that_ended() -> None:
    command = Command.objects.create(
        account_id=1,
        kind="PlaceOrder",
        payload={},
        status="FAILED",
        principal="user:1",
        source=Source.API,
        created_at=NOW,
        idempotency_key="key",
    )

    with pytest.raises(DatabaseError), transaction.atomic():
        Command.objects.filter(pk=command.pk).update(status="NEW")
