"""`manage.py drifts`: where both sides differ, and what to do about it.

Exit codes: 0 none, or decided · 1 error · 2 usage · 3 open drift · 4 refused · 5 venue unreachable.
"""

import sys
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from accounts.auth import ALL_SCOPES, Principal, readable_ids
from tradeops.domain.enums import DriftDecision
from tradeops.domain.errors import TradeOpsError
from tradeops.engine.console import EXIT_USAGE, EngineCommand
from tradeops.kit.http import request_hash
from tradeops.reconcile.api import decide, drift_for
from tradeops.reconcile.domain.hysteresis import DriftStatus
from tradeops.reconcile.schemas import DecisionIn, DriftOut, DriftState
from tradeops.reconcile.selectors import drifts_of

EXIT_DRIFT = 3
SHOWN = 100
COLUMNS = (
    "id",
    "account",
    "kind",
    "subject",
    "status",
    "needs_human",
    "local",
    "venue",
    "seen",
    "last_seen_at",
)
RESULT_COLUMNS = ("id", "kind", "status", "result")


class Command(EngineCommand):
    """List drifts, or decide about one."""

    help = "List where this side and the venue differ, or decide about one difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which ones; or which one, what, and why."""
        super().add_arguments(parser)
        parser.add_argument("--status", choices=list(DriftState), default=DriftState.LASTING)
        parser.add_argument(
            "--resolve", nargs=2, metavar=("ID", "DECISION"), help="adopt, ignore, flatten, rebuild"
        )
        parser.add_argument("--reason", help="why; kept with the decision")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List or decide."""
        if options["resolve"]:
            self._resolve(options)
            return
        if options["account"] is not None:
            self.account(options)
        rows = drifts_of(readable_ids(Principal("cli", ALL_SCOPES), options["account"]))
        rows = rows.filter(status__in=DriftState(options["status"]).statuses)
        found = list(rows.order_by("-last_seen_at", "pk")[:SHOWN])
        shown = [DriftOut.of(row).model_dump(mode="json") for row in found]
        self.show(shown, COLUMNS, options)
        if any(row.status in (DriftStatus.OPEN, DriftStatus.SUSPECTED) for row in found):
            sys.exit(EXIT_DRIFT)

    def _resolve(self, options: dict[str, Any]) -> None:
        name, decision = options["resolve"]
        if decision not in set(DriftDecision):
            message = f"{decision!r} is no decision: adopt, ignore, flatten or rebuild."
            raise CommandError(message, returncode=EXIT_USAGE)
        body = self.checked(DecisionIn, {"decision": decision, "reason": options["reason"]})
        try:
            drift = drift_for(Principal("cli", ALL_SCOPES), UUID(name))
        except (TradeOpsError, ValueError) as error:
            detail = error.detail if isinstance(error, TradeOpsError) else f"{name} is no id."
            raise CommandError(detail, returncode=EXIT_USAGE) from error
        ask = self.ask("drifts", body_hash=request_hash(body.model_dump(mode="json")))
        self.end(self.asked(lambda: decide(ask, drift, body)), RESULT_COLUMNS, options)
