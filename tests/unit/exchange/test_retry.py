"""Reads may be repeated once; what was refused may not."""

import asyncio

import pytest

from tradeops.exchange.errors import (
    Ambiguous,
    ClockSkew,
    ExchangeError,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
    Unavailable,
)
from tradeops.exchange.retry import read_twice
from tradeops.exchange.throttle import Withheld


class Script:
    """Raises its errors one after the other, then answers."""

    def __init__(self, *errors: ExchangeError) -> None:
        self._errors = list(errors)
        self.calls = 0
        self.resyncs = 0

    async def call(self) -> str:
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return "answer"

    async def resync(self) -> None:
        self.resyncs += 1

    def run(self) -> str:
        return asyncio.run(
            read_twice(self.call, resync=self.resync, jitter=lambda: 0.0, backoff_s=0.0)
        )


@pytest.mark.parametrize("error", [Ambiguous("timeout"), Unavailable("refused")])
def test_read_twice_chance_failure_is_asked_again(error: ExchangeError) -> None:
    script = Script(error)

    assert script.run() == "answer"
    assert (script.calls, script.resyncs) == (2, 0)


def test_read_twice_clock_skew_measures_the_clock_first() -> None:
    script = Script(ClockSkew("recvWindow", code=-1021))

    assert script.run() == "answer"
    assert (script.calls, script.resyncs) == (2, 1)


def test_read_twice_second_failure_is_final() -> None:
    script = Script(Ambiguous("one"), Ambiguous("two"))

    with pytest.raises(Ambiguous, match="two"):
        script.run()
    assert script.calls == 2


@pytest.mark.parametrize(
    "error",
    [
        Rejected("no", code=-1121),
        NotFound("no", code=-2013),
        Throttled("slow", code=-1003),
        Unauthorized("key", code=-2015),
        Withheld("budget", retry_after_s=3.0),
    ],
)
def test_read_twice_refusal_is_not_asked_again(error: ExchangeError) -> None:
    script = Script(error, error)

    with pytest.raises(type(error)):
        script.run()
    assert script.calls == 1
