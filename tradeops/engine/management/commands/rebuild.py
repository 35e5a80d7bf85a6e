"""`manage.py rebuild [--apply]`: rebuild every projection from events and report differences."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.table import Table

from tradeops.engine.rebuild import RebuildReport, rebuild

DRIFT = 3
SHOWN = 50


class Command(BaseCommand):
    help = "Rebuild all projections from the journal, compare, and with --apply swap them in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--apply", action="store_true", help="replace the live rows")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_args: Any, **options: Any) -> None:
        report = rebuild(apply=options["apply"])
        if options["json"]:
            self._write_json(report)
        else:
            self._write_table(report)
        if report.differences and not report.applied:
            sys.exit(DRIFT)

    def _write_json(self, report: RebuildReport) -> None:
        for difference in report.differences:
            self.stdout.write(
                json.dumps(
                    {
                        "table": difference.table,
                        "pk": difference.pk,
                        "column": difference.column,
                        "live": difference.live,
                        "rebuilt": difference.rebuilt,
                    }
                )
            )
        self.stdout.write(
            json.dumps(
                {
                    "events": report.events,
                    "rows": report.rows,
                    "differences": len(report.differences),
                    "applied": report.applied,
                }
            )
        )

    def _write_table(self, report: RebuildReport) -> None:
        console = Console()
        if report.differences:
            table = Table("table", "row", "column", "live", "rebuilt")
            for item in report.differences[:SHOWN]:
                table.add_row(item.table, item.pk, item.column, item.live, item.rebuilt)
            console.print(table)
        console.print(
            f"{report.events} events, {report.rows} rows, {len(report.differences)} differences"
            + (", applied" if report.applied else "")
        )
