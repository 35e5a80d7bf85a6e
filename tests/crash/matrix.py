"""Which crashes are tried: 14 points × 4 venue outcomes × stream up or down × 2 databases."""

import random
from dataclasses import dataclass
from itertools import product

POINTS = {
    "CP1": "the client's request is cut off before the command is committed",
    "CP2": "the command is committed, no hint was published",
    "CP3": "the hint was published and the broker lost it",
    "CP4": "the command is claimed, SENT is not committed",
    "CP5": "SENT is committed, no byte has left",
    "CP6": "the request has left, no reply was read",
    "CP7": "the reply was read, its outcome is not committed",
    "CP8": "the outcome is committed, the broker's message is not acknowledged",
    "CP9": "news of a fill were read, nothing of them is written",
    "CP10": "a fill is written, its transaction is not committed",
    "CP11": "a fill is committed, nobody was told",
    "CP12": "a comparison has read, and has not applied",
    "CP13": "a cancel has left, no reply was read",
    "CP14": "an entry is filled, its stop is not sent",
}
ANSWERED = "answered"
UNANSWERED = "unanswered"
REFUSED = "refused"
UNREACHED = "unreached"
OUTCOMES = {
    ANSWERED: "the venue executes and answers",
    UNANSWERED: "the venue executes, its answer is lost",
    REFUSED: "the venue refuses",
    UNREACHED: "the venue never gets it",
}
DATABASES = ("sqlite", "pg")


@dataclass(frozen=True, slots=True)
class Case:
    """One run. `stream` says whether the user-data stream can be reached."""

    point: str
    outcome: str
    stream: bool
    database: str

    def __str__(self) -> str:
        return f"{self.point}-{self.outcome}-{'up' if self.stream else 'down'}-{self.database}"


def every_case() -> list[Case]:
    """All 224, those of one database together."""
    return [
        Case(point, outcome, stream, database)
        for database, point, outcome, stream in product(DATABASES, POINTS, OUTCOMES, (True, False))
    ]


def sample(number: int, seed: int) -> list[Case]:
    """`number` cases by a seed, as many of each database, and every crash point before any twice.

    The databases begin at opposite ends of the shuffled points, so that few runs meet them all.
    """
    chance = random.Random(seed)
    points = list(POINTS)
    chance.shuffle(points)
    chosen = []
    for position, database in enumerate(DATABASES):
        own = [case for case in every_case() if case.database == database]
        chance.shuffle(own)
        order = points if position == 0 else points[::-1]
        room = number // 2 + (number % 2 if position == 0 else 0)
        ranked = sorted(own, key=lambda case: (_nth(own, case), order.index(case.point)))
        chosen += ranked[:room]
    return chosen


def _nth(cases: list[Case], case: Case) -> int:
    """How many cases of the same point stand before this one."""
    return sum(1 for other in cases[: cases.index(case)] if other.point == case.point)
