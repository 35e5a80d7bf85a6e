"""One soak: people work, faults strike, faults stop, everything settles, the verdict is read."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.soak import desk, verdict
from tests.soak.verdict import Line
from tests.soak.weather import Weather
from tests.support.stack import Stack

ACCOUNTS = ("main", "second")
# No quota of the desk's own may slow people down.
ENVIRONMENT = {
    "ORDER_WRITES_PER_MINUTE": "6000",
    "ALLOWED_SYMBOLS": ",".join(desk.SYMBOLS),
}
SETTLED_WITHIN_S = 150.0
ALL_DONE_WITHIN_S = 90.0
_POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how many requests a second, which share of calls and frames is struck."""

    seconds: float
    rate: float
    faults: float
    seed: int = 1
    mute_s: float = 0.0


def soak(stack: Stack, plan: Plan, say: Callable[[str], None]) -> list[Line]:
    """Run it on a started stack and judge."""
    weather = Weather(stack, plan.faults)
    weather.begin()
    if plan.mute_s:
        weather.mute(ACCOUNTS, after_s=plan.seconds / 2, for_s=plan.mute_s)
    hands = desk.at_work(stack, ACCOUNTS, rate=plan.rate, seconds=plan.seconds, seed=plan.seed)
    _watch(hands, plan.seconds, say)
    asked = desk.all_asked(hands, ALL_DONE_WITHIN_S)
    struck = weather.clear()
    say("the faults are over; settling")
    took_s = _settle(stack, say)
    found = verdict.ledger(stack)
    counts = Counter(f"{a.action} {a.code or a.status}" for a in asked)
    return [
        Line("asked", f"{len(asked)} in {plan.seconds:.0f} s", detail=_counted(counts)),
        Line("faults struck", str(sum(struck.values())), detail=_counted(struck)),
        Line("commands", str(sum(found["commands"].values())), detail=_counted(found["commands"])),
        Line("events", str(sum(found["events"].values())), detail=_counted(found["events"])),
        Line("settled after", f"{took_s:.0f} s", f"< {SETTLED_WITHIN_S:g} s"),
        *verdict.judged(stack, ACCOUNTS, found, weather.silences),
    ]


def _watch(hands: list[desk.Hand], seconds: float, say: Callable[[str], None]) -> None:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        time.sleep(min(30.0, seconds - passed + 0.1))
        done = sum(len(hand.asked) for hand in hands)
        say(f"{time.monotonic() - began:.0f} s: {done} asked")


def _settle(stack: Stack, say: Callable[[str], None]) -> float:
    """End what rests and wait until both sides agree and no command is open; how long it took.

    When they never do, the verdict says what is apart.
    """
    began = time.monotonic()
    for account in ACCOUNTS:
        _until(partial(_cancelled, stack, account))
        body = {"scope": "account", "account": account, "reason": "end of the soak"}
        stack.api("POST", "/api/v1/engine/reconcile", body)
    while (passed := time.monotonic() - began) < SETTLED_WITHIN_S:
        apart = verdict.differences(stack, ACCOUNTS)
        if not apart and not verdict.ledger(stack)["unended"]:
            break
        say(f"{passed:.0f} s: {len(apart)} apart")
        time.sleep(_POLL_S)
    return time.monotonic() - began


def _until(is_so: Callable[[], bool]) -> None:
    """Ask once a second: an order whose outcome is unknown cannot be cancelled for a while."""
    deadline = time.monotonic() + SETTLED_WITHIN_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _cancelled(stack: Stack, account: str) -> bool:
    answer: Any = stack.api("DELETE", f"/api/v1/orders?account={account}")
    return bool(answer.status == 200)


def _counted(counts: dict[str, int]) -> tuple[str, ...]:
    return tuple(f"{name}: {count}" for name, count in sorted(counts.items()))
