"""`python -m tests.bench`: measure the budgets of architecture.md, show and write them.

Exit code 1 when something broke or a number that must be exact is not; a missed time is shown only.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from tests.bench import at_rest, burst, latency, live, report, throughput, upkeep
from tests.bench.figures import Figure
from tests.bench.machine import describe, fsyncs
from tests.bench.product import POSTGRES, SQLITE, Product, running
from tests.support.stack import ROOT

Part = Callable[..., list[Figure]]
# In this order: the later ones need what the earlier ones have written.
PARTS: dict[str, Part] = {
    "latency": latency.click_to_filled,
    "live": live.fill_to_desk,
    "desks": live.many_desks,
    "throughput": throughput.sustained,
    "burst": burst.stream_burst,
    "rebuild": upkeep.rebuild_rate,
    "reconcile": upkeep.reconcile_cpu,
}
ON_POSTGRES = ("latency", "live", "throughput", "burst")
REST = "rest"
WIDTH = 150  # of the table where nobody reads along


def main() -> int:
    """Run what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few samples, SQLite only: a smoke")
    parser.add_argument("--only", action="append", choices=[*PARTS, REST], help="may be repeated")
    parser.add_argument("--db", choices=["sqlite", "pg"], help="one database only")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--json", type=Path, default=ROOT / "bench.json", help="where to write")
    asked = parser.parse_args()
    console = Console(stderr=asked.markdown)
    if not console.is_terminal:
        console = Console(stderr=asked.markdown, width=WIDTH)
    begun, loads = time.monotonic(), [os.getloadavg()[0]]
    figures: list[Figure] = [fsyncs(Path(tempfile.gettempdir()))]
    for figure in _measured(asked, console):
        figures.append(figure)
        loads.append(os.getloadavg()[0])
    machine = describe(time.monotonic() - begun, loads)
    report.write_json(asked.json, figures, machine)
    if asked.markdown:
        sys.stdout.write(report.markdown(figures, machine) + "\n")
    else:
        report.show(figures, machine, console)
    return 1 if any(item.ok is False and item.is_exact for item in figures) else 0


def _measured(asked: argparse.Namespace, console: Console) -> Iterator[Figure]:
    names = asked.only or [*PARTS, REST]
    databases = {"sqlite": [SQLITE], "pg": [POSTGRES]}.get(asked.db or "", [SQLITE, POSTGRES])
    if asked.quick and asked.db is None:
        databases = [SQLITE]
    for database in databases:
        parts = [name for name in PARTS if name in names]
        if database == POSTGRES and asked.only is None:
            parts = [name for name in parts if name in ON_POSTGRES]
        if not parts:
            continue
        console.print(f"{database}: starting", highlight=False)
        with running(database) as product:
            for name in parts:
                yield from _part(name, product, console, quick=asked.quick)
    if REST in names:
        console.print("make run: at rest", highlight=False)
        yield from at_rest.make_run(quick=asked.quick)


def _part(name: str, product: Product, console: Console, *, quick: bool) -> list[Figure]:
    begun = time.monotonic()
    figures = PARTS[name](product, quick=quick)
    console.print(
        f"{product.database}: {name} took {time.monotonic() - begun:.1f} s", highlight=False
    )
    return figures


if __name__ == "__main__":
    sys.exit(main())
