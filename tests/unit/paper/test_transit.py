"""Frames through faults: which arrive, when, in which order, and as what text."""

from typing import Any

import pytest

from tradeops.exchange.paper import fault_kinds as kinds
from tradeops.exchange.paper.faults import FaultBook
from tradeops.exchange.paper.transit import GARBAGE, Passed, Transit
from tradeops.exchange.paper.wire.streams import Frame


class Road:
    """One account's frames, numbered; faults are added as the test goes."""

    def __init__(self) -> None:
        self.faults = FaultBook(1)
        self.transit = Transit(self.faults)

    def add(self, kind: str, **more: Any) -> None:
        self.faults.add({"kind": kind} | more, 0)

    def send(self, *numbers: int, now_ms: int = 0, account: str = "a") -> list[int]:
        frames = [Frame(account, "", "X", number) for number in numbers]
        return [passed.frame.payload for passed in self.transit.send(frames, now_ms)]

    def due(self, now_ms: int) -> list[int]:
        return [passed.frame.payload for passed in self.transit.due(now_ms)]


@pytest.fixture
def road() -> Road:
    return Road()


def test_frames_without_faults_arrive_at_once_and_in_order(road: Road) -> None:
    assert road.send(1, 2, 3) == [1, 2, 3]
    assert road.due(10_000) == []
    assert road.transit.next_due_ms() is None


def test_dropped_frame_never_arrives(road: Road) -> None:
    road.add(kinds.WS_DROP, count=1)

    assert road.send(1, 2) == [2]
    assert road.due(10_000) == []


def test_delayed_frame_holds_up_those_behind_it_but_no_other_account(road: Road) -> None:
    road.add(kinds.WS_DELAY, ms=300, count=1)

    assert road.send(1, 2) == []
    assert road.send(9, account="b") == [9]
    assert road.transit.next_due_ms() == 300
    assert road.due(299) == []
    assert road.send(3, now_ms=299) == []
    assert road.due(300) == [1, 2, 3]
    assert road.send(4, now_ms=301) == [4]


def test_reordered_frame_is_overtaken_by_the_next(road: Road) -> None:
    road.add(kinds.WS_REORDER, count=1)

    assert road.send(1, 2, 3) == [2, 1, 3]


def test_reordered_frame_that_nothing_overtakes_arrives_by_itself(road: Road) -> None:
    road.add(kinds.WS_REORDER, ms=200, count=1)

    assert road.send(1) == []
    assert road.due(199) == []
    assert road.due(200) == [1]
    assert road.transit.next_due_ms() is None


def test_duplicate_and_close_are_left_to_the_listener(road: Road) -> None:
    road.add(kinds.WS_DUPLICATE, count=1)
    road.add(kinds.WS_CLOSE, match="b X")

    (twice,) = road.transit.send([Frame("a", "", "X", 1)], 0)
    (closing,) = road.transit.send([Frame("b", "", "X", 1)], 0)

    assert (twice.fate.copies, twice.fate.closes) == (2, False)
    assert closing.fate.closes


def passed(road: Road) -> Passed:
    (one,) = road.transit.send([Frame("a", "", "X", 1)], 0)
    return one


def test_mangled_texts(road: Road) -> None:
    assert passed(road).text("0123456789") == "0123456789"
    road.add(kinds.WS_TRUNCATE, count=20)
    cuts = [passed(road).text("0123456789") for _ in range(20)]
    road.add(kinds.WS_GARBAGE, count=200)
    rubbish = {passed(road).text("0123456789") for _ in range(200)}

    assert all("0123456789".startswith(cut) and cut != "0123456789" for cut in cuts)
    assert len(set(cuts)) > 4
    assert rubbish == set(GARBAGE)
