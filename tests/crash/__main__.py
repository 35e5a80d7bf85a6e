"""`python -m tests.crash`: kill a worker at each crash point and judge what its successor makes.

Exit code 1 when anything was wrong. Without `--sample` every case runs.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from accounts.sealing.envelope import generate_keypair
from tests.crash.matrix import DATABASES, POINTS, Case, every_case, sample
from tests.support.postgres import start_postgres
from tests.support.redis import start_redis

ROOT = Path(__file__).resolve().parents[2]
OWN_NAMES = ("TRADEOPS_", "DATABASE_", "REDIS_", "SEAL_", "SECRET_KEY", "AUTH_TOKEN", "BINANCE_")
WIDTH = 120
Told = Callable[[dict[str, Any]], None]


def main() -> int:
    """Run what is asked for; return the exit code."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    asked = _options()
    cases = sample(asked.sample, asked.seed) if asked.sample else every_case()
    cases = [case for case in cases if not asked.only or str(case).startswith(tuple(asked.only))]
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    folder = Path(tempfile.mkdtemp(prefix="tradeops-crash-"))
    begun, results = time.monotonic(), []

    def told(result: dict[str, Any]) -> None:
        results.append(result)
        word = "[red]wrong[/red]" if result["wrong"] else "ok"
        console.print(
            f"{len(results):3}/{len(cases)} {result['case']:30} {word:5} {result['ended']:26}"
            f" after {result['after_s']:3} s of its own time, took {result['took_s']} s",
            highlight=False,
        )
        for line in result["wrong"]:
            console.print(f"      {line}", markup=False, highlight=False)

    try:
        _run_lanes(cases, folder, asked.jobs, told)
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    wrong = [result for result in results if result["wrong"]]
    _show(cases, {result["case"] for result in results if not result["wrong"]}, console)
    console.print(
        f"{len(results)} runs, {len(wrong)} wrong, {time.monotonic() - begun:.0f} s"
        + (f", seed {asked.seed}" if asked.sample else "")
    )
    if len(results) != len(cases):
        console.print(f"{len(cases) - len(results)} runs are missing", style="red")
    return 1 if wrong or len(results) != len(cases) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="only N cases, by seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--only", action="append", help="beginning of a case's name, e.g. CP6-")
    parser.add_argument("--keep", action="store_true", help="leave the files of wrong runs")
    return parser.parse_args()


def _run_lanes(cases: list[Case], folder: Path, jobs: int, told: Told) -> None:
    """Start the servers and as many lanes as there are jobs, each for one database."""
    lanes = []
    with ExitStack() as stack:
        postgres = ""
        if any(case.database == "pg" for case in cases):
            server = start_postgres(folder / "postgres")
            stack.callback(server.stop)
            postgres = server.url
        keys = generate_keypair()
        for database in DATABASES:
            own = [case for case in cases if case.database == database]
            width = min(len(own), max(1, jobs // len(DATABASES)))
            for number in range(width):
                url = postgres if database == "pg" else ""
                part = own[number::width]
                lanes.append(
                    _Lane(
                        part,
                        folder / f"{database}-{number}",
                        postgres=url,
                        keys=keys,
                        told=told,
                        stack=stack,
                    )
                )
        for lane in lanes:
            stack.callback(lane.end)
        for lane in lanes:
            lane.start()
            if jobs == 1:
                lane.join()
        for lane in lanes:
            lane.join()


class _Lane(threading.Thread):
    """A process that runs some cases of one database, and what it says."""

    def __init__(
        self,
        cases: list[Case],
        folder: Path,
        *,
        postgres: str,
        keys: tuple[str, str],
        told: Told,
        stack: ExitStack,
    ) -> None:
        super().__init__()
        self._cases = cases
        self._told = told
        folder.mkdir()
        redis = start_redis(folder / "redis")
        stack.callback(redis.stop)
        self._words = ["--folder", str(folder), "--postgres", postgres]
        self._environment = _environment(folder, postgres, redis.url, keys)
        self._process: subprocess.Popen[str] | None = None

    def end(self) -> None:
        """End the process; it ends those that it started."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait()

    def run(self) -> None:
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.lane", *self._words],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(f"{case}\n" for case in self._cases))
        process.stdin.close()
        for line in process.stdout:
            self._told(json.loads(line))
        process.wait()


def _environment(
    folder: Path, postgres: str, redis_url: str, keys: tuple[str, str]
) -> dict[str, str]:
    public, private = keys
    inherited = {n: value for n, value in os.environ.items() if not n.startswith(OWN_NAMES)}
    own = {
        "DJANGO_SETTINGS_MODULE": "tradeops.settings.test",
        "TRADEOPS_HOME": str(folder),
        "TRADEOPS_DOTENV": os.devnull,
        "TRADEOPS_SCREENS": "false",
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(50),
        "AUTH_TOKEN": secrets.token_urlsafe(32),
        "SEAL_PUBLIC_KEY": public,
        "SEAL_PRIVATE_KEYS": private,
    }
    if postgres:
        own["DATABASE_URL"] = postgres
    return inherited | own


def _show(cases: list[Case], right: set[str], console: Console) -> None:
    """One line a crash point, one column a database: how many of its runs were right."""
    table = Table("", "crash point", *DATABASES)
    for point, meaning in POINTS.items():
        cells = []
        for database in DATABASES:
            own = [case for case in cases if (case.point, case.database) == (point, database)]
            good = sum(str(case) in right for case in own)
            style = "green" if good == len(own) else "red"
            cells.append(f"[{style}]{good} of {len(own)}[/{style}]" if own else "-")
        table.add_row(point, meaning, *cells)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
