"""The machine, and what its processes use (Linux: /proc)."""

import os
import platform
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.figures import Figure, durations
from tests.support.stack import ROOT

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FSYNCS = 100


@dataclass(frozen=True, slots=True)
class Machine:
    """Where and when a run took place; `loads` are the load averages (1 min) seen on the way."""

    name: str
    cores: int
    python: str
    commit: str
    date: str
    seconds: float
    loads: tuple[float, ...]

    def line(self) -> str:
        """Return one line for a reader."""
        low, high = min(self.loads), max(self.loads)
        return (
            f"{self.date}, commit {self.commit}, {self.cores} × {self.name}, Python {self.python}, "
            f"{self.seconds:.0f} s, load average {low:.1f} to {high:.1f}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the head of bench.json."""
        return {
            "machine": {"cpu": self.name, "cores": self.cores, "load_averages": list(self.loads)},
            "date": self.date,
            "python": self.python,
            "commit": self.commit,
            "seconds": round(self.seconds, 1),
        }


def describe(seconds: float, loads: Iterable[float]) -> Machine:
    """Look at this machine after a run that took `seconds`."""
    text = Path("/proc/cpuinfo").read_text()
    names = [line.split(":", 1)[1].strip() for line in text.splitlines() if "model name" in line]
    return Machine(
        name=names[0] if names else platform.processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        python=platform.python_version(),
        commit=_git("rev-parse", "--short", "HEAD") + ("+" if _git("status", "--short") else ""),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        seconds=seconds,
        loads=tuple(loads),
    )


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words],  # noqa: S607 - whatever git the developer has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown" if done.returncode == 0 else "unknown"


def fsyncs(folder: Path) -> Figure:
    """Measure what one durable write costs here: every commit of an order pays it."""
    times = []
    path = folder / "fsync.probe"
    with path.open("wb", buffering=0) as file:
        for _ in range(FSYNCS):
            file.write(bytes(4096))
            begun = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    path.unlink()
    return durations("fsync of 4 KiB", times)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def memory_mb(pid: int) -> tuple[float, float]:
    """Return resident memory, and the process's fair share of it where pages are shared (PSS)."""
    resident = _kib(Path(f"/proc/{pid}/status"), "VmRSS:")
    return resident / 1024, _kib(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1024


def _kib(path: Path, label: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(label):
            return int(line.split()[1])
    return 0
