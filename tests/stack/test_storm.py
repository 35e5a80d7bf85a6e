"""300 orders on the recorded tape at 5x from two accounts: none refused, none lost, none twice."""

from collections import Counter

import pytest

from tests.stack.aftermath import ACCOUNTS, ORDERS, SECONDS, assert_books_agree, settle
from tests.support.stack import Stack
from tests.support.storm import outcome, trade

pytestmark = [pytest.mark.stack, pytest.mark.once, pytest.mark.timeout(300)]


def test_storm_in_peace(tape_stack: Stack) -> None:
    placed = outcome(trade(tape_stack, ACCOUNTS, orders=ORDERS, seconds=SECONDS, seed=1))

    settle(tape_stack)

    assert_books_agree(tape_stack, placed)
    assert Counter(item.code for item in placed if item.code) == Counter()
