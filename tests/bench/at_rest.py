"""The launcher of `make run`: how long it takes to be ready, and what it uses while nobody asks."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.figures import Figure
from tests.bench.machine import cpu_s, memory_mb
from tests.support.stack import OWN_NAMES, ROOT
from tradeops.launch.ports import free_port

READY_S = 10.0
RSS_MB = 600.0
CPU_PERCENT = 10.0
SETTLE_S = 10.0
GIVE_UP_S = 120.0


def make_run(*, quick: bool) -> list[Figure]:
    """Start, look while nothing happens, end, start again."""
    with tempfile.TemporaryDirectory(prefix="tradeops-bench-run-") as name:
        home = Path(name)
        ports = {f"TRADEOPS{part}_PORT": str(free_port()) for part in ("", "_PAPER", "_REDIS")}
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(OWN_NAMES)},
            **ports,
            "TRADEOPS_HOME": str(home),
            "TRADEOPS_DOTENV": str(home / ".env"),
        }
        with _launched(home, environment) as first_s:
            first_cpu = sum(cpu_s(pid) for pid in _pids(home).values())
            time.sleep(2 if quick else SETTLE_S)
            rest = _at_rest(home, 5 if quick else 20)
        with _launched(home, environment) as second_s:
            second_cpu = sum(cpu_s(pid) for pid in _pids(home).values())
    return [
        Figure(
            "make run, first start → ready",
            value=first_s,
            unit="s",
            n=1,
            note=f"{first_cpu:.1f} s of CPU",
        ),
        Figure(
            "make run, second start → ready",
            value=second_s,
            unit="s",
            n=1,
            budget=f"≤ {READY_S:g} s",
            ok=second_s <= READY_S,
            note=f"{second_cpu:.1f} s of CPU",
        ),
        *rest,
    ]


@contextlib.contextmanager
def _launched(home: Path, environment: dict[str, str]) -> Iterator[float]:
    """Run the launcher; gives the seconds until every check of `/healthz` passed."""
    begun = time.monotonic()
    with (home / "launch.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tradeops.launch", "--db", ""],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        while not _is_ready(home, int(environment["TRADEOPS_PORT"])):
            if process.poll() is not None or time.monotonic() - begun > GIVE_UP_S:
                raise RuntimeError(f"make run did not start:\n{(home / 'launch.log').read_text()}")
            time.sleep(0.05)
        yield time.monotonic() - begun
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(GIVE_UP_S)


def _is_ready(home: Path, port: int) -> bool:
    if not (home / "run.json").exists():
        return False
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _pids(home: Path) -> dict[str, int]:
    known = json.loads((home / "run.json").read_text())["pids"]
    daemon = int((home / "supervisord.pid").read_text())
    return {**{name: int(pid) for name, pid in known.items()}, "supervisord": daemon}


def _at_rest(home: Path, seconds: float) -> list[Figure]:
    pids = _pids(home)
    begun, before = time.monotonic(), {name: cpu_s(pid) for name, pid in pids.items()}
    time.sleep(seconds)
    elapsed = time.monotonic() - begun
    cpu = {name: (cpu_s(pid) - before[name]) / elapsed * 100 for name, pid in pids.items()}
    memory = {name: memory_mb(pid) for name, pid in pids.items()}
    resident = sum(rss for rss, _ in memory.values())
    shared = sum(pss for _, pss in memory.values())
    return [
        Figure(
            "make run at rest, RSS",
            n=len(pids),
            value=resident,
            unit="MB",
            budget=f"≤ {RSS_MB:g} MB",
            ok=resident <= RSS_MB,
            note=f"PSS {shared:.0f} MB; " + _each({name: rss for name, (rss, _) in memory.items()}),
        ),
        Figure(
            "make run at rest, CPU of one core",
            n=len(pids),
            value=sum(cpu.values()),
            unit="%",
            budget=f"≤ {CPU_PERCENT:g} %",
            ok=sum(cpu.values()) <= CPU_PERCENT,
            note=_each(cpu),
        ),
    ]


def _each(values: dict[str, float]) -> str:
    ordered = sorted(values.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {value:.1f}" for name, value in ordered)
