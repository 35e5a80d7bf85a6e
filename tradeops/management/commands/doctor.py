"""`manage.py doctor`: ask every part of this deployment how it is, side by side, in 3 seconds.

Exit codes: 0 all well · 1 something is broken · 3 only drift · 5 only the venue is unreachable.
Warnings do not count. The worst stands first, each with its number (docs/runbooks/reasons.md);
`--json` writes one JSON object a line.
"""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from functools import partial
from typing import IO, cast

from django.core.management.base import BaseCommand
from django.db import connection
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tradeops.doctor import of_accounts, of_deployment
from tradeops.doctor.findings import Check, Finding, Health, finding, worst_first
from tradeops.domain.reasons import Reason, page
from tradeops.kit.db_faults import reason_of
from tradeops.observability.asking import Answer, Panel

LIMIT_S = 2.5
PIPE_WIDTH = 160
EXIT_OK, EXIT_ERROR, EXIT_DRIFT, EXIT_VENUE = 0, 1, 3, 5
CHECKS: dict[str, Check] = {
    "database": of_deployment.check_database,
    "disk": of_deployment.check_disk,
    "journal triggers": of_deployment.check_triggers,
    "journal chain": of_deployment.check_chain,
    "redis": of_deployment.check_redis,
    "workers": of_deployment.check_workers,
    "processes": of_deployment.check_processes,
    "venues": of_accounts.check_venues,
    "budget": of_accounts.check_budget,
    "streams": of_accounts.check_streams,
    "scopes": of_accounts.check_holds,
    "reconcile": of_accounts.check_reconcile,
    "drifts": of_accounts.check_drifts,
    "commands": of_accounts.check_commands,
}


def examine() -> list[Finding]:
    """Every finding, worst first; a part that hangs or breaks is a finding itself."""
    parts = {name: partial(_all_of, check) for name, check in CHECKS.items()}
    answers = Panel(parts, after=_give_connection_back).ask(limit_s=LIMIT_S)
    found = [item for name, answer in answers.items() for item in _findings(name, answer)]
    found += of_deployment.check_settings()  # nothing there can hang
    return worst_first(found)


def _give_connection_back() -> None:
    connection.close()  # this thread's


def _all_of(check: Check) -> list[Finding]:
    return list(check())


def _findings(name: str, answer: Answer[list[Finding]]) -> list[Finding]:
    if answer.hangs:
        return [finding(name, Reason.PART_HANGS, f"no answer within {LIMIT_S} s")]
    if answer.error is not None:
        reason = reason_of(answer.error) or Reason.PART_HANGS
        text = f"{type(answer.error).__name__}: {str(answer.error).strip()}"
        return [finding(name, reason, text)]
    return answer.value or []


def examine_deep() -> list[Finding]:
    """As `examine`, and every event of the journal is read, however long it takes."""
    found = [item for item in examine() if item.part != "journal chain"]
    return worst_first([*found, *of_deployment.check_chain(deep=True)])


def exit_code(findings: list[Finding]) -> int:
    """0 all well, 5 or 3 when only the venue or only drift is the trouble, else 1."""
    bad = {item.health for item in findings} - {Health.OK, Health.WARN}
    if not bad:
        return EXIT_OK
    if bad == {Health.DRIFT}:
        return EXIT_DRIFT
    return EXIT_VENUE if bad == {Health.VENUE} else EXIT_ERROR


class Command(BaseCommand):
    """Examine and report."""

    help = "Check every part: settings, journal, redis, workers, venue, streams, reconciliation."
    requires_system_checks: list[str] = []  # they are part of the report  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Shape of the output, and how deep to look."""
        parser.add_argument("--json", action="store_true", help="one JSON object a line")
        parser.add_argument("--deep", action="store_true", help="read the whole journal")
        parser.add_argument(
            "--reasons", action="store_true", help="only print what each number means"
        )

    def handle(self, *_args: object, **options: object) -> None:
        """Report, and leave with the exit code that sums it up."""
        if options["reasons"]:
            self.stdout.write(page(), ending="")
            return
        findings = examine_deep() if options["deep"] else examine()
        if options["json"]:
            for item in findings:
                self.stdout.write(json.dumps(asdict(item)))
        else:
            self._table(findings)
        sys.exit(exit_code(findings))

    def _table(self, findings: list[Finding]) -> None:
        colours = {Health.WARN: "yellow"}
        table = Table("No.", "Part", "Health", "Detail")
        for item in findings:
            if item.health is not Health.OK:
                colour = colours.get(item.health, "red")
                health = f"[{colour}]{item.health}[/]"
                table.add_row(item.number, escape(item.part), health, escape(item.detail))
        out = cast("IO[str]", self.stdout._out)
        console = Console(file=out, width=None if out.isatty() else PIPE_WIDTH)
        if table.rows:
            console.print(table)
        good = [f"{item.part} ({item.detail})" for item in findings if item.health is Health.OK]
        if good:
            console.print("[green]OK[/]  " + escape(" · ".join(good)))
