"""Reports about legs, settings and money → events."""

from accounts.models import Balance
from accounts.projection import balance_id
from positions.models import Position
from positions.projection import position_id
from tradeops.domain.clock import from_epoch_ms
from tradeops.domain.enums import PositionSide
from tradeops.domain.events import (
    BalanceChanged,
    FundingApplied,
    IncomeBooked,
    MarginCallReceived,
    PositionChanged,
)
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.reports import (
    BalanceReport,
    FundingReport,
    IncomeReport,
    LeverageReport,
    MarginCallReport,
    PositionReport,
)
from tradeops.journal.event_store import Draft

_NEVER = from_epoch_ms(0)
FUNDING = "FUNDING_FEE"
_IN_FILLS = frozenset({"REALIZED_PNL", "COMMISSION"})


def record_position(ledger: AccountLedger, report: PositionReport) -> None:
    """Only settings: the quantity of a snapshot detects drift and books nothing (D7)."""
    row = ledger.rows.get(
        Position, position_id(ledger.account_id, report.symbol, report.position_side)
    )
    _record_settings(ledger, report, report.position_side, row)


def record_leverage(ledger: AccountLedger, report: LeverageReport) -> None:
    legs = ledger.rows.select(Position, account_id=ledger.account_id, symbol=report.symbol)
    if not legs:
        _record_settings(ledger, report, PositionSide.BOTH, None)
    for leg in legs:
        _record_settings(ledger, report, PositionSide(leg.position_side), leg)


def _record_settings(
    ledger: AccountLedger,
    report: PositionReport | LeverageReport,
    side: PositionSide,
    row: Position | None,
) -> None:
    leverage, mode = report.leverage, report.margin_mode
    if row is not None:
        leverage = None if leverage == row.leverage else leverage
        mode = None if mode == row.margin_mode else mode
    if leverage is None and mode is None:
        return
    changed = PositionChanged(report.symbol, side, report.updated_at, leverage, mode)
    ledger.emit(Draft(changed, report.updated_at))


def record_balance(ledger: AccountLedger, report: BalanceReport) -> None:
    row = ledger.rows.get(Balance, balance_id(ledger.account_id, report.asset))
    if row is not None and (
        row.wallet_balance == report.wallet_balance or report.updated_at < row.updated_at
    ):
        return
    if row is None and report.wallet_balance == 0:
        return
    # Of a wallet that never moved the venue says 1970 (updateTime 0).
    occurred_at = report.updated_at if report.updated_at > _NEVER else ledger.origin.now
    changed = BalanceChanged(
        report.asset, report.wallet_balance, report.change, report.reason, report.updated_at
    )
    ledger.emit(Draft(changed, occurred_at))


def income_dedup_key(account_id: int, report: IncomeReport) -> str:
    """One movement of money, however often it is read."""
    return f"income:{account_id}:{report.kind}:{report.transaction_id}:{report.asset}"


def record_income(ledger: AccountLedger, report: IncomeReport) -> None:
    """Funding and what has no fill; PnL and commissions are booked with their fills."""
    if report.kind in _IN_FILLS:
        return
    event: FundingApplied | IncomeBooked
    if report.kind == FUNDING:
        event = FundingApplied(report.asset, report.amount, report.symbol, report.booked_at)
    else:
        event = IncomeBooked(
            report.kind,
            report.asset,
            report.amount,
            report.symbol,
            report.transaction_id,
            report.booked_at,
        )
    key = income_dedup_key(ledger.account_id, report)
    ledger.emit(Draft(event, report.booked_at, key))


def hear_funding(_ledger: AccountLedger, _report: FundingReport) -> None:
    """Nothing is booked: income tells it with its transaction id (see FundingReport)."""


def record_margin_call(ledger: AccountLedger, report: MarginCallReport) -> None:
    """An alarm; the same call heard twice is one."""
    call = MarginCallReceived(
        report.symbol,
        report.position_side,
        report.quantity,
        report.mark_price,
        report.unrealized_pnl,
        report.maintenance_margin,
        report.received_at,
    )
    marker = f"{report.symbol}:{report.position_side}:{report.received_at.isoformat()}"
    ledger.emit(Draft(call, report.received_at, f"margin_call:{ledger.account_id}:{marker}"))
