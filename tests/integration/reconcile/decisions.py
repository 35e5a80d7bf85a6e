"""A desk whose position, wallet or order the venue sees otherwise, and what people decide."""

import uuid
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from accounts.models import Balance
from positions.models import Adjustment, Position
from risk.models import EngineStatus
from tests.integration.engine.desk import Desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import ResolveDrift
from tradeops.domain.enums import DriftDecision, PositionSide, Source
from tradeops.engine.ingest import ingest
from tradeops.exchange.reports import FillReport, PositionReport, Report
from tradeops.journal.models import Command
from tradeops.kit.portal import drive
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.account_reconcile import (
    PAGE,
    SCHEDULE,
    Scope,
    account_reconcile,
)
from tradeops.reconcile.services.comparison import Comparison
from tradeops.reconcile.services.drift_resolve import resolve_drift
from tradeops.reconcile.services.findings import ReconcileResult

D = Decimal


async def no_pause(_seconds: float) -> None:
    """Time stands still here."""


def look(
    desk: Desk, scope: Scope = "positions", *, later_s: float = 10, page: int = PAGE
) -> ReconcileResult:
    """One comparison that comes to its end, `later_s` after the last thing that happened."""
    result = try_to_look(desk, scope, later_s=later_s, page=page)
    assert result.error == ""
    return result


def try_to_look(
    desk: Desk, scope: Scope, *, later_s: float = 10, page: int = PAGE
) -> ReconcileResult:
    """One comparison, whatever becomes of it."""
    desk.clock.advance(later_s)
    return drive(
        account_reconcile(
            desk.port,
            desk.account.pk,
            scope=scope,
            trigger=SCHEDULE,
            clock=desk.clock,
            ids=uuid.uuid4,
            pause=no_pause,
            page=page,
        )
    )


def take(desk: Desk, *reports: Report) -> None:
    """What the stream tells."""
    now = desk.clock.now()
    ingest(desk.account.pk, reports, source=Source.STREAM, actor="test", now=now)


def leg(quantity: str, at: datetime, *, entry: str = "60000") -> PositionReport:
    """The venue's BTCUSDT leg."""
    return PositionReport("BTCUSDT", PositionSide.BOTH, D(quantity), D(entry), at)


def fill_at(desk: Desk, trade_id: int, quantity: str, *, price: str = "60000") -> FillReport:
    """A fill of somebody else's order that happens now."""
    made = fill_report(trade_id, trade_id, quantity=quantity, price=price, ours=False)
    return replace(made, traded_at=desk.clock.now())


def open_drift(desk: Desk, scope: Scope = "positions") -> Drift:
    """Look until the difference counts."""
    for _ in range(3):
        look(desk, scope)
    return Drift.objects.get(status="OPEN")


def decide(
    desk: Desk, drift: Drift, decision: DriftDecision, reason: str = "seen at the venue"
) -> Command:
    """A person's decision, carried out to its end."""
    wanted = ResolveDrift(drift.pk, decision, reason)
    command = Command.objects.get(pk=desk.ask(wanted))
    run = Comparison(desk.port, desk.account.pk, desk.clock, no_pause, PAGE)
    drive(resolve_drift(command, run))
    command.refresh_from_db()
    return command


def booked(desk: Desk) -> tuple[Decimal, Decimal, Decimal]:
    """Quantity of the leg, what of it has no fill, and what its adjustments still stand for."""
    row = Position.objects.get(account=desk.account)
    rest = sum((item.remaining for item in Adjustment.objects.all()), D(0))
    return row.quantity, row.adjusted_quantity, rest


def wallet(desk: Desk) -> Decimal:
    """USDT as booked."""
    row: Balance = Balance.objects.get(account=desk.account, asset="USDT")
    return D(row.wallet_balance)


def quarantine() -> str:
    """State of the one quarantine."""
    return str(EngineStatus.objects.get(scope__startswith="quarantine:").state)
