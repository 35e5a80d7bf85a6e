"""Show figures: a table on the terminal, Markdown for docs/performance.md, bench.json."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure
from tests.bench.machine import Machine

HEADS = ("what", "database", "n", "p50 ms", "p95 ms", "p99 ms", "max ms", "× raw", "budget", "")


def show(figures: Sequence[Figure], machine: Machine, console: Console) -> None:
    """Print the table and under it what needs more words than a cell has."""
    table = Table(*HEADS, title=machine.line(), title_justify="left")
    for figure in figures:
        table.add_row(*_cells(figure), style="red" if figure.ok is False else None)
    console.print(table)
    for figure in figures:
        if figure.note:
            console.print(f"{figure.name} {figure.database}: {figure.note}", highlight=False)


def markdown(figures: Sequence[Figure], machine: Machine) -> str:
    """Return the same table as Markdown."""
    lines = [
        machine.line(),
        "",
        "| " + " | ".join(HEADS) + " |",
        "|" + "---|" * len(HEADS),
        *("| " + " | ".join(_cells(figure)) + " |" for figure in figures),
        "",
        *(f"- {item.name} {item.database}: {item.note}" for item in figures if item.note),
    ]
    return "\n".join(lines)


def write_json(path: Path, figures: Sequence[Figure], machine: Machine) -> None:
    """Write bench.json (not committed): the machine and every figure."""
    content = {**machine.as_json(), "results": [figure.as_json() for figure in figures]}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _cells(figure: Figure) -> tuple[str, ...]:
    measured: tuple[str, ...]
    if figure.value is not None:
        measured = (f"{figure.value:,.1f} {figure.unit}", "", "", "")
    else:
        measured = tuple(
            "" if value is None else f"{value:.2f}"
            for value in (figure.p50_ms, figure.p95_ms, figure.p99_ms, figure.max_ms)
        )
    ratio = "" if figure.ratio_to_raw is None else f"{figure.ratio_to_raw:.1f}"
    mark = {True: "✓", False: "✗", None: ""}[figure.ok]
    count = str(figure.n) if figure.n else ""
    return (figure.name, figure.database, count, *measured, ratio, figure.budget, mark)
