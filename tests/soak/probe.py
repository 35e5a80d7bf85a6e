"""Printed from inside the product: what its ledger says about commands, fills, holds and drifts.

Run by `manage.py shell`; it may import nothing of the tests.
"""

import json
from typing import Any

from accounts.models import ExchangeAccount
from risk.models import EngineStatus
from tradeops.journal.models import Command, Event
from tradeops.reconcile.models import Drift

ENDED = ("ACK", "FAILED")
names = dict(ExchangeAccount.objects.values_list("pk", "name"))
commands: dict[str, int] = {}
unended: list[dict[str, Any]] = []
alarmed = {
    row["command_id"]
    for row in Event.objects.filter(type="CommandOverdue").values_list("payload", flat=True)
}
for command in Command.objects.order_by("created_at"):
    name = " ".join(part for part in (command.kind, command.status, command.code) if part)
    commands[name] = commands.get(name, 0) + 1
    if command.status not in ENDED:
        unended.append(
            {
                "id": str(command.pk),
                "kind": command.kind,
                "symbol": command.symbol,
                "status": command.status,
                "unknown": command.outcome_unknown,
                "queries": command.queries,
                "misses": command.misses,
                "is_alarmed": str(command.pk) in alarmed,
            }
        )
fills = [
    {
        "account": names[event.account_id],
        "source": event.source,
        "traded_at": event.payload["traded_at"],
        "recorded_at": event.recorded_at.isoformat(),
    }
    for event in Event.objects.filter(type="TradeExecuted").order_by("pk")
]
events: dict[str, int] = {}
for kind in Event.objects.values_list("type", flat=True):
    events[kind] = events.get(kind, 0) + 1
found = {
    "commands": commands,
    "unended": unended,
    "fills": fills,
    "events": events,
    "holds": [
        f"{row.scope} {row.state}: {row.reason}"
        for row in EngineStatus.objects.exclude(state="RUNNING")
    ],
    "drifts": [
        f"{names[row.account_id]} {row.kind} {row.subject} {row.status}"
        for row in Drift.objects.filter(resolved_at=None)
    ],
}
print(json.dumps(found))  # noqa: T201 - this is its answer
