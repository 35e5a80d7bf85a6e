"""A ban that one process was told of: no process calls until it is over (F8)."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from tests.support.paper import PaperServer

pytestmark = [pytest.mark.once, pytest.mark.stack]

ROOT = Path(__file__).resolve().parents[3]
BAN_MS = 4000


class Caller:
    """A process with a venue connection of its own."""

    def __init__(self, venue: PaperServer, redis_url: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.caller", venue.url, redis_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._in: IO[str] = self._process.stdin
        self._out: IO[str] = self._process.stdout
        self._answer()

    def ask(self, calls: int) -> None:
        self._in.write(f"{calls}\n")
        self._in.flush()

    def call(self, calls: int) -> dict[str, int]:
        self.ask(calls)
        return self._answer()

    def _answer(self) -> dict[str, int]:
        line = self._out.readline()
        assert line, "the caller ended"
        ends: dict[str, int] = json.loads(line)
        return ends

    def end(self) -> None:
        self._in.close()
        self._process.wait(10)
        self._out.close()


@pytest.fixture
def venue() -> Iterator[PaperServer]:
    with PaperServer(options=("--weight-limit", "100000")) as server:
        yield server


def hits(venue: PaperServer) -> int:
    faults = venue.request("GET", "/paper/faults")["faults"]
    return sum(int(fault["hits"]) for fault in faults)


def test_ban_told_to_one_process_stops_every_process(venue: PaperServer, redis_url: str) -> None:
    with ExitStack() as stack:
        first, second = Caller(venue, redis_url), Caller(venue, redis_url)
        stack.callback(first.end)
        stack.callback(second.end)
        assert first.call(3) == second.call(3) == {"answered": 3}

        venue.fault(kind="ban_418", ms=BAN_MS)
        assert first.call(1) == {"Throttled": 1}
        assert hits(venue) == 1
        assert second.call(200) == {"Withheld": 200}
        assert first.call(200) == {"Withheld": 200}
        assert hits(venue) == 1

        deadline = time.monotonic() + 30
        while second.call(1) != {"answered": 1}:
            assert time.monotonic() < deadline, "the ban is not lifted"
            time.sleep(0.1)
        assert first.call(1) == {"answered": 1}
