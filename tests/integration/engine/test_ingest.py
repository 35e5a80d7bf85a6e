"""Whatever comes twice, late or in another order: the books end the same, and rebuild agrees."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Balance, ExchangeAccount
from orders.models import Fill, Order, TradeCursor
from positions.models import Position
from tests.integration.engine.reports import (
    START,
    Story,
    fill_report,
    order_report,
    stop_stories,
    stories,
)
from tradeops.domain.enums import OrderStatus, OrderType, Side, Source
from tradeops.engine.ingest import StaleFence, ingest
from tradeops.engine.rebuild import rebuild
from tradeops.exchange.reports import BalanceReport, Report
from tradeops.journal.event_store import Stored, first_broken_link
from tradeops.journal.models import Event

pytestmark = pytest.mark.django_db

D = Decimal


@pytest.fixture
def account() -> ExchangeAccount:
    return ExchangeAccount.objects.create(name="main")


def take(account: ExchangeAccount, reports: Sequence[Report]) -> list[Stored]:
    return ingest(account.pk, reports, source=Source.STREAM, actor="test", now=START)


def books(account: ExchangeAccount) -> dict[str, Any]:
    """What must not depend on the way news arrived."""
    orders = Order.objects.filter(account=account)
    return {
        "orders": {
            row.venue_order_id or row.algo_id: (
                row.status,
                row.algo_id,
                row.trigger_price,
                row.close_position,
                row.side,
                row.order_type,
                row.quantity,
                row.filled_quantity,
                row.venue_filled_quantity,
                row.filled_notional,
                row.commission,
            )
            for row in orders
        },
        "fills": {row.trade_id: (row.price, row.quantity) for row in Fill.objects.all()},
        "positions": {
            row.symbol: (row.quantity, row.entry_price, row.commission)
            for row in Position.objects.filter(account=account)
        },
        "balances": {
            row.asset: row.wallet_balance for row in Balance.objects.filter(account=account)
        },
    }


class _RollBackError(Exception):
    pass


def books_after(account: ExchangeAccount, batches: Sequence[Sequence[Report]]) -> dict[str, Any]:
    """Books after the batches, checked against rebuild and chain, then undone."""
    outcome: dict[str, Any] = {}
    try:
        with transaction.atomic():
            for batch in batches:
                take(account, batch)
            assert rebuild(apply=False).differences == ()
            assert first_broken_link(account.pk) is None
            outcome = books(account)
            raise _RollBackError
    except _RollBackError:
        return outcome


def cut(reports: Sequence[Report], sizes: Iterator[int]) -> list[Sequence[Report]]:
    batches, start = [], 0
    while start < len(reports):
        size = next(sizes)
        batches.append(reports[start : start + size])
        start += size
    return batches


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(), data=st.data())
def test_shuffled_and_duplicated_reports_change_nothing(
    account: ExchangeAccount, story: Story, data: st.DataObject
) -> None:
    straight = books_after(account, [story.reports])
    repeated = list(story.reports) + data.draw(
        st.lists(st.sampled_from(story.reports), max_size=6) if story.reports else st.just([])
    )
    shuffled = data.draw(st.permutations(repeated))
    sizes = iter(lambda: data.draw(st.integers(1, 5)), None)

    assert books_after(account, cut(shuffled, sizes)) == straight


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stop_stories(), data=st.data())
def test_shuffled_and_duplicated_reports_of_stops_change_nothing(
    account: ExchangeAccount, story: Story, data: st.DataObject
) -> None:
    straight = books_after(account, [story.reports])
    repeated = data.draw(st.lists(st.sampled_from(story.reports), max_size=6))
    shuffled = data.draw(st.permutations([*story.reports, *repeated]))
    sizes = iter(lambda: data.draw(st.integers(1, 5)), None)

    assert books_after(account, cut(shuffled, sizes)) == straight


def test_second_copy_writes_no_event(account: ExchangeAccount) -> None:
    story: list[Report] = [
        order_report(1),
        fill_report(1, 7),
        order_report(1, filled="1", status=OrderStatus.FILLED),
    ]
    first = take(account, story)

    again = take(account, story)

    assert [type(stored.event).__name__ for stored in first] == ["OrderPlaced", "TradeExecuted"]
    assert again == []
    assert Event.objects.count() == 2


def test_fill_of_an_unknown_order_is_adopted_and_completed_later(
    account: ExchangeAccount,
) -> None:
    take(account, [fill_report(1, 7, quantity="2", ours=False)])
    stub = Order.objects.get()
    assert (stub.is_external, stub.order_type, stub.status) == (
        True,
        OrderType.OTHER,
        OrderStatus.PARTIALLY_FILLED,
    )

    report = order_report(
        1, quantity="5", filled="2", status=OrderStatus.PARTIALLY_FILLED, ours=False
    )
    take(account, [report])

    order = Order.objects.get()
    assert order.pk == stub.pk
    assert (order.order_type, order.quantity) == (OrderType.LIMIT, D(5))
    assert (order.status, order.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, D(2))


def test_late_fill_rebooks_the_average_price(account: ExchangeAccount) -> None:
    take(account, [order_report(1, quantity="2")])
    take(account, [fill_report(1, 9, price="70000")])
    take(account, [fill_report(1, 8, price="50000", side=Side.BUY)])

    position = Position.objects.get()

    assert (position.quantity, position.entry_price) == (D(2), D(60000))
    assert position.last_trade_id == 9


def test_fills_join_the_trail_of_their_order(account: ExchangeAccount) -> None:
    take(account, [order_report(1), fill_report(1, 7), fill_report(2, 8, ours=False)])

    trades = Event.objects.filter(type="TradeExecuted").order_by("seq")
    external = Order.objects.get(client_order_id="web_2")
    assert [event.correlation_id for event in trades] == [UUID(int=1), external.pk]


def test_stale_fence_writes_nothing(account: ExchangeAccount) -> None:
    def fence() -> None:
        raise StaleFence

    with pytest.raises(StaleFence):
        ingest(
            account.pk,
            [fill_report(1, 7)],
            source=Source.STREAM,
            actor="test",
            now=START,
            fence=fence,
            cursors={"BTCUSDT": 7},
        )

    assert not Event.objects.exists()
    assert not TradeCursor.objects.exists()


def test_cursor_is_saved_with_the_fills(account: ExchangeAccount) -> None:
    ingest(
        account.pk,
        [fill_report(1, 7)],
        source=Source.REST,
        actor="test",
        now=START,
        cursors={"BTCUSDT": 7},
    )

    assert TradeCursor.objects.get().trade_id == 7


def test_adopted_order_keeps_our_id(account: ExchangeAccount) -> None:
    take(account, [order_report(3)])

    assert Order.objects.get().pk == UUID(int=3)


def test_wallet_that_never_moved_is_dated_now(account: ExchangeAccount) -> None:
    take(account, [BalanceReport("USDT", D(10), datetime(1970, 1, 1, tzinfo=UTC))])

    assert Event.objects.get().occurred_at == START
