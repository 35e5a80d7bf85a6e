"""Rows for the admin's pages, written the way the engine writes them: events first."""

import uuid
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import models
from django.urls import reverse

from accounts.models import Balance, ExchangeAccount
from orders.models import Fill, Order
from positions.models import Position
from risk.models import EngineStatus
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import Source
from tradeops.domain.ids import client_order_id
from tradeops.journal.command_store import Asker, enqueue
from tradeops.reconcile.models import Drift, ReconcileRun
from tradeops.streams.models import StreamLease

VERDICTS = [
    {
        "gate": "min_notional",
        "passed": True,
        "code": "",
        "detail": "",
        "numbers": {"notional": "500", "min_notional": "100"},
    },
    {
        "gate": "max_order_notional",
        "passed": False,
        "code": "RISK_REJECTED:max_order_notional",
        "detail": "500 is above 400",
        "numbers": {"limit": "400"},
    },
]


def superuser(name: str = "boss") -> User:
    """Somebody who may do everything."""
    return get_user_model().objects.create_superuser(name, password="x" * 12)


def order(
    account: ExchangeAccount, at: datetime, *, status: str = "FILLED", filled: str = "0.007"
) -> Order:
    """An order with its command, its first event and, when filled, one fill."""
    command_id = uuid.uuid4()
    enqueue(
        PlaceOrder("BTCUSDT", "BUY", notional=Decimal(500)),  # type: ignore[arg-type]  # as JSON has it
        account_id=account.pk,
        command_id=command_id,
        asker=Asker("user:1", Source.API),
        now=at,
    )
    quantity = Decimal(filled)
    row = Order.objects.create(
        id=command_id,
        account=account,
        client_order_id=client_order_id(command_id),
        venue_order_id=str(command_id.int % 10**9),
        command_id=command_id,
        symbol="BTCUSDT",
        side="BUY",
        order_type="MARKET",
        position_side="BOTH",
        quantity=Decimal("0.00700"),
        status=status,
        venue_filled_quantity=quantity,
        filled_quantity=quantity,
        filled_notional=quantity * Decimal("68320.50"),
        commission=Decimal("0.19129740"),
        realized_pnl=Decimal(0),
        leverage=10,
        verdicts=VERDICTS,
        submitted_at=at,
        updated_at=at,
    )
    if quantity:
        fill(row, at)
    return row


def fill(row: Order, at: datetime) -> Fill:
    """One execution of the whole order."""
    return Fill.objects.create(
        id=uuid.uuid4(),
        account_id=row.account_id,
        order=row,
        symbol=row.symbol,
        trade_id=row.pk.int % 10**12,
        side=row.side,
        position_side="BOTH",
        price=Decimal("68320.50"),
        quantity=row.filled_quantity,
        commission=Decimal("0.19129740"),
        commission_asset="USDT",
        realized_pnl=Decimal(0),
        liquidity="TAKER",
        traded_at=at,
    )


def position(account: ExchangeAccount, at: datetime, symbol: str, quantity: str) -> Position:
    """A leg in one-way mode."""
    return Position.objects.create(
        id=f"{account.pk}:{symbol}:BOTH",
        account=account,
        symbol=symbol,
        position_side="BOTH",
        quantity=Decimal(quantity),
        entry_price=Decimal("68000.00"),
        realized_pnl=Decimal("-1.50"),
        commission=Decimal("0.20"),
        leverage=10,
        margin_mode="CROSS",
        opened_at=at,
        updated_at=at,
    )


def around(account: ExchangeAccount, at: datetime) -> UUID:
    """Wallet, halt, lease, reconcile run and drift of an account; returns the drift's id."""
    Balance.objects.create(
        id=f"{account.pk}:USDT",
        account=account,
        asset="USDT",
        wallet_balance=Decimal("10482.17000000"),
        updated_at=at,
    )
    EngineStatus.objects.create(
        scope=f"account:{account.pk}",
        account_id=account.pk,
        state="HALTED",
        reason="drill",
        actor="user:1",
        changed_at=at,
    )
    StreamLease.objects.create(
        account=account,
        owner="streams@host",
        token=3,
        expires_at=at + timedelta(seconds=10),
        state="CONNECTED",
        state_at=at,
    )
    ReconcileRun.objects.create(
        id=uuid.uuid4(),
        account=account,
        scope="orders",
        trigger="period",
        started_at=at,
        finished_at=at + timedelta(milliseconds=42),
    )
    drift_id = uuid.uuid4()
    Drift.objects.create(
        id=drift_id,
        account=account,
        kind="POSITION",
        subject="BTCUSDT:BOTH",
        local={"quantity": "0.007"},
        venue={"quantity": "0.008"},
        first_seen_at=at,
        last_seen_at=at,
    )
    return drift_id


def page(model: type[models.Model], kind: str, *args: object) -> str:
    """Address of a model's page."""
    opts = model._meta
    quoted = [quote(arg) for arg in args]  # type: ignore[arg-type]  # keys
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_{kind}", args=quoted)
