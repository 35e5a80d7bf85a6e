"""The one door for facts: streams, REST answers and reconciliation all come here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from orders.models import Order, TradeCursor
from tradeops.domain.enums import Source
from tradeops.domain.events import DomainEvent
from tradeops.engine import facts
from tradeops.engine.facts_lookup import row_ids
from tradeops.engine.ledger import account_ledger
from tradeops.exchange.reports import FillReport, OrderReport, Report
from tradeops.journal.event_store import Draft, Origin, Stored


class StaleFence(Exception):
    """The writer's lease went to somebody else; nothing was written (I11)."""


def ingest(
    account_id: int,
    reports: Sequence[Report],
    *,
    source: Source,
    actor: str,
    now: datetime,
    fence: Callable[[], None] | None = None,
    cursors: Mapping[str, int] | None = None,
) -> list[Stored]:
    """Journal and project what is new in `reports`, in one transaction; returns the new events.

    `fence` runs under the account lock and raises StaleFence to abort. `cursors` {symbol: trade id}
    are saved in the same transaction, so that a gap is never skipped (F13).
    """
    with account_ledger(account_id, Origin(actor, source, now)) as ledger:
        if fence is not None:
            fence()
        ledger.expect([key for item in reports for key in facts.expected_keys(account_id, item)])
        ledger.rows.prefetch(Order, _order_ids(account_id, reports))
        for report in reports:
            facts.record(ledger, report)
        for symbol, trade_id in (cursors or {}).items():
            TradeCursor.objects.update_or_create(
                account_id=account_id, symbol=symbol, defaults={"trade_id": trade_id}
            )
    return ledger.written


def record(
    account_id: int,
    events: Sequence[DomainEvent],
    *,
    source: Source,
    actor: str,
    now: datetime,
    fence: Callable[[], None] | None = None,
    dedup_keys: Sequence[str | None] | None = None,
) -> list[Stored]:
    """Journal facts that no venue report carries (stream state, drift, reconciliation)."""
    keys = dedup_keys or [None] * len(events)
    with account_ledger(account_id, Origin(actor, source, now)) as ledger:
        if fence is not None:
            fence()
        for event, key in zip(events, keys, strict=True):
            ledger.emit(Draft(event, now, key))
    return ledger.written


def _order_ids(account_id: int, reports: Sequence[Report]) -> list[UUID]:
    """Row ids that the reports' orders have, ours or not."""
    heard = [report for report in reports if isinstance(report, OrderReport | FillReport)]
    return list({order_id for report in heard for order_id in row_ids(account_id, report)})
