"""`python -m tests.mutants`: take each guard away, one at a time, and see that a test notices.

First all those tests must pass with every guard in place. Exit code 1 when a mutant survived, is
broken, or its text is gone. Works on copies of the tree, so the sources stay untouched.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.table import Table

from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.ready_database import VARIABLE
from tests.mutants.table import MUTANTS

FAILED = 1  # pytest's exit code for "tests were run, and some failed"; others mean a broken run
LIMIT_S = 240
PLUGIN = "tests.mutants.ready_database"
WIDTH = 140


def main() -> int:
    """Run what is asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="mutants at a time")
    parser.add_argument("--only", action="append", help="part of a guard's name")
    parser.add_argument(
        "--unchecked", action="store_true", help="do not run the tests with every guard in place"
    )
    asked = parser.parse_args()
    mutants = [
        mutant
        for mutant in MUTANTS
        if not asked.only or any(part in mutant.guard for part in asked.only)
    ]
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tradeops-mutants-") as folder:
        trees = [_copy(Path(folder) / f"tree-{number}") for number in range(asked.jobs)]
        sound = asked.unchecked or _all_pass(mutants, trees[0], asked.jobs, console)
        verdicts = _judge(mutants, trees, console) if sound else {}
    _show(mutants, verdicts, console)
    survived = [mutant for mutant in mutants if not verdicts.get(mutant, "").startswith("noticed")]
    console.print(
        f"{len(mutants)} guards, {len(survived)} not proven, {time.monotonic() - begun:.0f} s"
    )
    return 1 if survived or not sound else 0


def _copy(target: Path) -> Path:
    """The tracked and new files of the tree, with the environment linked."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")
    return target


def _all_pass(mutants: list[Mutant], tree: Path, jobs: int, console: Console) -> bool:
    for postgres in (False, True):
        nodes = sorted(
            {node for mutant in mutants if mutant.postgres is postgres for node in mutant.tests}
        )
        if not nodes:
            continue
        done = _pytest(tree, [*nodes, "-n", str(jobs)], postgres=postgres)
        if done.returncode != 0:
            console.print(done.stdout[-6000:], markup=False, highlight=False)
            console.print("The tests fail with every guard in place.", style="red")
            return False
        summary = done.stdout.strip().splitlines()[-1]
        console.print(f"with every guard in place: {summary}", markup=False, highlight=False)
    return True


def _judge(mutants: list[Mutant], trees: list[Path], console: Console) -> dict[Mutant, str]:
    database = _migrated(trees[0])
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)
    verdicts: dict[Mutant, str] = {}

    def judge(mutant: Mutant) -> None:
        tree = free.get()
        try:
            verdicts[mutant] = _verdict(mutant, tree, database)
        finally:
            free.put(tree)
        console.print(f"{len(verdicts):3}/{len(mutants)} {mutant.guard}: {verdicts[mutant]}",
                      markup=False, highlight=False)  # fmt: skip

    with ThreadPoolExecutor(len(trees)) as pool:
        list(pool.map(judge, mutants))
    return verdicts


def _verdict(mutant: Mutant, tree: Path, database: Path) -> str:
    path = tree / mutant.file
    original = path.read_text()
    try:
        mutated = mutant.mutated(tree)
    except ValueError as error:
        return f"GONE: {error}"
    try:
        _write(path, mutated)
        ready = None if mutant.postgres or "/migrations/" in mutant.file else database
        done = _pytest(tree, [*mutant.tests, "-x"], postgres=mutant.postgres, database=ready)
    except subprocess.TimeoutExpired:
        return f"noticed: no end within {LIMIT_S} s"
    finally:
        _write(path, original)
    if done.returncode == 0:
        return "SURVIVED"
    failed = re.findall(r"^(?:FAILED|ERROR) \S*::(\S+)", done.stdout, re.MULTILINE)
    if done.returncode != FAILED or not failed:
        return f"BROKEN: {done.returncode} {done.stdout[-400:]}{done.stderr[-400:]}"
    return f"noticed by {failed[0]}"


def _write(path: Path, text: str) -> None:
    """Write so that Python compiles the file anew: its caches go by whole seconds and size."""
    path.write_text(text)
    moment = path.stat().st_mtime + _next_second()
    os.utime(path, (moment, moment))


def _counter() -> Callable[[], int]:
    numbers = iter(range(1, 10**9))
    return lambda: next(numbers)


_next_second = _counter()


def _migrated(tree: Path) -> Path:
    """A database as the tests begin with."""
    home = tree.with_name("home")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tradeops.settings.test",
        "TRADEOPS_HOME": str(home),
        "TRADEOPS_DOTENV": os.devnull,
    }
    environment.pop("DATABASE_URL", None)
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=tree,
        env=environment,
        check=True,
    )
    return home / "tradeops-paper.sqlite3"


def _pytest(
    tree: Path, words: list[str], *, postgres: bool, database: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "TRADEOPS_TEST_DB"}
    if postgres:
        environment["TRADEOPS_TEST_DB"] = "pg"
    if database is not None:
        environment[VARIABLE] = str(database)
        words = ["-p", PLUGIN, "--reuse-db", *words]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words],
        cwd=tree,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )


def _show(mutants: list[Mutant], verdicts: dict[Mutant, str], console: Console) -> None:
    table = Table("guard taken away", "in", "verdict")
    for mutant in mutants:
        verdict = verdicts.get(mutant, "not run")
        style = "green" if verdict.startswith("noticed") else "red"
        table.add_row(mutant.guard, mutant.file, f"[{style}]{verdict[:70]}[/{style}]")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
