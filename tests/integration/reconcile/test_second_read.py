"""One read of positions proves nothing: what only the first one said holds nobody back (F14)."""

from collections.abc import Sequence

import pytest

from risk.models import EngineStatus
from tests.integration.engine.desk import open_desk
from tests.integration.reconcile.decisions import fill_at, leg, look, take
from tests.support.fake_port import FakePort
from tradeops.exchange.reports import PositionReport
from tradeops.reconcile.models import Drift

pytestmark = pytest.mark.django_db


class _EmptyAtFirst(FakePort):
    """Says once that nothing is held, and the truth from then on."""

    reads = 0

    async def positions(self) -> Sequence[PositionReport]:
        self.reads += 1
        return [] if self.reads == 1 else await super().positions()


def test_difference_that_the_second_read_does_not_show_is_none() -> None:
    desk = open_desk()
    take(desk, fill_at(desk, 7, "0.02"))
    desk.port = port = _EmptyAtFirst(desk.clock.now())
    port.legs = [leg("0.02", desk.clock.now())]

    look(desk)

    assert port.reads == 2
    assert not Drift.objects.exists()
    assert not EngineStatus.objects.exists()


def test_degraded_look_leaves_the_rest_of_the_budget_to_others() -> None:
    desk = open_desk()
    take(desk, fill_at(desk, 7, "0.02"))
    desk.port.legs, desk.port.level = [leg("0.05", desk.clock.now())], "WARN"

    look(desk, "degraded")
    assert not Drift.objects.exists()

    desk.port.level = "OK"
    look(desk, "degraded")
    assert Drift.objects.exists()
