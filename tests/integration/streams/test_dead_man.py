"""What counts as an armed countdown when the venue's answer is lost."""

from dataclasses import dataclass

import pytest

from tests.integration.engine.desk import START
from tests.support.fake_port import FakePort
from tradeops.domain.clock import FrozenClock
from tradeops.exchange.errors import Ambiguous, ExchangeError, Rejected
from tradeops.kit.portal import drive
from tradeops.streams.services.dead_man import DeadManKeeper


@dataclass
class _Refusing(FakePort):
    failure: ExchangeError | None = None

    async def arm_dead_man(self, symbol: str, countdown_ms: int) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.mark.parametrize(
    ("failure", "may_run", "is_over"),
    [
        (None, True, True),
        (Ambiguous("timeout"), True, False),
        (Rejected("no such symbol", code=-1121), False, False),
    ],
)
def test_countdown_that_may_run_counts_as_armed_until_it_surely_ended(
    failure: ExchangeError | None, *, may_run: bool, is_over: bool
) -> None:
    keeper = DeadManKeeper(1, countdown_ms=120_000, fence=lambda: None, clock=FrozenClock(START))
    port = _Refusing(START, failure=failure)

    assert drive(keeper.arm(port, "BTCUSDT")) is may_run
    assert drive(keeper.disarm(port, "BTCUSDT")) is is_over
