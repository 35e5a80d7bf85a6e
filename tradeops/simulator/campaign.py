"""Many seeds over several processes, and one table of what was tried and found."""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from multiprocessing import get_context

from tradeops.simulator.database import MemoryDatabase
from tradeops.simulator.run import run_seed
from tradeops.simulator.world import Outcome, Plan

COLLECT_EVERY = 5
_database: MemoryDatabase | None = None
_runs = 0


@dataclass(slots=True)
class Summary:
    """Sums over the runs so far; `digest` covers every trace hash in the order of the seeds."""

    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)
    fills: int = 0
    events: int = 0
    steps: int = 0
    slowest_s: float = 0.0
    hashes: dict[int, str] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count one run."""
        self.runs += 1
        self.faults += outcome.faults
        self.checked += outcome.checked
        self.commands += outcome.commands
        self.fills += outcome.fills
        self.events += outcome.events
        self.steps += outcome.steps
        self.slowest_s = max(self.slowest_s, outcome.settled_s)
        self.hashes[outcome.seed] = outcome.trace_hash
        if outcome.violations:
            self.failed.append(outcome)

    @property
    def digest(self) -> str:
        """One hash of all traces."""
        lines = "".join(f"{seed}:{self.hashes[seed]}\n" for seed in sorted(self.hashes))
        return blake2b(lines.encode(), digest_size=16).hexdigest()


def outcomes(plans: Sequence[Plan], *, jobs: int, keep_trace: bool = False) -> Iterator[Outcome]:
    """Run the plans in `jobs` processes; outcomes come in the order in which they end."""
    # Migrated once: children inherit the database in memory, each its own copy.
    database = MemoryDatabase()
    gc.collect()
    gc.freeze()
    with get_context("fork").Pool(jobs, initializer=_inherit, initargs=(database,)) as pool:
        work = [(plan, keep_trace) for plan in plans]
        yield from pool.imap_unordered(_run, work, chunksize=1)


def _inherit(database: MemoryDatabase) -> None:
    global _database  # noqa: PLW0603 - one per process
    _database = database
    gc.disable()


def _run(work: tuple[Plan, bool]) -> Outcome:
    global _runs  # noqa: PLW0603 - counts towards the next collection
    plan, keep_trace = work
    if _database is None:
        raise RuntimeError("the pool prepares its processes")
    outcome = run_seed(plan, _database, keep_trace=keep_trace)
    _runs += 1
    if _runs % COLLECT_EVERY == 0:
        gc.collect()
    return outcome
