"""A short soak: people work for a while on a venue that fails one call and frame in twenty."""

from pathlib import Path

import pytest

from tests.soak.run import ENVIRONMENT, Plan, soak
from tests.support.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.once, pytest.mark.timeout(420)]

# Times depend on the machine: they are judged by `make soak`.
TIMES = "fill → journal"


def test_nothing_is_sent_twice_and_nothing_is_lost(tmp_path: Path) -> None:
    with Stack(tmp_path / "home", environment=ENVIRONMENT) as stack:
        lines = soak(stack, Plan(seconds=45, rate=5, faults=0.05), print)

    wrong = [line for line in lines if line.ok is False and not line.what.startswith(TIMES)]
    assert not wrong, "\n".join(f"{line.what}: {line.measured} {line.detail}" for line in wrong)
    (struck,) = (line for line in lines if line.what == "faults struck")
    assert int(struck.measured) > 10
