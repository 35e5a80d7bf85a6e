"""`manage.py simulate`: repeatable, quiet on sound code, loud on the bugs that it is there for."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Seeds that broke an invariant, of the product or of one with a planted defect, and by what.
KEPT = {9: "an order sent again after a lost answer", 16: "an opening asked for around a halt"}
pytestmark = pytest.mark.once

# What is planted, the rates under which it is looked for, and the invariant that must break.
PLANTED = {
    "sends again when it had no answer": (
        "I1",
        "Rates()",
        """
from tradeops.engine import send
from tradeops.exchange.errors import Ambiguous
once = send.submit_order
async def twice(port, request):
    try:
        return await once(port, request)
    except Ambiguous:
        return await once(port, request)
send.submit_order = twice
""",
    ),
    "streams write without their fence": (
        "I11",
        "Rates(stall_per_s=0.4)",
        """
from tradeops.streams import lease
lease.fence = lambda held: None
""",
    ),
    "nobody asks what became of an order": (
        "I9",
        "Rates()",
        """
from tradeops.engine import tasks
async def idle(account_id, **tools):
    return 0
tasks.sweep_account = idle
""",
    ),
    "orders leave in spite of a halt": (
        "I7",
        "Rates()",
        """
from risk.domain import gates
gates._CLOSED.clear()
""",
    ),
}


def _simulate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "simulate", "--quiet", "--jobs", "1", *words],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def _environment() -> dict[str, str]:
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tradeops.settings.test",
        "DATABASE_URL": "",
        "COLUMNS": "200",
        "PYTHONHASHSEED": "0",
    }


def _digest(output: str) -> str:
    found = re.search(r"digest\s+([0-9a-f]{32})", output)
    assert found, output
    return found[1]


def test_same_seeds_give_the_same_trace_in_another_process() -> None:
    first, second = _simulate("--seeds", "3"), _simulate("--seeds", "3")

    assert first.returncode == 0, first.stdout
    assert _digest(first.stdout) == _digest(second.stdout)


def test_other_seeds_give_another_trace() -> None:
    assert _digest(_simulate("--seed", "1").stdout) != _digest(_simulate("--seed", "2").stdout)


def test_trace_is_shown_on_request() -> None:
    shown = _simulate("--seed", "1", "--trace").stdout

    assert "journal: 1/1 BalanceChanged" in shown
    assert "world: peace" in shown


@pytest.mark.parametrize("seed", KEPT)
def test_seed_that_once_broke_holds(seed: int) -> None:
    run = _simulate("--seed", str(seed))

    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(("invariant", "rates", "defect"), PLANTED.values(), ids=PLANTED)
def test_planted_defect_is_found(invariant: str, rates: str, defect: str) -> None:
    program = f"""
import django
django.setup()
{defect}
from tradeops.simulator.database import MemoryDatabase
from tradeops.simulator.run import run_seed
from tradeops.simulator.faults import Rates
from tradeops.simulator.world import Plan
database = MemoryDatabase()
for seed in range(1, 61):
    plan = Plan(seed, rates={rates})
    found = {{name for name, _ in run_seed(plan, database).violations}}
    if {invariant!r} in found:
        print("found by seed", seed)
        break
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert "found by seed" in run.stdout, run.stdout + run.stderr
