"""The paper venue for the adapter's contract tests: one process a module, no faults left over."""

from collections.abc import Iterator

import pytest

from tests.contract.exchange.trader import Trader
from tests.support.paper import PaperServer
from tradeops.kit.portal import drive


@pytest.fixture(scope="module")
def paper_process() -> Iterator[PaperServer]:
    """A running paper venue on its seeded walk."""
    with PaperServer() as server:
        yield server


@pytest.fixture
def paper(paper_process: PaperServer) -> Iterator[PaperServer]:
    """The venue without faults and with the right time, before and after."""
    yield paper_process
    paper_process.clear_faults()
    paper_process.request("POST", "/paper/clock", {"offset_ms": 0})


@pytest.fixture
def trader() -> Iterator[Trader]:
    """A paper venue of its own in this process, and the adapter on it."""
    trader = Trader()
    yield trader
    trader.paper.settle()
    drive(trader.port.close())
