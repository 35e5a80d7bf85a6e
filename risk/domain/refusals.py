"""When refusals of the venue stop openings (F10). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

# Key, signature, address, permission (binance.md §7).
ACCESS_CODES = frozenset({-1002, -1022, -2014, -2015})
# About the moment, not about the request: the same request may pass a second later.
_PASSING_CODES = frozenset({0, -1003, -1015, -1021})
# The market's answer to this moment: gone before the cancel, nothing to fill FOK or to rest GTX
# against, a trigger that the price has passed. Nothing is wrong with asking.
_MARKET_CODES = frozenset({-2011, -2013, -2021, -5021, -5022})
_FIRST_PAUSE = timedelta(seconds=60)
_LONGEST_PAUSE = timedelta(minutes=15)
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Ended:
    """How one command of a symbol ended; `exchange_code` 0 when the venue did not refuse it."""

    kind: str
    succeeded: bool
    exchange_code: int


@dataclass(frozen=True, slots=True)
class Streak:
    """So many refusals alike, of one kind with one code, and nothing of that kind in between."""

    kind: str
    exchange_code: int
    length: int


def is_passing(exchange_code: int) -> bool:
    """Whether the refusal says nothing against asking again."""
    return exchange_code in _PASSING_CODES | _MARKET_CODES


def streak(newest_first: Sequence[Ended]) -> Streak | None:
    """The newest refusal and those like it before it; None when the newest word is no refusal.

    What our own gates refused never reached the venue and does not count.
    """
    heard = [item for item in newest_first if item.succeeded or not is_passing(item.exchange_code)]
    if not heard or heard[0].succeeded:
        return None
    first, length = heard[0], 0
    for item in heard:
        if item.kind != first.kind:
            continue
        if item != first:
            break
        length += 1
    return Streak(first.kind, first.exchange_code, length)


def cool_down(length: int) -> timedelta:
    """60 s after the third refusal, doubled with each further one, 15 minutes at most."""
    pause = _FIRST_PAUSE
    for _ in range(_TRIES, length):
        pause = min(2 * pause, _LONGEST_PAUSE)
    return pause
