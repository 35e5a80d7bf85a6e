"""Faults: when they strike, how often, and what is not a fault."""

from typing import Any

import pytest

from tradeops.exchange.paper.faults import LATENCY, WS_DROP, WS_MUTE, FaultBook, FaultError

LABEL = "POST /fapi/v1/order main"


def test_fault_strikes_what_it_matches_and_nothing_else() -> None:
    book = FaultBook(1)
    book.add({"kind": LATENCY, "match": "POST /fapi/v1/order", "ms": 5}, 0)

    assert book.pick((LATENCY,), LABEL, 0) is not None
    assert book.pick((LATENCY,), "GET /fapi/v1/order main", 0) is None
    assert book.pick((WS_MUTE,), LABEL, 0) is None


def test_fault_with_a_count_ends_after_that_many_strikes() -> None:
    book = FaultBook(1)
    book.add({"kind": LATENCY, "count": 2}, 0)

    struck = [book.pick((LATENCY,), LABEL, 0) is not None for _ in range(3)]

    assert struck == [True, True, False]
    assert book.listing() == []


def test_fault_with_an_end_is_over_at_that_moment() -> None:
    book = FaultBook(1)
    book.add({"kind": WS_MUTE, "ms": 100}, 1_000)
    book.add({"kind": LATENCY, "ms": 100, "until": 1_050}, 1_000)

    assert book.pick((WS_MUTE,), "main X", 1_099) is not None
    assert book.pick((WS_MUTE,), "main X", 1_100) is None
    assert book.pick((LATENCY,), "main X", 1_049) is None


def test_rate_is_seeded_and_roughly_kept() -> None:
    def strikes(seed: int) -> list[bool]:
        book = FaultBook(seed)
        book.add({"kind": WS_DROP, "rate": 0.3}, 0)
        return [book.pick((WS_DROP,), "main X", 0) is not None for _ in range(1_000)]

    assert strikes(5) == strikes(5)
    assert 250 < sum(strikes(5)) < 350


def test_remove_one_or_all() -> None:
    book = FaultBook(1)
    first = book.add({"kind": WS_DROP}, 0)
    book.add({"kind": WS_MUTE}, 0)

    book.remove(first.fault_id)
    assert [f["kind"] for f in book.listing()] == [WS_MUTE]
    book.remove()
    assert book.listing() == []


@pytest.mark.parametrize(
    "body", [{}, {"kind": "nonsense"}, {"kind": LATENCY, "count": "x"}, {"kind": LATENCY, "mss": 1}]
)
def test_what_is_not_understood_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        FaultBook(1).add(body, 0)
