"""Journal → Balance and WalletLedger rows."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from accounts.domain.wallet import margin_asset
from accounts.models import Balance, WalletLedger
from tradeops.domain.events import (
    BalanceChanged,
    FeeCharged,
    FundingApplied,
    IncomeBooked,
    TradeExecuted,
)
from tradeops.domain.money import ZERO, plain
from tradeops.journal.event_store import Stored
from tradeops.kit.rows import Rows

MODELS = (Balance, WalletLedger)
MOST_PENDING = 200
_REALIZED_PNL, _COMMISSION, _FUNDING, _OTHER = "realized_pnl", "commission", "funding", "other"
Flow = tuple[str, str, Decimal]  # asset, column of WalletLedger, amount


def balance_id(account_id: int, asset: str) -> str:
    """Row id of a wallet and of its ledger: `1:USDT`."""
    return f"{account_id}:{asset}"


def apply(stored: Stored, rows: Rows) -> None:
    """The newest wallet figure of an asset, and the flows that must add up to it."""
    event = stored.event
    if isinstance(event, BalanceChanged):
        _figure(stored.account_id, event, rows)
    elif isinstance(event, TradeExecuted):
        _flow(stored.account_id, _flows_of(event), event.traded_at, rows)
    elif isinstance(event, FundingApplied):
        flow = (event.asset, _FUNDING, event.amount)
        _flow(stored.account_id, [flow], event.applied_at, rows)
    elif isinstance(event, IncomeBooked):
        flow = (event.asset, _OTHER, event.amount)
        _flow(stored.account_id, [flow], event.booked_at, rows)
    elif isinstance(event, FeeCharged):
        flow = (event.asset, _OTHER, -event.amount)
        _flow(stored.account_id, [flow], event.charged_at, rows)


def _figure(account_id: int, event: BalanceChanged, rows: Rows) -> None:
    row_id = balance_id(account_id, event.asset)
    balance = rows.get(Balance, row_id) or Balance(
        id=row_id, account_id=account_id, asset=event.asset
    )
    balance.wallet_balance = event.wallet_balance
    balance.updated_at = event.updated_at
    rows.put(balance)
    ledger = _ledger(account_id, event.asset, event.updated_at, rows)
    if ledger.opening is None:
        _open(ledger, event)
        rows.put(ledger)


def _open(ledger: WalletLedger, event: BalanceChanged) -> None:
    ledger.opening, ledger.opened_at = event.wallet_balance, event.updated_at
    later = [flow for flow in ledger.pending if datetime.fromisoformat(flow[0]) > event.updated_at]
    for _, column, amount in later:
        setattr(ledger, column, getattr(ledger, column) + Decimal(amount))
    ledger.pending = []


def _flows_of(event: TradeExecuted) -> list[Flow]:
    flows = [
        (margin_asset(event.symbol), _REALIZED_PNL, event.realized_pnl),
        (event.commission_asset, _COMMISSION, event.commission),
    ]
    return [flow for flow in flows if flow[0] and flow[2]]


def _flow(account_id: int, flows: Sequence[Flow], at: datetime, rows: Rows) -> None:
    for asset, column, amount in flows:
        ledger = _ledger(account_id, asset, at, rows)
        if ledger.opened_at is None:
            # A new list: the row that was read must stay as it was.
            ledger.pending = [*ledger.pending, [at.isoformat(), column, plain(amount)]][
                -MOST_PENDING:
            ]
        elif at > ledger.opened_at:
            setattr(ledger, column, getattr(ledger, column) + amount)
        else:
            continue
        ledger.updated_at = max(ledger.updated_at, at)
        rows.put(ledger)


def _ledger(account_id: int, asset: str, at: datetime, rows: Rows) -> WalletLedger:
    row_id = balance_id(account_id, asset)
    return rows.get(WalletLedger, row_id) or WalletLedger(
        id=row_id,
        account_id=account_id,
        asset=asset,
        realized_pnl=ZERO,
        commission=ZERO,
        funding=ZERO,
        other=ZERO,
        pending=[],
        updated_at=at,
    )
