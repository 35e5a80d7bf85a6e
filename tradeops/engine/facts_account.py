"""Reports about legs, settings and money → events."""

import logging
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid5

from celery import current_app
from kombu.exceptions import OperationalError

from accounts.models import Balance
from accounts.projection import balance_id
from positions.domain.accounting import Leg, adjusting_price
from positions.models import Adjustment, Position
from positions.projection import position_id
from tradeops.domain.clock import from_epoch_ms
from tradeops.domain.enums import MarginMode, PositionSide
from tradeops.domain.events import (
    BalanceChanged,
    FundingApplied,
    IncomeBooked,
    MarginCallReceived,
    PositionAdjusted,
    PositionChanged,
)
from tradeops.engine.ledger import AccountLedger
from tradeops.exchange.reports import (
    BalanceReport,
    FillReport,
    FundingReport,
    IncomeReport,
    LeverageReport,
    MarginCallReport,
    PositionReport,
)
from tradeops.journal.event_store import Draft
from tradeops.kit.db import after_commit

_NEVER = from_epoch_ms(0)
FUNDING = "FUNDING_FEE"
_IN_FILLS = frozenset({"REALIZED_PNL", "COMMISSION"})
# Why a stream says that a wallet moved (binance.md §4 `m`), where a fill or a FundingReport tells.
_EXPLAINED = frozenset({"ORDER", "FUNDING_FEE"})
RECONCILE_TASK = "tradeops.reconcile.tasks.reconcile_account"
RECONCILE_QUEUE = "reconcile"
INCOME_APPEARS_AFTER_S = 2
INCOME_ASKED_WITHIN_S = 30
logger = logging.getLogger(__name__)


def record_position(ledger: AccountLedger, report: PositionReport) -> None:
    """Only settings: the quantity of a snapshot detects drift and books nothing (D7)."""
    _record_settings(ledger, _Settings.of(report), report.position_side)


def record_leverage(ledger: AccountLedger, report: LeverageReport) -> None:
    """Leverage and margin mode of every leg of the symbol."""
    legs = ledger.rows.select(Position, account_id=ledger.account_id, symbol=report.symbol)
    told = _Settings(report.symbol, report.updated_at, report.leverage, report.margin_mode)
    for side in sorted({PositionSide(leg.position_side) for leg in legs} or {PositionSide.BOTH}):
        _record_settings(ledger, told, side)


@dataclass(frozen=True, slots=True)
class _Settings:
    """What a venue says of a leg beside its quantity; None where it does not say."""

    symbol: str
    updated_at: datetime
    leverage: int | None = None
    margin_mode: MarginMode | None = None
    isolated_margin: Decimal | None = None
    adl_quantile: int | None = None

    @classmethod
    def of(cls, report: PositionReport) -> "_Settings":
        # The isolated wallet of a cross leg is 0 and means nothing.
        isolated = report.margin_mode is MarginMode.ISOLATED
        return cls(
            report.symbol,
            report.updated_at,
            report.leverage,
            report.margin_mode,
            report.isolated_wallet if isolated else None,
            report.adl_quantile,
        )


def _record_settings(ledger: AccountLedger, told: _Settings, side: PositionSide) -> None:
    row = ledger.rows.get(Position, position_id(ledger.account_id, told.symbol, side))
    news = {
        name: value
        for name in ("leverage", "margin_mode", "isolated_margin", "adl_quantile")
        if (value := getattr(told, name)) is not None
        and (row is None or value != getattr(row, name))
    }
    if news:
        changed = PositionChanged(told.symbol, side, told.updated_at, **news)
        ledger.emit(Draft(changed, told.updated_at))


def adjust_position(
    ledger: AccountLedger, report: PositionReport, *, drift_id: UUID, read_at: datetime
) -> bool:
    """Take over the venue's quantity of a leg that no fill explains; False when both agree.

    `read_at` is when the venue said so: fills up to then that arrive later are part of it (F25).
    """
    row = ledger.rows.get(
        Position, position_id(ledger.account_id, report.symbol, report.position_side)
    )
    leg = Leg(row.quantity, row.entry_price) if row is not None else Leg()
    change = report.quantity - leg.quantity
    if not change:
        return False
    adjusted = PositionAdjusted(
        uuid5(drift_id, f"{report.symbol}:{report.position_side}"),
        drift_id,
        report.symbol,
        report.position_side,
        change,
        adjusting_price(leg, change, report.entry_price),
        read_at,
    )
    return ledger.emit(Draft(adjusted, read_at, f"adjustment:{adjusted.adjustment_id}"))


def undo_adjustment(ledger: AccountLedger, report: FillReport) -> None:
    """Take a fill that has just been booked off the adjustment that stood for it (F25)."""
    row = ledger.rows.get(
        Position, position_id(ledger.account_id, report.symbol, report.position_side)
    )
    if row is None or row.adjusted_until is None or report.traded_at > row.adjusted_until:
        return
    found = ledger.rows.select(
        Adjustment,
        account_id=ledger.account_id,
        symbol=report.symbol,
        position_side=report.position_side,
    )
    covering = [item for item in found if item.adjusted_at >= report.traded_at]
    adjustment = min(covering, key=lambda item: (item.adjusted_at, item.pk))
    undone = PositionAdjusted(
        uuid5(adjustment.pk, report.trade_id),
        adjustment.drift_id,
        report.symbol,
        report.position_side,
        -report.side.sign * report.quantity,
        adjustment.entry_price,
        report.traded_at,
        reverses=adjustment.pk,
        trade_id=report.trade_id,
    )
    ledger.emit(Draft(undone, report.traded_at, f"adjustment:{undone.adjustment_id}"))


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
    if report.reason and report.reason not in _EXPLAINED:
        after_commit(partial(_ask_for_income, ledger.account_id))


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


def hear_funding(ledger: AccountLedger, _report: FundingReport) -> None:
    """Nothing is booked: income tells it with its transaction id, so that is asked for soon."""
    after_commit(partial(_ask_for_income, ledger.account_id))


def _ask_for_income(account_id: int) -> None:
    """Have the income history read; a broker that is down leaves it to the next period."""
    try:
        current_app.send_task(
            RECONCILE_TASK,
            kwargs={"account_id": account_id, "scope": "income"},
            queue=RECONCILE_QUEUE,
            countdown=INCOME_APPEARS_AFTER_S,
            expires=INCOME_ASKED_WITHIN_S,
        )
    except (OperationalError, OSError) as error:
        logger.warning("income of %s not asked for: %s", account_id, type(error).__name__)


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
