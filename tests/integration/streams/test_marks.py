"""Marks reach every process and the watchers of each account, with unrealised PnL."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from channels.layers import get_channel_layer

from accounts.models import ExchangeAccount
from positions.live import group_name
from positions.models import Position
from tradeops.domain.enums import PositionSide
from tradeops.exchange.reports import MarkPriceReport
from tradeops.market.cache import marks
from tradeops.streams.services.mark_feed import publish

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def leg(account: ExchangeAccount, symbol: str, side: PositionSide, quantity: str) -> None:
    Position.objects.create(
        id=f"{account.pk}:{symbol}:{side}",
        account=account,
        symbol=symbol,
        position_side=side,
        quantity=Decimal(quantity),
        entry_price=Decimal(100),
        realized_pnl=Decimal(0),
        commission=Decimal(0),
        updated_at=NOW,
    )


async def _heard(account: ExchangeAccount, reports: list[MarkPriceReport]) -> dict[str, Any]:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(group_name(account.pk), channel)
    await asyncio.to_thread(publish, reports, [account.pk])
    message: dict[str, Any] = await asyncio.wait_for(layer.receive(channel), 10)
    await layer.group_discard(group_name(account.pk), channel)
    return message


def test_marks_carry_the_pnl_of_all_legs_of_a_symbol(committed_db: None) -> None:
    account = ExchangeAccount.objects.create(name="main")
    other = ExchangeAccount.objects.create(name="other")
    leg(account, "BTCUSDT", PositionSide.LONG, "0.5")
    leg(account, "BTCUSDT", PositionSide.SHORT, "-0.2")
    leg(other, "ETHUSDT", PositionSide.BOTH, "9")
    reports = [
        MarkPriceReport("BTCUSDT", Decimal("110.5"), NOW),
        MarkPriceReport("ETHUSDT", Decimal(90), NOW),
    ]

    message = asyncio.run(_heard(account, reports))

    assert message["data"] == {
        "BTCUSDT": {"mark": "110.5", "upnl": "3.15"},
        "ETHUSDT": {"mark": "90", "upnl": "0"},
    }
    shared = marks(["BTCUSDT", "ETHUSDT"])
    assert {symbol: mark.mark_price for symbol, mark in shared.items()} == {
        "BTCUSDT": Decimal("110.5"),
        "ETHUSDT": Decimal(90),
    }
