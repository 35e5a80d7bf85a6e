"""`python -m tests.soak`: the live product against a paper venue that fails, and a table of it.

Exit code 1 when a line of the verdict does not hold.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.soak.run import ENVIRONMENT, Plan, soak
from tests.soak.verdict import SHOWN, Line
from tests.support.stack import Stack

WIDTH = 150


def main() -> int:
    """Run one soak; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=5.0, help="requests a second")
    parser.add_argument("--faults", type=float, default=5.0, help="percent of calls and frames")
    parser.add_argument("--mute", type=float, default=45.0, help="seconds without a stream")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder for databases and logs, kept")
    parser.add_argument("--json", type=Path, help="where to write the verdict")
    asked = parser.parse_args()
    plan = Plan(asked.minutes * 60, asked.rate, asked.faults / 100, asked.seed, asked.mute)
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        home = (asked.keep or Path(folder)) / "home"
        with Stack(home, environment=ENVIRONMENT) as stack:
            lines = soak(stack, plan, lambda text: console.print(text, highlight=False))
    _show(lines, console)
    if asked.json:
        asked.json.write_text(json.dumps([_plain(line) for line in lines], indent=2) + "\n")
    return 1 if any(line.ok is False for line in lines) else 0


def _show(lines: list[Line], console: Console) -> None:
    table = Table("what", "measured", "wanted", "")
    for line in lines:
        mark = {True: "✓", False: "✗", None: ""}[line.ok]
        table.add_row(
            line.what, line.measured, line.wanted, mark, style="red" if line.ok is False else None
        )
    console.print(table)
    for line in lines:
        shown = line.detail if line.ok is None else line.detail[:SHOWN]
        if shown:
            console.print(f"{line.what}: {'; '.join(shown)}", highlight=False)


def _plain(line: Line) -> dict[str, object]:
    return {
        "what": line.what,
        "measured": line.measured,
        "wanted": line.wanted,
        "ok": line.ok,
        "detail": list(line.detail),
    }


if __name__ == "__main__":
    sys.exit(main())
