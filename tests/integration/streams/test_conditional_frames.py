"""Frames of a conditional order, heard in any order: one row under both ids, and one end."""

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from accounts.models import ExchangeAccount
from orders.models import Fill, Order
from tests.contract.exchange.trader import LONG, STOP, Trader
from tradeops.domain.enums import OrderStatus, OrderType, Source, TimeInForce
from tradeops.engine.ingest import ingest
from tradeops.exchange.reports import FillReport, MarkPriceReport, OrderReport, Report, StreamNotice

pytestmark = pytest.mark.django_db

SHUFFLES = 25
STOP_LIMIT = replace(
    STOP, order_type=OrderType.STOP, price=Decimal(59_000), time_in_force=TimeInForce.GTC
)
_names = itertools.count()


def told(trader: Trader) -> list[Report]:
    return [
        item
        for item in trader.paper.items()
        if not isinstance(item, StreamNotice | MarkPriceReport)
    ]


def story_of_a_filled_stop(trader: Trader) -> list[Report]:
    """New, triggered, rests as a limit order, fills."""
    trader.submit(LONG)
    trader.paper.items()
    trader.submit(STOP_LIMIT)
    trader.paper.advance(1)
    trader.paper.quote(Decimal(57_900))
    trader.paper.advance(1)
    trader.paper.quote(Decimal(59_100))
    return told(trader)


def story_of_a_cancelled_stop(trader: Trader) -> list[Report]:
    """New, triggered, rests as a limit order, cancelled unfilled."""
    trader.submit(LONG)
    trader.paper.items()
    trader.submit(STOP_LIMIT)
    trader.paper.advance(1)
    trader.paper.quote(Decimal(57_900))
    trader.paper.advance(1)
    trader.do(trader.port.cancel("BTCUSDT", "ae-stop", conditional=True))
    trader.paper.advance(1)
    return told(trader)


def books_after(reports: Sequence[Report]) -> list[tuple[object, ...]]:
    account = ExchangeAccount.objects.create(name=f"stop-{next(_names)}")
    for report in reports:
        ingest(account.pk, [report], source=Source.STREAM, actor="test", now=LONG.signed_at)
    return [
        (
            row.client_order_id,
            row.venue_order_id,
            row.algo_id,
            row.order_type,
            row.status,
            row.quantity,
            row.trigger_price,
            sum((fill.quantity for fill in Fill.objects.filter(order=row)), Decimal(0)),
        )
        for row in Order.objects.filter(account=account)
    ]


@pytest.mark.parametrize(
    ("story", "status", "filled"),
    [
        (story_of_a_filled_stop, OrderStatus.FILLED, Decimal("0.010")),
        (story_of_a_cancelled_stop, OrderStatus.CANCELLED, Decimal(0)),
    ],
)
def test_frames_in_any_order_make_one_row(
    story: Callable[[Trader], list[Report]], status: OrderStatus, filled: Decimal
) -> None:
    reports = story(Trader())
    assert sum(isinstance(report, OrderReport) for report in reports) >= 4
    assert any(isinstance(report, FillReport) for report in reports) == bool(filled)

    in_turn = books_after(reports)

    ((client_id, venue_id, algo_id, kind, ended, *_, sum_of_fills),) = in_turn
    assert (client_id, kind, ended, sum_of_fills) == ("ae-stop", "STOP", status, filled)
    assert venue_id
    assert algo_id
    chance = random.Random(7)
    for _ in range(SHUFFLES):
        shuffled = list(reports)
        chance.shuffle(shuffled)
        heard = [f"{type(item).__name__} {getattr(item, 'status', '')}" for item in shuffled]
        assert books_after(shuffled) == in_turn, heard
