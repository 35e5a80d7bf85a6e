"""Stream and REST tell the same story in parts, twice and out of order: the books end the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import Story, at, fill_report, order_report, stories
from tests.integration.engine.test_ingest import books, cut
from tests.integration.reconcile.decisions import look, take
from tests.support.fake_port import FakePort
from tradeops.domain.enums import OrderStatus, PositionSide, Side
from tradeops.engine.rebuild import rebuild
from tradeops.exchange.errors import NotFound
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    OrderReport,
    PositionReport,
    Report,
)
from tradeops.journal.models import Event

pytestmark = pytest.mark.django_db
TERMINAL = {"FILLED", "CANCELLED", "REJECTED", "EXPIRED"}


@dataclass
class StoryPort(FakePort):
    """The venue at the end of a story, page by page."""

    told: list[Report] = field(default_factory=list)

    @property
    def final(self) -> dict[str, OrderReport]:
        """The last state of each order, by its venue id."""
        rows = [item for item in self.told if isinstance(item, OrderReport)]
        return {item.venue_order_id: item for item in rows}

    async def open_orders(self, symbol: str | None = None) -> Sequence[OrderReport]:
        return [item for item in self.final.values() if item.status not in TERMINAL]

    async def order(
        self, symbol: str, client_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        for item in self.final.values():
            if item.client_order_id == client_order_id:
                return item
        raise NotFound("Order does not exist.", code=-2013)

    async def order_by_venue_id(
        self, symbol: str, venue_order_id: str, *, conditional: bool = False
    ) -> OrderReport:
        if venue_order_id not in self.final:
            raise NotFound("Order does not exist.", code=-2013)
        return self.final[venue_order_id]

    async def fills(
        self,
        symbol: str,
        *,
        from_trade_id: str | None = None,
        since: datetime | None = None,
        limit: int = 1000,
    ) -> Sequence[FillReport]:
        first = int(from_trade_id or 0)
        rows = [item for item in self.told if isinstance(item, FillReport)]
        found = [item for item in rows if int(item.trade_id) >= first and item.symbol == symbol]
        # userTrades tells no client id.
        return [replace(item, client_order_id="") for item in found][:limit]

    async def positions(self) -> Sequence[PositionReport]:
        fills = [item for item in self.told if isinstance(item, FillReport)]
        total = sum(item.side.sign * item.quantity for item in fills)
        at = max((item.traded_at for item in fills), default=START)
        return [_leg(total, at)] if total else []

    async def balances(self) -> Sequence[BalanceReport]:
        return [item for item in self.told if isinstance(item, BalanceReport)][-1:]


def _leg(quantity: Any, at: datetime) -> PositionReport:
    return PositionReport("BTCUSDT", PositionSide.BOTH, quantity, quantity, at)


class _RollBackError(Exception):
    pass


def _ends(desk: Desk, batches: Sequence[Sequence[Report]], *, page: int = 0) -> dict[str, Any]:
    """Books after the batches, and after a comparison with pages of so many rows; then undone."""
    outcome: dict[str, Any] = {}
    try:
        with transaction.atomic():
            for batch in batches:
                take(desk, *batch)
            if page:
                look(desk, "all", later_s=120, page=page)
                events = Event.objects.count()
                assert look(desk, "all", later_s=10, page=page).healed == 0
                assert Event.objects.count() == events
            assert rebuild(apply=False).differences == ()
            outcome = books(desk.account)
            raise _RollBackError
    except _RollBackError:
        return outcome


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(story=stories(), data=st.data())
def test_parts_of_a_stream_and_the_rest_by_rest_are_the_whole(
    db: None, story: Story, data: st.DataObject
) -> None:
    desk = open_desk()
    desk.port = port = StoryPort(START, told=list(story.reports))
    straight = _ends(desk, [story.reports])
    heard = data.draw(
        st.lists(st.sampled_from(story.reports), max_size=12) if story.reports else st.just([])
    )
    sizes: Iterator[int] = iter(lambda: data.draw(st.integers(1, 4)), None)

    hybrid = _ends(desk, cut(heard, sizes), page=data.draw(st.integers(1, 4)))

    # Who was cancelled unfilled and unheard is told by nobody: neither a fill nor a list has it.
    unheard = {
        venue_id
        for venue_id in straight["orders"].keys() - hybrid["orders"].keys()
        if port.final[venue_id].status == "CANCELLED" and not port.final[venue_id].filled_quantity
    }
    straight["orders"] = {k: v for k, v in straight["orders"].items() if k not in unheard}
    for part, told in straight.items():
        assert hybrid[part] == told, part


def test_story_without_a_stream_is_read_whole(db: None) -> None:
    """The property would hold for a comparison that reads nothing, were every story heard."""
    desk = open_desk()
    story = _some_story()
    desk.port = StoryPort(START, told=list(story))

    told = _ends(desk, [], page=2)

    assert told == _ends(desk, [story])
    assert len(told["fills"]) == 3


def _some_story() -> Sequence[Report]:
    order = order_report(1, quantity="3", moment=1)
    return [
        order,
        *[fill_report(1, number, moment=number) for number in (1, 2, 3)],
        replace(order, filled_quantity=order.quantity, status=OrderStatus.FILLED, updated_at=at(3)),
        BalanceReport("USDT", order.quantity * 3000, at(3)),
        order_report(2, side=Side.SELL, moment=4, ours=False),
    ]
