"""Venue reports → events, compared with what is known (R1.5, D7).

A report that says nothing new makes no event: that is what makes the second copy of a fill, a
shuffled stream and a reconcile of an unchanged venue harmless.
"""

from collections.abc import Callable
from typing import Any

from tradeops.domain.ids import fill_dedup_key
from tradeops.engine.facts_account import (
    hear_funding,
    income_dedup_key,
    record_balance,
    record_income,
    record_leverage,
    record_margin_call,
    record_position,
    undo_adjustment,
)
from tradeops.engine.facts_orders import record_fill, record_order
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    FundingReport,
    IncomeReport,
    LeverageReport,
    MarginCallReport,
    OrderReport,
    PositionReport,
    Report,
)


def record(ledger: AccountLedger, report: Report) -> None:
    """Emit the events that follow from one report."""
    _RECORDERS[type(report)](ledger, report)


def expected_keys(account_id: int, report: Report) -> list[str]:
    """Dedup keys worth looking up ahead."""
    if isinstance(report, FillReport):
        return [fill_dedup_key(account_id, report.symbol, report.trade_id)]
    if isinstance(report, IncomeReport):
        return [income_dedup_key(account_id, report)]
    return []


def _record_fill(ledger: AccountLedger, report: FillReport) -> None:
    """A fill that is new undoes what was adopted in its place (F25)."""
    if not ledger.is_known(fill_dedup_key(ledger.account_id, report.symbol, report.trade_id)):
        record_fill(ledger, report)
        undo_adjustment(ledger, report)


_RECORDERS: dict[type, Callable[[AccountLedger, Any], None]] = {
    OrderReport: record_order,
    FillReport: _record_fill,
    PositionReport: record_position,
    LeverageReport: record_leverage,
    BalanceReport: record_balance,
    FundingReport: hear_funding,
    IncomeReport: record_income,
    MarginCallReport: record_margin_call,
}
