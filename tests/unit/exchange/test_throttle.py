"""Budgets: warn, slow and stop, and the reserve for protection."""

from datetime import UTC, datetime

import pytest

from tradeops.domain.clock import FrozenClock
from tradeops.exchange.throttle import (
    OrderBudget,
    Priority,
    VenueLimits,
    WeightBudget,
    Withheld,
)

START = datetime(2026, 11, 20, 8, 0, 5, tzinfo=UTC)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(START)


def used(clock: FrozenClock, weight: int, limits: VenueLimits | None = None) -> WeightBudget:
    budget = WeightBudget(clock, limits or VenueLimits())
    budget.observe(weight, budget.window())
    return budget


@pytest.mark.parametrize(("weight", "warned"), [(1499, False), (1500, True)])
def test_weight_budget_warns_at_1500(clock: FrozenClock, weight: int, *, warned: bool) -> None:
    assert used(clock, weight).warned is warned


@pytest.mark.parametrize(
    ("weight", "pause_s"), [(0, 0.0), (2000, 0.0), (2150, 1.0), (2299, 2.0 * 299 / 300)]
)
def test_weight_budget_read_slows_down_between_2000_and_2300(
    clock: FrozenClock, weight: int, pause_s: float
) -> None:
    assert used(clock, weight).admit(Priority.READ) == pytest.approx(pause_s)


@pytest.mark.parametrize("priority", [Priority.READ, Priority.ENTRY])
def test_weight_budget_stops_at_2300_until_the_minute_ends(
    clock: FrozenClock, priority: Priority
) -> None:
    budget = used(clock, 2300)

    with pytest.raises(Withheld) as refusal:
        budget.admit(priority)

    assert refusal.value.retry_after_s == pytest.approx(55)
    clock.advance(55)
    assert budget.admit(priority) == 0.0


def test_weight_budget_entry_stops_at_80_percent_and_is_never_delayed(clock: FrozenClock) -> None:
    assert used(clock, 1919).admit(Priority.ENTRY) == 0.0
    with pytest.raises(Withheld):
        used(clock, 1920).admit(Priority.ENTRY)


@pytest.mark.parametrize(("learned", "passes"), [(False, True), (True, False)])
def test_weight_budget_asks_for_a_limit_that_others_have_passed(
    clock: FrozenClock, *, learned: bool, passes: bool
) -> None:
    budget = used(clock, 4498, VenueLimits(learned=learned))

    if passes:
        budget.admit(Priority.READ)
    else:
        with pytest.raises(Withheld):
            budget.admit(Priority.READ)


def test_weight_budget_counts_before_the_call_leaves(clock: FrozenClock) -> None:
    budget = used(clock, 2260)

    budget.admit(Priority.READ, 40)

    assert budget.used_1m == 2300
    with pytest.raises(Withheld):
        budget.admit(Priority.READ, 1)
    assert budget.used_1m == 2300


@pytest.mark.parametrize(
    ("weight", "level"), [(1499, "OK"), (1500, "WARN"), (2000, "SLOW"), (2300, "STOP")]
)
def test_weight_budget_shows_its_level(clock: FrozenClock, weight: int, level: str) -> None:
    budget = used(clock, weight)

    assert budget.level == level
    budget.block(1)
    assert budget.level == "BLOCKED"


def test_weight_budget_protection_passes_up_to_the_limit(clock: FrozenClock) -> None:
    assert used(clock, 2399).admit(Priority.PROTECT) == 0.0
    with pytest.raises(Withheld):
        used(clock, 2400).admit(Priority.PROTECT)


def test_weight_budget_thresholds_follow_the_venue_limit(clock: FrozenClock) -> None:
    budget = used(clock, 2300, VenueLimits(weight_1m=24_000))

    assert budget.admit(Priority.READ) == 0.0
    assert not budget.warned


@pytest.mark.parametrize("priority", list(Priority))
def test_weight_budget_blocked_lets_nothing_leave(clock: FrozenClock, priority: Priority) -> None:
    budget = used(clock, 0)
    budget.block(30)
    budget.block(3)

    with pytest.raises(Withheld) as refusal:
        budget.admit(priority)

    assert refusal.value.retry_after_s == pytest.approx(30)
    clock.advance(29.9)
    with pytest.raises(Withheld):
        budget.admit(priority)
    clock.advance(0.2)
    assert budget.admit(priority) == 0.0


def test_weight_budget_answer_of_the_last_minute_is_worth_nothing(clock: FrozenClock) -> None:
    budget = WeightBudget(clock, VenueLimits())
    asked = budget.window()
    clock.advance(60)

    budget.observe(2399, asked)

    assert budget.used_1m == 0


def orders(clock: FrozenClock, ten_seconds: int, minute: int) -> OrderBudget:
    budget = OrderBudget(clock, VenueLimits())
    windows = budget.windows()
    budget.observe(10, ten_seconds, windows[10])
    budget.observe(60, minute, windows[60])
    return budget


@pytest.mark.parametrize(("ten_seconds", "minute"), [(239, 959), (0, 0)])
def test_order_budget_entry_passes_below_80_percent(
    clock: FrozenClock, ten_seconds: int, minute: int
) -> None:
    orders(clock, ten_seconds, minute).admit(Priority.ENTRY)


@pytest.mark.parametrize(("ten_seconds", "minute", "wait_s"), [(240, 0, 5), (0, 960, 55)])
def test_order_budget_keeps_20_percent_for_reduce_only(
    clock: FrozenClock, ten_seconds: int, minute: int, wait_s: float
) -> None:
    budget = orders(clock, ten_seconds, minute)

    budget.admit(Priority.PROTECT)
    with pytest.raises(Withheld) as refusal:
        budget.admit(Priority.ENTRY)

    assert refusal.value.retry_after_s == pytest.approx(wait_s)
    clock.advance(wait_s)
    budget.admit(Priority.ENTRY)


def test_order_budget_used_up_stops_protection_too(clock: FrozenClock) -> None:
    with pytest.raises(Withheld):
        orders(clock, 300, 0).admit(Priority.PROTECT)


def test_order_budget_blocked_takes_no_order_until_then(clock: FrozenClock) -> None:
    budget = orders(clock, 0, 0)
    budget.block(7)

    with pytest.raises(Withheld):
        budget.admit(Priority.PROTECT)

    clock.advance(7.1)
    budget.admit(Priority.PROTECT)
