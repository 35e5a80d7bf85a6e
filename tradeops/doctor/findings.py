"""What the doctor says: findings with a number, worst first."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from tradeops.domain.reasons import REASONS, Effect, Reason
from tradeops.kit.safe_mode import Trouble


class Health(StrEnum):
    """How a part is; DRIFT and VENUE are failures with an exit code of their own. Worst first."""

    FAIL = "FAIL"
    DRIFT = "DRIFT"
    VENUE = "VENUE"
    WARN = "WARN"
    OK = "OK"


_KINDS = {Reason.DRIFT_OPEN: Health.DRIFT, Reason.VENUE_UNREACHABLE: Health.VENUE}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw. `number` is empty when all is well."""

    part: str
    health: Health
    detail: str
    number: str = ""


Check = Callable[[], Iterator[Finding]]


def well(part: str, detail: str) -> Finding:
    """A part that is as it should be."""
    return Finding(part, Health.OK, detail)


def finding(part: str, reason: Reason, detail: str, *, health: Health | None = None) -> Finding:
    """What is wrong with a part; how bad it is follows from the reason unless given."""
    entry = REASONS[reason]
    usual = Health.WARN if entry.effect is Effect.WARNS else Health.FAIL
    return Finding(part, health or _KINDS.get(reason, usual), detail, reason)


def of_trouble(part: str, trouble: Trouble) -> Finding:
    """A trouble as a finding: its meaning, and what was seen."""
    text = f"{REASONS[trouble.reason].meaning} {trouble.detail}".strip()
    return finding(part, trouble.reason, text)


def worst_first(findings: list[Finding]) -> list[Finding]:
    """By severity, then by number; the order of the checks inside."""
    order = list(Health)
    return sorted(findings, key=lambda item: (order.index(item.health), item.number))
