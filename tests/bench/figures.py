"""What was measured, against which budget. Pure."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table: durations (milliseconds), or one `value` with its unit.

    `ok` None: a peer or a plain fact, without a budget. `is_exact`: a miss is a defect, not
    slowness. `ratio_to_raw` compares p50 with raw python-binance in the same run.
    """

    name: str
    database: str = ""
    n: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    value: float | None = None
    unit: str = ""
    ratio_to_raw: float | None = None
    budget: str = ""
    ok: bool | None = None
    note: str = ""
    is_exact: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the line for bench.json, numbers rounded to what is meant."""
        return {
            key: round(value, 3) if isinstance(value, float) else value
            for key, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class Budget:
    """Upper bounds in milliseconds; None is no bound."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None

    def text(self) -> str:
        """Return the bounds as the table shows them."""
        bounds = (("p50", self.p50_ms), ("p95", self.p95_ms), ("p99", self.p99_ms))
        return ", ".join(f"{name} ≤ {bound:g} ms" for name, bound in bounds if bound is not None)


NONE = Budget()


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least `share` of all values do not exceed."""
    return sorted_values[max(0, math.ceil(len(sorted_values) * share) - 1)]


def durations(
    name: str,
    values_ms: Sequence[float],
    *,
    database: str = "",
    budget: Budget = NONE,
    raw_p50_ms: float | None = None,
    errors: int = 0,
    note: str = "",
) -> Figure:
    """Sum up durations; any error, and no value at all, misses the budget."""
    values = sorted(values_ms)
    if not values:
        return Figure(
            name, database, budget=budget.text(), ok=False, note=f"nothing measured; {note}"
        )
    p50, p95, p99 = (percentile(values, share) for share in (0.5, 0.95, 0.99))
    bounds = [(p50, budget.p50_ms), (p95, budget.p95_ms), (p99, budget.p99_ms)]
    judged = [found <= bound for found, bound in bounds if bound is not None]
    return Figure(
        name,
        database,
        n=len(values),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        max_ms=values[-1],
        ratio_to_raw=p50 / raw_p50_ms if raw_p50_ms else None,
        budget=budget.text(),
        ok=all(judged) and not errors if judged or errors else None,
        note=note,
    )
