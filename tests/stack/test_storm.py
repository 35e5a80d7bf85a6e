"""300 orders on the recorded tape at 5x from two accounts, in peace and with processes dying.

Afterwards both sides' books agree to the last digit, no order was sent twice, and the projections
can be rebuilt from the journal without a difference.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.support import books
from tests.support.stack import Stack
from tests.support.storm import Placed, outcome, trade

pytestmark = pytest.mark.stack

TAPE = Path(__file__).resolve().parents[3] / "shared/corpus/market/wsraw_usdm_btcusdt_20240808.gz"
ACCOUNTS = ("main", "second")
ORDERS = 300
SECONDS = 50.0
SETTLED_WITHIN_S = 75.0
REFUSALS = {"VENUE_REJECTED", "EXPIRED", "PRICE_OUT_OF_RANGE", "VENUE_UNAVAILABLE"}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    if not TAPE.exists():
        pytest.skip("the recorded tape is not beside the project")
    arguments = ("--tape", str(TAPE), "--speed", "5")
    with Stack(tmp_path / "home", paper_arguments=arguments) as running:
        yield running


@pytest.mark.timeout(300)
def test_storm_in_peace(stack: Stack) -> None:
    placed = outcome(trade(stack, ACCOUNTS, orders=ORDERS, seconds=SECONDS, seed=1))

    settle(stack)

    assert_books_agree(stack, placed)
    assert Counter(item.code for item in placed if item.code) == Counter()


@pytest.mark.timeout(400)
def test_storm_while_processes_die(stack: Stack) -> None:
    traders = trade(stack, ACCOUNTS, orders=ORDERS, seconds=SECONDS, seed=2)

    for victim in ("orders", "streams", "web", "redis", "orders", "work"):
        time.sleep(SECONDS / 9)
        stack.kill(victim)
        time.sleep(0.5)
        stack.restart(victim)
    placed = outcome(traders)
    stack.wait_until(stack.healthy, "healthy again", timeout_s=60)
    settle(stack)

    assert_books_agree(stack, placed)
    assert {item.code for item in placed} <= {"", *REFUSALS}


def settle(stack: Stack) -> None:
    """Cancel what rests, ask for a comparison, and wait until the books agree."""
    for account in ACCOUNTS:
        stack.wait_until(
            partial(_everything_cancelled, stack, account), f"{account}: everything cancelled"
        )
        stack.api(
            "POST",
            "/api/v1/engine/reconcile",
            {"scope": "account", "account": account, "reason": "end of the storm"},
        )
    try:
        stack.wait_until(
            lambda: not any(books.differences(stack, name) for name in ACCOUNTS),
            "the books agree",
            timeout_s=SETTLED_WITHIN_S,
        )
    except AssertionError as error:
        lines = [line for name in ACCOUNTS for line in books.differences(stack, name)]
        raise AssertionError("\n".join([*lines, str(error)])) from error


def _everything_cancelled(stack: Stack, account: str) -> bool:
    answer = stack.api("DELETE", f"/api/v1/orders?account={account}&symbol=BTCUSDT")
    return answer.status == 200


def assert_books_agree(stack: Stack, placed: list[Placed]) -> None:
    for account in ACCOUNTS:
        assert books.differences(stack, account) == []
        truth = stack.truth(account)
        ids = Counter(row["client_order_id"] for row in truth["orders"])
        assert [name for name, count in ids.items() if count > 1] == []
        accepted = {f"ae-{item.order_id.replace('-', '')}" for item in placed if item.order_id}
        assert {name for name in ids if name.startswith("ae-")} <= accepted
        assert truth["fills"]
    assert len(placed) == ORDERS
    assert len({item.key for item in placed}) == ORDERS
    report = json.loads(stack.manage("rebuild", "--json").splitlines()[-1])
    assert report["differences"] == 0
    assert report["events"] > ORDERS
