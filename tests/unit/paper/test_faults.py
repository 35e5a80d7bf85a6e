"""Faults: when they strike, how often, what they decide, and what is not a fault."""

import random
from typing import Any

import pytest

from tradeops.exchange.paper import fault_kinds as kinds
from tradeops.exchange.paper.faults import CallFate, FaultBook, FaultError, FrameFate

LABEL = "POST /fapi/v1/order main"
FRAME = "main ORDER_TRADE_UPDATE"


def book(*faults: dict[str, Any], seed: int = 1) -> FaultBook:
    made = FaultBook(seed)
    for fault in faults:
        made.add(fault, 0)
    return made


def test_fault_strikes_what_it_matches_and_nothing_else() -> None:
    faults = book({"kind": kinds.LATENCY, "match": "POST /fapi/v1/order", "ms": 5})

    assert faults.on_call(LABEL, 0).delay_ms == 5
    assert faults.on_call("GET /fapi/v1/order main", 0) == CallFate()
    assert faults.on_frame(FRAME, 0) == FrameFate()


def test_fault_with_a_count_ends_after_that_many_strikes() -> None:
    faults = book({"kind": kinds.LATENCY, "count": 2, "ms": 1})

    struck = [faults.on_call(LABEL, 0).delay_ms for _ in range(3)]

    assert struck == [1, 1, 0]
    assert faults.listing() == []
    assert faults.struck == {kinds.LATENCY: 2}


def test_fault_with_an_end_is_over_at_that_moment() -> None:
    faults = FaultBook(1)
    faults.add({"kind": kinds.WS_MUTE, "ms": 100}, 1_000)
    faults.add({"kind": kinds.LATENCY, "ms": 100, "until": 1_050}, 1_000)

    assert faults.on_call(LABEL, 1_049).delay_ms == 100
    assert faults.on_call(LABEL, 1_050).delay_ms == 0
    assert faults.on_frame(FRAME, 1_099).copies == 0
    assert faults.on_frame(FRAME, 1_100).copies == 1


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (kinds.HTTP_5XX_BEFORE, "before", kinds.HTTP_5XX_BEFORE),
        (kinds.TIMEOUT_BEFORE, "hold_ms", 30_000),
        (kinds.CLOCK_1021, "before", kinds.CLOCK_1021),
        (kinds.BAN_418, "until_ms", 120_000),
        (kinds.HTTP_5XX_AFTER, "after", kinds.HTTP_5XX_AFTER),
        (kinds.TIMEOUT_AFTER, "hold_ms", 30_000),
        (kinds.READ_LAG, "hidden_ms", 3_000),
    ],
)
def test_call_kind_decides_its_field(kind: str, field: str, value: object) -> None:
    assert getattr(book({"kind": kind}).on_call(LABEL, 0), field) == value


@pytest.mark.parametrize(
    ("kind", "fate"),
    [
        (kinds.WS_DROP, FrameFate(copies=0)),
        (kinds.WS_DUPLICATE, FrameFate(copies=2)),
        (kinds.WS_DELAY, FrameFate(delay_ms=500)),
        (kinds.WS_REORDER, FrameFate(swap_ms=500)),
        (kinds.WS_CLOSE, FrameFate(closes=True)),
    ],
)
def test_frame_kind_decides_its_field(kind: str, fate: FrameFate) -> None:
    assert book({"kind": kind}).on_frame(FRAME, 0) == fate


def test_mangled_frame_is_cut_at_a_seeded_place() -> None:
    fates = [book({"kind": kinds.WS_TRUNCATE}, seed=s).on_frame(FRAME, 0) for s in (1, 1, 2)]

    assert {fate.mangle for fate in fates} == {kinds.WS_TRUNCATE}
    assert fates[0].cut == fates[1].cut != fates[2].cut


def test_call_that_never_arrives_meets_nothing_else() -> None:
    faults = book(
        {"kind": kinds.HTTP_5XX_BEFORE},
        {"kind": kinds.TIMEOUT_AFTER, "count": 1},
        {"kind": kinds.PARTIAL_FILL, "count": 1},
    )

    fate = faults.on_call(LABEL, 0)

    assert (fate.before, fate.after, fate.pieces) == (kinds.HTTP_5XX_BEFORE, "", 1)
    assert len(faults.listing()) == 3


@pytest.mark.parametrize(
    ("kind", "label", "strikes"),
    [
        (kinds.STALE_READ, "GET /fapi/v1/openOrders main", True),
        (kinds.STALE_READ, "GET /fapi/v1/time main", False),
        (kinds.STALE_READ, LABEL, False),
        (kinds.EMPTY_READ, "GET /fapi/v2/positionRisk main", True),
        (kinds.EMPTY_READ, "GET /fapi/v1/order main", False),
        (kinds.READ_LAG, LABEL, True),
        (kinds.READ_LAG, "POST /fapi/v1/leverage main", False),
        (kinds.PARTIAL_FILL, LABEL, True),
        (kinds.PARTIAL_FILL, "DELETE /fapi/v1/order main", False),
    ],
)
def test_kind_strikes_only_what_it_can_change(kind: str, label: str, *, strikes: bool) -> None:
    faults = book({"kind": kind})

    faults.on_call(label, 0)

    assert (faults.struck == {kind: 1}) is strikes


def test_rate_is_seeded_and_roughly_kept() -> None:
    def strikes(chance: int | random.Random) -> list[int]:
        faults = FaultBook(chance)
        faults.add({"kind": kinds.WS_DROP, "rate": 0.3}, 0)
        return [faults.on_frame(FRAME, 0).copies for _ in range(1_000)]

    assert strikes(5) == strikes(5) == strikes(random.Random(5))
    assert 250 < strikes(5).count(0) < 350


def test_storm_brings_some_of_everything_at_its_rate() -> None:
    faults = book({"kind": kinds.STORM, "rate": 0.05, "ms": 200})
    labels = (LABEL, "GET /fapi/v1/openOrders main", "GET /fapi/v1/order main")

    fates = [faults.on_call(label, 0) for _ in range(4_000) for label in labels]
    frames = [faults.on_frame(FRAME, 0) for _ in range(8_000)]

    assert set(faults.struck) == set(kinds.STORM_WEIGHTS)
    hit = [fate for fate in fates if fate != CallFate()]
    assert 500 < len(hit) < 700
    assert 300 < sum(fate != FrameFate() for fate in frames) < 500
    assert max(max(f.delay_ms, f.hold_ms, f.stale_ms, f.hidden_ms) for f in hit) <= 200


def test_storm_can_be_limited_to_kinds() -> None:
    faults = book({"kind": kinds.STORM, "kinds": [kinds.WS_DROP]})

    assert faults.on_frame(FRAME, 0).copies == 0
    assert faults.on_call(LABEL, 0) == CallFate()
    assert faults.looks_back_ms == 0


def test_how_far_reads_look_back() -> None:
    assert book().looks_back_ms == 0
    assert book({"kind": kinds.STALE_READ, "ms": 700}).looks_back_ms == 700
    assert book({"kind": kinds.STORM}).looks_back_ms > 0


def test_sockets_are_turned_away_while_a_disconnect_lasts() -> None:
    faults = book({"kind": kinds.WS_DISCONNECT, "match": "main", "ms": 100})

    assert faults.refuses_socket("main private", 99)
    assert not faults.refuses_socket("second private", 99)
    assert not faults.refuses_socket("main private", 100)


def test_remove_one_or_all() -> None:
    faults = FaultBook(1)
    first = faults.add({"kind": kinds.WS_DROP}, 0)
    faults.add({"kind": kinds.WS_MUTE}, 0)

    faults.remove(first.fault_id)
    assert [f["kind"] for f in faults.listing()] == [kinds.WS_MUTE]
    faults.remove()
    assert faults.listing() == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "nonsense"},
        {"kind": kinds.LATENCY, "count": "x"},
        {"kind": kinds.LATENCY, "mss": 1},
        {"kind": kinds.LATENCY, "kinds": [kinds.WS_DROP]},
        {"kind": kinds.STORM, "kinds": ["nonsense"]},
        {"kind": kinds.STORM, "kinds": [kinds.BAN_418]},
    ],
)
def test_what_is_not_understood_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(FaultError):
        FaultBook(1).add(body, 0)
