"""The same storm while processes are killed: same end state, and no duplicate."""

import time

import pytest

from tests.stack.aftermath import ACCOUNTS, ORDERS, SECONDS, assert_books_agree, settle
from tests.support.stack import Stack
from tests.support.storm import outcome, trade

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]

VICTIMS = ("orders", "streams", "web", "redis", "orders", "work")
# LOST: killed between the commit and the first byte; that it never arrived is checked below.
# FEED_DEGRADED: openings wait until a new streams worker has filled the gap.
REFUSALS = {
    "EXPIRED",
    "FEED_DEGRADED",
    "LOST",
    "PRICE_OUT_OF_RANGE",
    "VENUE_REJECTED",
    "VENUE_UNAVAILABLE",
}


def test_storm_while_processes_die(tape_stack: Stack) -> None:
    traders = trade(tape_stack, ACCOUNTS, orders=ORDERS, seconds=SECONDS, seed=2)

    for victim in VICTIMS:
        time.sleep(SECONDS / (len(VICTIMS) + 3))
        tape_stack.kill(victim)
        time.sleep(0.5)
        tape_stack.restart(victim)
    placed = outcome(traders)
    tape_stack.wait_until(tape_stack.healthy, "healthy again", timeout_s=60)
    settle(tape_stack)

    assert_books_agree(tape_stack, placed)
    assert {item.code for item in placed} <= {"", *REFUSALS}
