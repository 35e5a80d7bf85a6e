"""Journal what a venue would tell, and carry out commands that need no venue."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from accounts.models import ExchangeAccount
from orders.models import Order
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import (
    LiquidityRole,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    Source,
    TimeInForce,
)
from tradeops.domain.events import OrderPlaced
from tradeops.domain.ids import client_order_id
from tradeops.engine import facts
from tradeops.engine.execute import execute
from tradeops.engine.ledger import account_ledger
from tradeops.engine.work import finish
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import BalanceReport, FillReport, OrderReport
from tradeops.journal.event_store import Draft, Origin
from tradeops.journal.models import Command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import drive

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
PRICE = Decimal("61768.2")


def _no_venue(account_id: int) -> ExchangePort:
    raise AssertionError(f"nothing here may ask the venue of account {account_id}")


def carry_out(command_id: UUID) -> Command:
    """Execute a command as a worker would, one that needs no venue."""
    drive(execute(command_id, port_of=_no_venue, clock=SYSTEM_CLOCK, worker="test"))
    return Command.objects.get(pk=command_id)


def order_report(order_id: UUID, status: OrderStatus, filled: str, at: datetime) -> OrderReport:
    """What the venue says about an order of `place`."""
    return OrderReport(
        symbol="BTCUSDT",
        venue_order_id=str(order_id.int % 10**9),
        client_order_id=client_order_id(order_id),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=status,
        quantity=Decimal("0.008"),
        filled_quantity=Decimal(filled),
        price=PRICE,
        average_price=None,
        time_in_force=TimeInForce.GTC,
        reduce_only=False,
        close_position=False,
        position_side=PositionSide.BOTH,
        updated_at=at,
    )


def fill_report(order_id: UUID, trade_id: int, at: datetime) -> FillReport:
    """One execution of the whole of an order of `place`."""
    return FillReport(
        symbol="BTCUSDT",
        trade_id=str(trade_id),
        venue_order_id=str(order_id.int % 10**9),
        client_order_id=client_order_id(order_id),
        side=Side.BUY,
        position_side=PositionSide.BOTH,
        price=PRICE,
        quantity=Decimal("0.008"),
        commission=Decimal("0.2470728"),
        commission_asset="USDT",
        realized_pnl=Decimal(0),
        liquidity=LiquidityRole.TAKER,
        traded_at=at,
    )


def place(
    account: ExchangeAccount,
    *,
    order_id: UUID | None = None,
    at: datetime = START,
    status: OrderStatus = OrderStatus.ACKNOWLEDGED,
    trade_id: int | None = None,
    ends_command: bool = False,
) -> Order:
    """An order as the engine leaves it; with `trade_id` it is filled by one execution."""
    order_id = order_id or uuid4()
    origin = Origin("token:desk", Source.ENGINE, at, order_id, order_id)
    verdict = {"gate": "engine", "passed": True, "code": "", "detail": "", "numbers": {"a": "1"}}
    placed = OrderPlaced(
        order_id=order_id,
        client_order_id=client_order_id(order_id),
        symbol="BTCUSDT",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=Decimal("0.008"),
        price=PRICE,
        time_in_force=TimeInForce.GTC,
        reduce_only=False,
        position_side=PositionSide.BOTH,
        status=OrderStatus.SUBMITTED,
        submitted_at=at,
        command_id=order_id,
        leverage=10,
        reference_price=PRICE,
        verdicts=[verdict],
    )
    if trade_id is not None:
        status = OrderStatus.FILLED
    filled = "0.008" if trade_id is not None else "0"
    with account_ledger(account.pk, origin) as ledger:
        ledger.emit(Draft(placed, at))
        facts.record(ledger, order_report(order_id, status, filled, at))
        if trade_id is not None:
            facts.record(ledger, fill_report(order_id, trade_id, at))
        if ends_command:
            command = Command.objects.get(pk=order_id)
            finish(ledger, command, CommandStatus.ACK, now=at)
    return Order.objects.get(pk=order_id)


def fill_later(order: Order, trade_id: int) -> None:
    """The rest of a resting order's story."""
    at = START + timedelta(minutes=1)
    origin = Origin("stream", Source.STREAM, at)
    with account_ledger(order.account_id, origin) as ledger:
        facts.record(ledger, order_report(order.pk, OrderStatus.FILLED, "0.008", at))
        facts.record(ledger, fill_report(order.pk, trade_id, at))


def end_command(command: Command, status: CommandStatus, **outcome: object) -> None:
    """What a worker writes at the end of a command."""
    origin = Origin("test", Source.ENGINE, START)
    with account_ledger(command.account_id, origin) as ledger:
        finish(ledger, command, status, now=START, **outcome)  # type: ignore[arg-type]  # by name


def pay_in(account: ExchangeAccount, amount: str) -> None:
    """A wallet balance in USDT."""
    origin = Origin("test", Source.REST, START)
    with account_ledger(account.pk, origin) as ledger:
        facts.record(
            ledger,
            BalanceReport(
                asset="USDT",
                wallet_balance=Decimal(amount),
                change=None,
                reason="",
                updated_at=START,
            ),
        )
