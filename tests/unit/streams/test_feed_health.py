"""The feed's state machine, as tables of what happens and what is made of it."""

from collections.abc import Callable, Sequence

import pytest

from tradeops.streams.domain import feed_health as feed
from tradeops.streams.domain.feed_health import FeedMemory, FeedState

Step = Callable[[FeedMemory, int], FeedMemory]
H, D, S = FeedState.HEALTHY, FeedState.DEGRADED, FeedState.SAFE


def up(token: int = 1) -> Step:
    return lambda memory, now_ms: feed.connected(memory, token=token, now_ms=now_ms)


def filled(token: int = 1) -> Step:
    return lambda memory, _now: feed.synchronised(memory, token=token)


def drop(token: int = 1) -> Step:
    return lambda memory, now_ms: feed.lost(
        memory, token=token, now_ms=now_ms, reason="reset", orderly=False
    )


def stop(token: int = 1) -> Step:
    return lambda memory, now_ms: feed.lost(
        memory, token=token, now_ms=now_ms, reason="worker stopped", orderly=True
    )


def look(absent: str = "", deaf: str = "") -> Step:
    return lambda memory, _now: feed.looked(memory, absent=absent, deaf=deaf)


TABLE: dict[str, Sequence[tuple[float, Step, FeedState]]] = {
    "first start: openings as soon as the gap is filled": [
        (0, look(), D),
        (1, up(), D),
        (1.5, filled(), H),
        (2, look(), H),
    ],
    "orderly restart: no cool-down": [
        (0, up(), D),
        (1, filled(), H),
        (10, stop(), D),
        (12, up(2), D),
        (12.5, filled(2), H),
    ],
    "lost connection: at once, back after five quiet seconds": [
        (0, up(), D),
        (1, filled(), H),
        (10, drop(), D),
        (11, up(), D),
        (12, filled(), D),
        (16.9, look(), D),
        (17, look(), H),
    ],
    "trouble on the way back starts the quiet time anew": [
        (0, up(), D),
        (1, filled(), H),
        (10, drop(), D),
        (11, up(), D),
        (12, filled(), D),
        (15, drop(), D),
        (16, up(), D),
        (17, filled(), D),
        (21.9, look(), D),
        (22, look(), H),
    ],
    "three drops in a minute keep it degraded until the first is a minute old": [
        (0, up(), D),
        (0, filled(), H),
        (10, drop(), D),
        (10, up(), D),
        (10, filled(), D),
        (15, look(), H),
        (20, drop(), D),
        (20, up(), D),
        (20, filled(), D),
        (25, look(), H),
        (30, drop(), D),
        (30, up(), D),
        (30, filled(), D),
        (69, look(), D),
        (70, look(), D),
        (75, look(), H),
    ],
    "dead worker, then its successor": [
        (0, up(), D),
        (1, filled(), H),
        (20, look("the worker is gone"), D),
        (30, up(2), D),
        (31, filled(2), H),
    ],
    "worker that dies and rises again and again": [
        (0, up(), D),
        (0, filled(), H),
        (1, look("gone"), D),
        (2, up(2), D),
        (2, filled(2), H),
        (3, look("gone"), D),
        (4, up(3), D),
        (4, filled(3), H),
        (5, look("gone"), D),
        (6, up(4), D),
        (6, filled(4), D),
        (61, look(), D),
        (62, look(), H),
    ],
    "silent worker that is heard again": [
        (0, up(), D),
        (1, filled(), H),
        (20, look("no sign of life"), D),
        (22, look(), D),
        (27, look(), H),
    ],
    "deaf stream: only a new connection helps": [
        (0, up(), D),
        (1, filled(), H),
        (20, look(deaf="REST knew a fill first"), D),
        (40, look(), D),
        (41, drop(), D),
        (42, up(), D),
        (43, filled(), D),
        (48, look(), H),
    ],
    "a minute degraded is SAFE, and it comes back": [
        (0, up(), D),
        (1, filled(), H),
        (10, drop(), D),
        (69.9, look(), D),
        (70, look(), S),
        (80, up(), S),
        (81, filled(), S),
        (86, look(), H),
    ],
    "gap fill of an older owner fills nothing": [
        (0, up(2), D),
        (1, filled(1), D),
        (2, filled(2), H),
    ],
}


@pytest.mark.parametrize("steps", TABLE.values(), ids=TABLE.keys())
def test_feed_health(steps: Sequence[tuple[float, Step, FeedState]]) -> None:
    memory = FeedMemory()

    found = []
    for at_s, step, _ in steps:
        now_ms = round(at_s * 1000)
        memory = feed.judge(step(memory, now_ms), now_ms=now_ms)
        found.append((at_s, memory.state))

    assert found == [(at_s, state) for at_s, _, state in steps]


def test_reason_names_the_trouble_until_it_is_over() -> None:
    memory = feed.judge(feed.connected(FeedMemory(), token=1, now_ms=0), now_ms=0)
    assert memory.reason == "the gap is not filled yet"

    memory = feed.judge(feed.synchronised(memory, token=1), now_ms=1)
    assert memory.reason == ""

    memory = feed.judge(feed.looked(memory, absent="gone", deaf=""), now_ms=2)
    assert memory.reason == "gone"


def test_judge_changes_nothing_where_nothing_happened() -> None:
    memory = feed.synchronised(feed.connected(FeedMemory(), token=1, now_ms=0), token=1)
    memory = feed.judge(memory, now_ms=1)

    assert feed.judge(feed.looked(memory, absent="", deaf=""), now_ms=999_999) == memory


def test_clock_that_was_set_back_keeps_no_feed_degraded() -> None:
    late_ms = 3_600_000
    memory = FeedMemory()
    for reason in ("one", "two", "three"):
        memory = feed.connected(memory, token=1, now_ms=late_ms)
        memory = feed.lost(memory, token=1, now_ms=late_ms, reason=reason, orderly=False)
        memory = feed.judge(memory, now_ms=late_ms)
    memory = feed.connected(memory, token=1, now_ms=late_ms)
    memory = feed.synchronised(memory, token=1)
    memory = feed.judge(memory, now_ms=late_ms)

    for now_ms in range(0, 66_000, 1000):
        memory = feed.judge(memory, now_ms=now_ms)

    assert memory.state is FeedState.HEALTHY
