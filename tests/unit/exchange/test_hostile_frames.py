"""Whatever a socket delivers becomes items or notices: nothing is raised."""

import json
import random
from typing import Any

import pytest

from tests.support.hostile_frames import HOSTILE, good_frame, published
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.reports import FillReport, OrderReport, StreamNotice

FRAMES = {
    f"{folder}/{name}": raw for folder in ("ws", "wsapi") for name, raw in published(folder).items()
}
SAMPLES = 60
needs_corpus = pytest.mark.skipif(
    not FRAMES, reason="no corpus of real payloads beside the repository"
)
JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1.5, float("nan"), float("inf"), "", "x", "1e400", "\x00", "\ud800",
    "A" * 100_000, [], [[]], {}, {"e": 1}, ["BTCUSDT"],
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frame_is_set_aside_and_says_why(name: str) -> None:
    items = parse_frame(HOSTILE[name])

    assert items
    for notice in items:
        assert isinstance(notice, StreamNotice)
        assert notice.kind in {"UNKNOWN", "MALFORMED"}
        assert notice.detail.isascii()
        assert notice.detail.isprintable()
        assert 0 < len(notice.detail) <= 200


def test_good_frame_is_a_fill_and_an_order() -> None:
    assert [type(item) for item in parse_frame(good_frame(1))] == [FillReport, OrderReport]


def test_repeated_key_is_read_as_json_says() -> None:
    twice = good_frame(1).replace('"s": "BTCUSDT"', '"s": "NOPE", "s": "BTCUSDT"')

    fill = parse_frame(twice)[0]

    assert isinstance(fill, FillReport)
    assert fill.symbol == "BTCUSDT"


@needs_corpus
@pytest.mark.parametrize("name", FRAMES)
def test_published_frame_cut_short_is_one_notice(name: str) -> None:
    raw = FRAMES[name].rstrip()
    step = max(1, len(raw) // SAMPLES)

    for length in range(0, len(raw), step):
        (notice,) = parse_frame(raw[:length])
        assert isinstance(notice, StreamNotice)
        assert notice.kind == "MALFORMED"


@needs_corpus
@pytest.mark.parametrize("name", FRAMES)
def test_published_frame_with_a_spoilt_value_never_raises(name: str) -> None:
    original = json.loads(FRAMES[name])
    for path in list(_paths(original))[:SAMPLES]:
        for junk in JUNK:
            assert parse_frame(json.dumps(_with(original, path, junk))) is not None


@needs_corpus
@pytest.mark.parametrize("name", FRAMES)
def test_published_frame_with_flipped_bytes_never_raises(name: str) -> None:
    chance = random.Random(name)
    raw = FRAMES[name]
    for _ in range(SAMPLES):
        spoilt = bytearray(raw)
        for _ in range(3):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        assert parse_frame(bytes(spoilt)) is not None


def _paths(value: Any, prefix: tuple[Any, ...] = ()) -> Any:
    pairs = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in pairs:
        yield (*prefix, key)
        yield from _paths(inner, (*prefix, key))


def _with(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    if not path:
        return junk
    copy = value.copy()
    copy[path[0]] = _with(value[path[0]], path[1:], junk)
    return copy
