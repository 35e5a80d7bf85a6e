"""The verdict of a soak finds what it is there to find."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.soak.verdict import sent_twice, times
from tests.soak.weather import Silence

BEGAN = datetime(2026, 11, 20, 10, tzinfo=UTC)


def truth(orders: str = "", rejected: str = "", algos: str = "") -> dict[str, list[dict[str, Any]]]:
    return {
        "orders": [{"client_order_id": name} for name in orders.split()],
        "rejected": [{"client_order_id": name} for name in rejected.split()],
        "algo_orders": [{"client_algo_id": name} for name in algos.split()],
    }


def test_order_sent_again_is_found_whether_accepted_or_refused() -> None:
    assert sent_twice(truth(orders="ae-1 ae-2")) == []
    assert sent_twice(truth(orders="ae-1 ae-1")) == ["ae-1: 2 times"]
    assert sent_twice(truth(orders="ae-1", rejected="ae-1")) == ["ae-1: 2 times"]
    assert sent_twice(truth(orders="adl_autoclose adl_autoclose")) == []


def test_conditional_order_and_what_it_triggers_were_sent_once() -> None:
    assert sent_twice(truth(orders="ae-1", algos="ae-1")) == []
    assert sent_twice(truth(orders="ae-1", algos="ae-1 ae-1")) == ["ae-1: 2 times"]


def fill(after_s: float, took_s: float, source: str = "STREAM") -> dict[str, Any]:
    traded = BEGAN + timedelta(seconds=after_s)
    recorded = traded + timedelta(seconds=took_s)
    return {
        "account": "main",
        "source": source,
        "traded_at": traded.isoformat(),
        "recorded_at": recorded.isoformat(),
    }


def judged(*fills: dict[str, Any]) -> dict[str, bool | None]:
    silence = Silence("main", BEGAN, BEGAN + timedelta(seconds=10))
    return {line.what.rpartition(", ")[2]: line.ok for line in times(fills, [silence])}


def test_times_are_judged_by_who_told_the_fill() -> None:
    assert judged(fill(20, 0.1), fill(30, 25, "REST")) == {
        "told by the stream": True,
        "found by asking": True,
        "stream muted": None,
    }
    assert judged(fill(20, 0.3), fill(30, 31, "REST"), fill(5, 31, "REST")) == {
        "told by the stream": False,
        "found by asking": False,
        "stream muted": False,
    }
