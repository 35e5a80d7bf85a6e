"""Whatever the sides hold: equal sides differ in nothing, and nothing is left after healing."""

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from orders.domain.lifecycle import advance
from tradeops.domain.enums import OrderStatus, OrderType, PositionSide, Side
from tradeops.domain.ids import client_order_id
from tradeops.exchange.reports import OrderReport, PositionReport
from tradeops.reconcile.domain.diff import (
    diff_orders,
    diff_positions,
    is_news,
    order_mismatches,
)
from tradeops.reconcile.domain.sides import LocalOrder, LocalPosition

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OPEN = (OrderStatus.ACKNOWLEDGED, OrderStatus.PARTIALLY_FILLED)
quantities = st.integers(0, 1000).map(lambda units: Decimal(units).scaleb(-3))
ages = st.integers(10, 10_000).map(lambda seconds: NOW - timedelta(seconds=seconds))


@st.composite
def reports(draw: st.DrawFn, order_id: uuid.UUID | None = None) -> OrderReport:
    quantity = draw(quantities) + Decimal("0.001")
    return OrderReport(
        symbol=draw(st.sampled_from(["BTCUSDT", "ETHUSDT"])),
        venue_order_id=str(draw(st.integers(1, 10**9))),
        client_order_id=client_order_id(order_id or draw(st.uuids(version=4))),
        side=draw(st.sampled_from(Side)),
        order_type=OrderType.LIMIT,
        status=draw(st.sampled_from(OPEN)),
        quantity=quantity,
        filled_quantity=min(quantity, draw(quantities)),
        price=Decimal(100),
        average_price=None,
        time_in_force=None,
        reduce_only=False,
        close_position=False,
        position_side=PositionSide.BOTH,
        updated_at=draw(ages),
    )


def learn(order: LocalOrder | None, report: OrderReport) -> LocalOrder:
    """What ingest makes of a report, in the terms of the comparison."""
    if order is None:
        return LocalOrder(
            uuid.UUID(hex=report.client_order_id[3:]),
            report.client_order_id,
            report.venue_order_id,
            report.symbol,
            report.status,
            report.quantity,
            report.price,
            report.filled_quantity,
            report.filled_quantity,
            report.updated_at,
        )
    return dataclasses.replace(
        order,
        status=advance(order.status, report.status),
        filled_quantity=max(order.filled_quantity, report.filled_quantity),
        venue_order_id=report.venue_order_id,
        updated_at=max(order.updated_at, report.updated_at),
    )


@given(st.lists(reports(), max_size=8, unique_by=lambda report: report.client_order_id))
def test_orders_equal_sides_differ_in_nothing(venue: list[OrderReport]) -> None:
    local = [learn(None, report) for report in venue]

    found = diff_orders(local, venue, now=NOW)

    assert found.heals == ()
    assert found.lookups == ()
    assert order_mismatches(local, venue, now=NOW) == ()


@given(
    st.lists(reports(), max_size=8, unique_by=lambda report: report.client_order_id),
    st.data(),
)
def test_orders_after_healing_nothing_is_left(
    venue: list[OrderReport], data: st.DataObject
) -> None:
    known = data.draw(st.lists(st.sampled_from(venue), unique=True)) if venue else []
    local = {
        report.client_order_id: dataclasses.replace(
            learn(None, report),
            status=data.draw(st.sampled_from([OrderStatus.SUBMITTED, report.status])),
            filled_quantity=Decimal(0),
        )
        for report in known
    }

    for report in diff_orders(list(local.values()), venue, now=NOW).heals:
        local[report.client_order_id] = learn(local.get(report.client_order_id), report)

    again = diff_orders(list(local.values()), venue, now=NOW)
    assert again.heals == ()
    assert order_mismatches(list(local.values()), venue, now=NOW) == ()


@given(st.uuids(version=4), st.data())
def test_orders_any_order_of_any_copies_ends_in_the_same_state(
    order_id: uuid.UUID, data: st.DataObject
) -> None:
    told = data.draw(st.lists(reports(order_id), min_size=1, max_size=3))
    told = [dataclasses.replace(item, symbol="BTCUSDT", venue_order_id="7") for item in told]
    ends = set()

    for shuffled in permutations([*told, told[0]]):
        order: LocalOrder | None = None
        for report in shuffled:
            if is_news(order, report):
                order = learn(order, report)
        assert order is not None
        ends.add((order.status, order.filled_quantity))

    assert len(ends) == 1


@given(
    st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), quantities),
    st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), quantities),
)
def test_positions_differ_exactly_where_quantities_do(
    ours: dict[str, Decimal], theirs: dict[str, Decimal]
) -> None:
    local = [LocalPosition(s, PositionSide.BOTH, q, NOW) for s, q in ours.items()]
    venue = [PositionReport(s, PositionSide.BOTH, q, Decimal(1), NOW) for s, q in theirs.items()]

    found = {item.symbol for item in diff_positions(local, venue)}

    zero = Decimal(0)
    assert found == {s for s in ours | theirs if ours.get(s, zero) != theirs.get(s, zero)}
