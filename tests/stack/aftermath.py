"""What must hold after a storm: books equal to the last digit, and a clean rebuild."""

import json
from collections import Counter
from functools import partial

from tests.support import books
from tests.support.stack import Stack
from tests.support.storm import Placed

ACCOUNTS = ("main", "second")
ORDERS = 300
SECONDS = 45.0
SETTLED_WITHIN_S = 75.0


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
