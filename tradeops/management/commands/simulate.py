"""`manage.py simulate --seeds N --jobs J [--seed S --trace]`: the whole desk under seeded faults.

Exit codes: 0 every invariant held · 1 one did not, or a trace was not repeated · 2 usage.
"""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

HELD, BROKEN = 0, 1
TRACE_SHOWN = 400
_NOT_HERE = {"I13": "comes with the stop policy", "I17": "tests/integration/api"}


class Command(BaseCommand):
    """Run seeds, show what was injected and checked, print the trace of a failing one."""

    help = "Run the desk against the paper venue in memory, under seeded faults."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which seeds, how long, how many at once."""
        parser.add_argument("--seeds", type=int, default=100, help="how many, from --first on")
        parser.add_argument("--first", type=int, default=1)
        parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
        parser.add_argument("--seed", type=int, help="only this one")
        parser.add_argument("--trace", action="store_true", help="print what happened, in order")
        parser.add_argument("--repeat", type=int, default=0, help="run so many seeds a second time")
        parser.add_argument("--hours", type=float, help="one long run: a fault a minute")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run, summarise, exit."""
        if os.environ.get("PYTHONHASHSEED") != "0":
            # The order of sets of strings is part of a trace.
            words = [sys.executable, *sys.argv]
            os.execve(sys.executable, words, os.environ | {"PYTHONHASHSEED": "0"})  # noqa: S606 - itself
        from tradeops.simulator.campaign import Summary, outcomes  # noqa: PLC0415 - after the exec
        from tradeops.simulator.world import Plan, long_plan  # noqa: PLC0415

        console = Console()
        if options["hours"]:
            plans = [long_plan(options["seed"] or options["first"], hours=options["hours"])]
        elif options["seed"] is not None:
            plans = [Plan(options["seed"])]
        else:
            plans = [Plan(options["first"] + number) for number in range(options["seeds"])]
        summary, jobs = Summary(), min(options["jobs"], len(plans))
        columns = (TextColumn("seeds"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, disable=options["quiet"]) as bar:
            task = bar.add_task("seeds", total=len(plans) + options["repeat"])
            for outcome in outcomes(plans, jobs=jobs, keep_trace=options["trace"]):
                summary.add(outcome)
                bar.advance(task)
                if options["trace"]:
                    _print_trace(console, outcome)
            other = []
            for outcome in outcomes(plans[: options["repeat"]], jobs=jobs):
                bar.advance(task)
                if outcome.trace_hash != summary.hashes[outcome.seed]:
                    other.append(outcome.seed)
        _print_summary(console, summary)
        if options["repeat"]:
            text = f"differ for seeds {other}" if other else "are the same"
            console.print(f"second run of {options['repeat']} seeds: trace hashes {text}")
        by_seed = {plan.seed: plan for plan in plans}
        for failed in summary.failed[:5]:
            _print_failure(console, failed, by_seed[failed.seed])
        sys.exit(BROKEN if summary.failed or other else HELD)


def _print_trace(console: Console, outcome: Any) -> None:
    for line in outcome.trace:
        console.print(line, markup=False, highlight=False)


def _print_failure(console: Console, failed: Any, plan: Any) -> None:
    from tradeops.simulator.campaign import outcomes  # noqa: PLC0415

    console.print(f"[bold]seed {failed.seed}[/bold] broke:")
    for name, text in failed.violations:
        console.print(f"  {name}: {text}", markup=False)
    console.print(f"the end of its trace (again: manage.py simulate --seed {failed.seed} --trace):")
    again = next(iter(outcomes([plan], jobs=1, keep_trace=True)))
    for line in again.trace[-TRACE_SHOWN:]:
        console.print(line, markup=False, highlight=False)


def _print_summary(console: Console, summary: Any) -> None:
    faults = Table("fault injected", "times", title="Faults")
    for name, times in sorted(summary.faults.items(), key=lambda item: (-item[1], item[0])):
        faults.add_row(name, str(times))
    console.print(faults)
    checks = Table("invariant", "checked", "violations", title="Invariants")
    broken = [name for failed in summary.failed for name, _ in failed.violations]
    for number in range(1, 19):
        name = f"I{number}"
        checked = str(summary.checked.get(name, 0))
        checks.add_row(name, _NOT_HERE.get(name, checked), str(broken.count(name)))
    console.print(checks)
    console.print(
        f"{summary.runs} seeds, {sum(summary.commands.values())} commands, {summary.fills} fills, "
        f"{summary.events} events, {summary.steps} steps; "
        f"slowest to settle {summary.slowest_s:.0f} s; "
        f"{len(summary.failed)} seeds with violations; digest {summary.digest}"
    )
