"""One account as the desk and the live websocket show it: JSON-ready, decimals as text."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Q

from accounts.models import Balance, ExchangeAccount
from orders.models import OPEN_STATUSES, Fill, Order
from positions.domain.accounting import Leg, unrealized_pnl
from positions.domain.margin import estimated_liquidation_price
from positions.models import Position
from risk.models import EngineStatus, RiskLimit
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import EngineState, MarginMode, StreamState
from tradeops.domain.money import PRECISION, ZERO, plain
from tradeops.engine.brackets import Brackets, shared_brackets
from tradeops.journal.event_store import lock_head
from tradeops.journal.models import Command, JournalHead
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import write_transaction
from tradeops.kit.redis_client import redis_client
from tradeops.market.cache import Mark, marks
from tradeops.reconcile.domain.hysteresis import DriftStatus
from tradeops.reconcile.models import Drift, ReconcileRun
from tradeops.reconcile.services import reconcile_notes
from tradeops.streams.models import StreamLease
from tradeops.streams.services.vitals import feed_key, rate_key

FILLS = 50
OPEN_ORDERS = 200
TRIES = 5
SETTLEMENT_ASSET = "USDT"
# What a person must know first stands first.
SEVERITY = (
    EngineState.HALTED,
    EngineState.SAFE,
    EngineState.PAUSED,
    EngineState.BOOTING,
    EngineState.RUNNING,
)


def account_snapshot(account_id: int) -> dict[str, Any]:
    """Everything a watcher needs, exactly as it was after event `seq`.

    Raises:
        ExchangeAccount.DoesNotExist: no such account.

    Source: contract.md "WebSocket".
    """
    now = SYSTEM_CLOCK.now()
    for _ in range(TRIES):
        before = _seq(account_id)
        body = _body(account_id, now)
        if _seq(account_id) == before:
            return {"account": account_id, "seq": before, **body}
    with write_transaction():  # too busy for a quiet moment: make one
        seq = lock_head(account_id).seq
        return {"account": account_id, "seq": seq, **_body(account_id, now)}


def _seq(account_id: int) -> int:
    head = JournalHead.objects.filter(pk=account_id).values_list("seq", flat=True).first()
    return head or 0


def _body(account_id: int, now: datetime) -> dict[str, Any]:
    account = ExchangeAccount.objects.get(pk=account_id)
    positions = sorted(
        (row for row in Position.objects.filter(account_id=account_id) if row.quantity),
        key=lambda row: row.symbol,
    )
    prices = marks([row.symbol for row in positions])
    balances = list(Balance.objects.filter(account_id=account_id).order_by("asset"))
    wallet = _wallet(balances)
    profits = [_profit(row, prices.get(row.symbol)) for row in positions]
    total = sum((profit or ZERO for profit in profits), wallet)
    brackets = shared_brackets(account_id, [row.symbol for row in positions])
    shown = [
        _position(
            row,
            prices.get(row.symbol),
            profit,
            cross=total - (profit or ZERO),
            brackets=brackets.get(row.symbol, ()),
        )
        for row, profit in zip(positions, profits, strict=True)
    ]
    return {
        "name": account.name,
        "env": settings.TRADEOPS_ENV,
        "at": now.isoformat(),
        "positions": shown,
        "orders": [_order(row) for row in _open_orders(account_id)],
        "fills": [_fill(row) for row in _fills(account_id)],
        "balances": [_balance(row) for row in balances],
        "equity": _equity(balances, shown),
        "risk": {"limits": [_limit(row) for row in _limits(account_id)]},
        "engine": _engine(account, now),
    }


def _wallet(balances: Sequence[Balance]) -> Decimal:
    return sum((row.wallet_balance for row in balances if row.asset == SETTLEMENT_ASSET), ZERO)


def _profit(row: Position, mark: Mark | None) -> Decimal | None:
    if mark is None:
        return None
    return unrealized_pnl(Leg(row.quantity, row.entry_price), mark.mark_price)


def _position(
    row: Position,
    mark: Mark | None,
    upnl: Decimal | None,
    *,
    cross: Decimal,
    brackets: Brackets,
) -> dict[str, Any]:
    """ROE = uPnL / (|quantity| x entry / leverage), in percent.

    `cross` is what the rest of the account could lose before this position is liquidated.
    """
    margin = PRECISION.divide(abs(row.quantity) * row.entry_price, Decimal(row.leverage or 1))
    is_isolated = row.margin_mode == MarginMode.ISOLATED
    backing = row.isolated_margin if row.isolated_margin is not None else margin
    liquidation = estimated_liquidation_price(
        row.quantity,
        row.entry_price,
        collateral=backing if is_isolated else cross,
        brackets=brackets,
    )
    return {
        "id": row.pk,
        "symbol": row.symbol,
        "position_side": row.position_side,
        "direction": "LONG" if row.quantity > 0 else "SHORT",
        "quantity": plain(row.quantity),
        "entry_price": plain(row.entry_price),
        "mark_price": plain(mark.mark_price) if mark else None,
        "mark_at": mark.at.isoformat() if mark else None,
        "upnl": plain(upnl) if upnl is not None else None,
        "roe_pct": _percent(upnl, margin) if upnl is not None else None,
        "notional": plain(abs(row.quantity) * (mark.mark_price if mark else row.entry_price)),
        "margin": plain(margin.quantize(Decimal("0.01"))),
        "leverage": row.leverage,
        "margin_mode": row.margin_mode,
        "isolated_margin": plain(backing) if is_isolated else None,
        "adl_quantile": row.adl_quantile,
        "liquidation_price": plain(liquidation) if liquidation is not None else None,
        "realized_pnl": plain(row.realized_pnl),
        "commission": plain(row.commission),
        "opened_at": row.opened_at.isoformat() if row.opened_at else None,
    }


def _percent(part: Decimal, whole: Decimal) -> str | None:
    if not whole:
        return None
    return plain(PRECISION.divide(part * 100, whole).quantize(Decimal("0.01")))


def _open_orders(account_id: int) -> Iterable[Order]:
    rows = Order.objects.filter(account_id=account_id, status__in=OPEN_STATUSES)
    return rows.order_by("-submitted_at")[:OPEN_ORDERS]


def _order(row: Order) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "client_order_id": row.client_order_id,
        "symbol": row.symbol,
        "side": row.side,
        "type": row.order_type,
        "quantity": plain(row.quantity),
        "filled_quantity": plain(row.filled_quantity),
        "price": plain(row.price) if row.price is not None else None,
        "trigger_price": plain(row.trigger_price) if row.trigger_price is not None else None,
        "callback_rate": plain(row.callback_rate) if row.callback_rate is not None else None,
        "triggered_at": row.triggered_at.isoformat() if row.triggered_at else None,
        "reduce_only": row.reduce_only,
        "close_position": row.close_position,
        "status": row.status,
        "submitted_at": row.submitted_at.isoformat(),
    }


def _fills(account_id: int) -> Iterable[Fill]:
    return Fill.objects.filter(account_id=account_id).order_by("-traded_at", "-trade_id")[:FILLS]


def _fill(row: Fill) -> dict[str, Any]:
    return {
        "fill_id": str(row.pk),
        "order_id": str(row.order_id),
        "symbol": row.symbol,
        "side": row.side,
        "price": plain(row.price),
        "quantity": plain(row.quantity),
        "commission": plain(row.commission),
        "commission_asset": row.commission_asset,
        "realized_pnl": plain(row.realized_pnl),
        "liquidity": row.liquidity,
        "traded_at": row.traded_at.isoformat(),
    }


def _balance(row: Balance) -> dict[str, str]:
    return {"asset": row.asset, "wallet_balance": plain(row.wallet_balance)}


def _equity(balances: Sequence[Balance], positions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Wallet plus open profit in USDT; null when a mark price is missing."""
    wallet = _wallet(balances)
    open_profit = [row["upnl"] for row in positions]
    margin = sum((Decimal(row["margin"]) for row in positions), ZERO)
    if None in open_profit:
        return {"wallet": plain(wallet), "upnl": None, "equity": None, "margin": plain(margin)}
    upnl = sum(map(Decimal, open_profit), ZERO)
    return {
        "wallet": plain(wallet),
        "upnl": plain(upnl),
        "equity": plain(wallet + upnl),
        "margin": plain(margin),
    }


def _limits(account_id: int) -> Iterable[RiskLimit]:
    rows = RiskLimit.objects.filter(Q(account=None) | Q(account_id=account_id), is_enabled=True)
    return rows.order_by("metric", "symbol", "id")


def _limit(row: RiskLimit) -> dict[str, Any]:
    return {
        "id": row.pk,
        "scope": "account" if row.account_id else "all",
        "symbol": row.symbol,
        "metric": row.metric,
        "value": plain(row.value),
    }


def _engine(account: ExchangeAccount, now: datetime) -> dict[str, Any]:
    statuses = list(
        EngineStatus.objects.filter(
            Q(scope__in=["all", f"account:{account.pk}"])
            | Q(scope__startswith=f"symbol:{account.pk}:")
        )
    )
    whole = [row for row in statuses if not row.scope.startswith("symbol:")]
    worst = min(whole, key=lambda row: SEVERITY.index(EngineState(row.state)), default=None)
    notes = _Notes.read(account.pk)
    return {
        "state": worst.state if worst else EngineState.RUNNING,
        "reason": worst.reason if worst else "",
        "actor": _name_of(worst.actor) if worst else "",
        "changed_at": worst.changed_at.isoformat() if worst else None,
        "scope": worst.scope if worst else "",
        "scopes": {row.scope: row.state for row in statuses},
        "stream": {**_stream(account, now), "heard_at": notes.feed.get("heard_at")},
        "reconcile_age_s": _age_s(_reconciled_at(account, notes), now),
        "drift": Drift.objects.filter(account=account, status=DriftStatus.OPEN).count(),
        "unknown": Command.objects.filter(
            account_id=account.pk, status=CommandStatus.SENT, outcome_unknown=True
        ).count(),
        "venue": notes.rate,
    }


def _name_of(actor: str) -> str:
    """What people call an actor: `user:2` is an operator's number."""
    kind, _, number = actor.partition(":")
    if kind != "user" or not number.isdecimal():
        return actor
    user = get_user_model().objects.filter(pk=int(number)).first()
    return user.get_username() if user else actor


def _stream(account: ExchangeAccount, now: datetime) -> dict[str, Any]:
    """A lease that ran out says nothing about the stream: nobody serves it."""
    lease = StreamLease.objects.filter(account=account).first()
    if lease is None or lease.expires_at < now:
        return {"state": StreamState.DISCONNECTED, "detail": "no worker serves it", "since": None}
    return {
        "state": lease.state,
        "detail": lease.state_detail,
        "since": lease.state_at.isoformat(),
    }


def _reconciled_at(account: ExchangeAccount, notes: "_Notes") -> datetime | None:
    """The last complete comparison: only one that found something leaves a row."""
    if notes.reconciled_at is not None:
        return notes.reconciled_at
    runs = ReconcileRun.objects.filter(account=account, error="", finished_at__isnull=False)
    return runs.order_by("-finished_at").values_list("finished_at", flat=True).first()


def _age_s(at: datetime | None, now: datetime) -> int | None:
    return None if at is None else max(0, int((now - at).total_seconds()))


@dataclass(frozen=True, slots=True)
class _Notes:
    """What workers noted in Redis about an account; nothing where it vanished (D1)."""

    rate: dict[str, Any] | None = None
    feed: dict[str, Any] = field(default_factory=dict)
    reconciled_at: datetime | None = None

    @classmethod
    def read(cls, account_id: int) -> "_Notes":
        keys = (rate_key(account_id), feed_key(account_id), reconcile_notes.key(account_id))
        try:
            texts: Any = redis_client().mget(keys)
        except redis.RedisError:
            return cls()
        rate, feed, reconciled_at = texts
        return cls(
            json.loads(rate) if rate else None,
            json.loads(feed) if feed else {},
            datetime.fromisoformat(reconciled_at) if reconciled_at else None,
        )
