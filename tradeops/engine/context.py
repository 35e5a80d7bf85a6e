"""Rows → the frozen inputs of the entry gates."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from accounts.models import Balance, ExchangeAccount
from accounts.projection import balance_id
from orders.models import OPEN_STATUSES, Order
from orders.selectors import unbooked_orders
from positions.domain.accounting import Leg, unrealized_pnl
from positions.domain.margin import max_leverage
from positions.models import Position
from positions.projection import position_id
from risk.domain.context import OrderIntent, RiskContext
from risk.models import LimitMetric, RiskLimit
from tradeops.domain.commands import CommandStatus, PlaceOrder
from tradeops.domain.enums import (
    CONDITIONAL_TYPES,
    MarginMode,
    OrderType,
    Side,
    Venue,
    WorkingType,
)
from tradeops.domain.money import PRECISION, ZERO
from tradeops.engine.holds import scope_states
from tradeops.exchange.reports import LeverageBracket
from tradeops.journal.models import Command
from tradeops.kit import sql
from tradeops.market import cache

_STOPS = (OrderType.STOP, OrderType.STOP_MARKET)
_OPEN = f"account_id = %s AND status IN ({', '.join(['%s'] * len(OPEN_STATUSES))})"
MAX_LEVERAGE = 25
TAKER_FEE_RATE = Decimal("0.0005")
SETTLEMENT_ASSET = "USDT"
DEFAULT_WORKING_TYPE = WorkingType.MARK_PRICE  # what liquidation is judged by, too


def intent_of(command: PlaceOrder) -> OrderIntent:
    """The part of a PlaceOrder that the gates judge."""
    return OrderIntent(
        symbol=command.symbol,
        side=command.side,
        order_type=command.order_type,
        reduce_only=command.reduce_only,
        amount=command.amount,
        notional=command.notional,
        quantity=command.quantity,
        price=command.price,
        leverage=command.leverage,
        position_side=command.position_side,
        trigger_price=command.trigger_price,
        working_type=working_type_of(command),
        activation_price=command.activation_price,
        close_position=command.close_position,
    )


def working_type_of(command: PlaceOrder) -> WorkingType | None:
    """Which price a conditional order watches: the mark price unless it says otherwise."""
    if command.order_type not in CONDITIONAL_TYPES:
        return None
    return command.working_type or DEFAULT_WORKING_TYPE


def risk_context(
    account: ExchangeAccount,
    command: PlaceOrder,
    *,
    mark_price: Decimal | None,
    brackets: Sequence[LeverageBracket] = (),
    without: UUID | None = None,
) -> RiskContext:
    """Everything that is known now. Under the account lock it stays true until the commit.

    `without` leaves out the order that is being amended: its new shape is judged in its place.
    """
    positions = sql.fetch(Position, "account_id = %s", [account.pk])
    leg_id = position_id(account.pk, command.symbol, command.position_side)
    leg = next((row for row in positions if row.pk == leg_id), None)
    resting = _resting(account.pk)
    pending = [order for order in resting if _opens(order) and order.pk != without]
    limits = _limits(account.pk, command.symbol)
    return RiskContext(
        allowed_symbols=frozenset(settings.ALLOWED_SYMBOLS),
        instrument=cache.instrument(Venue(account.venue), command.symbol),
        mark_price=mark_price,
        leverage=_leverage(command, leg),
        max_leverage=min(MAX_LEVERAGE, max_leverage(brackets) or MAX_LEVERAGE),
        position_quantity=leg.quantity if leg else ZERO,
        pending_buy_quantity=_rest_of(pending, command, Side.BUY),
        pending_sell_quantity=_rest_of(pending, command, Side.SELL),
        available_balance=_available(account.pk, positions, pending),
        taker_fee_rate=TAKER_FEE_RATE,
        max_order_notional=limits.get(LimitMetric.MAX_ORDER_NOTIONAL),
        max_position_notional=limits.get(LimitMetric.MAX_POSITION_NOTIONAL),
        scopes=scope_states(account, command.symbol),
        brackets=tuple(brackets),
        alike_close=_alike_close(resting, command),
    )


def available_balance(account_id: int) -> Decimal | None:
    """What openings and margin may still use of the settlement asset; None before it is known."""
    positions = sql.fetch(Position, "account_id = %s", [account_id])
    pending = [order for order in _resting(account_id) if _opens(order)]
    return _available(account_id, positions, pending)


def _leverage(command: PlaceOrder, leg: Position | None) -> int:
    if command.leverage is not None:
        return command.leverage  # 0 as well: the gate refuses it
    return leg.leverage if leg and leg.leverage else 1


def _resting(account_id: int) -> list[Order]:
    """Orders that may still fill, or that filled at the venue and are not in the position yet."""
    rows = {order.pk: order for order in sql.fetch(Order, _OPEN, [account_id, *OPEN_STATUSES])}
    rows |= {order.pk: order for order in unbooked_orders() if order.account_id == account_id}
    if any(order.order_type == OrderType.LIMIT and _opens(order) for order in rows.values()):
        _widen_by_amends(account_id, rows)
    return list(rows.values())


def _opens(order: Order) -> bool:
    return not (order.reduce_only or order.close_position)


def _widen_by_amends(account_id: int, rows: dict[UUID, Order]) -> None:
    """An amendment that is under way reserves what it may become; the rows are copies of ours."""
    amends = Command.objects.filter(
        status=CommandStatus.SENT, kind="AmendOrder", account_id=account_id
    )
    for payload in amends.values_list("payload", flat=True):
        order = rows.get(UUID(payload["order_id"]))
        if order is not None:
            order.quantity = max(order.quantity, Decimal(payload["quantity"]))
            order.price = max(order.price or ZERO, Decimal(payload["price"]))


def _alike_close(resting: Sequence[Order], command: PlaceOrder) -> str:
    """The venue keeps one stop and one target that close a leg, and refuses a second (-4130)."""
    if not command.close_position:
        return ""
    is_stop = command.order_type in _STOPS
    alike = (
        str(order.pk)
        for order in resting
        if order.close_position
        and order.is_open
        and not order.triggered_at
        and (order.symbol, order.side) == (command.symbol, command.side)
        and order.position_side == command.position_side
        and (order.order_type in _STOPS) == is_stop
    )
    return next(alike, "")


def _rest(order: Order) -> Decimal:
    """Quantity that the position does not hold yet.

    An order that was met through its fills knows less than them: nothing is left of it.
    """
    whole = order.quantity if order.is_open else order.venue_filled_quantity
    rest: Decimal = whole - order.filled_quantity
    return max(ZERO, rest)


def _rest_of(orders: Sequence[Order], command: PlaceOrder, side: Side) -> Decimal:
    same = (command.symbol, command.position_side, side)
    return sum(
        (
            _rest(order)
            for order in orders
            if (order.symbol, order.position_side, order.side) == same
        ),
        ZERO,
    )


def _available(
    account_id: int, positions: Sequence[Position], pending: Sequence[Order]
) -> Decimal | None:
    """wallet + Σ unrealised PnL - Σ position margin - Σ margin of pending openings, at least 0.

    Positions without a mark price count at their entry price. What lies in an isolated position is
    its margin, whatever it gains.
    """
    wallet = sql.by_pk(Balance, balance_id(account_id, SETTLEMENT_ASSET))
    if wallet is None:
        return None
    held = [row for row in positions if row.quantity != 0]
    marks = cache.marks([row.symbol for row in held])
    leverages = {row.symbol: row.leverage or 1 for row in positions}
    available: Decimal = wallet.wallet_balance
    for row in held:
        if row.margin_mode == MarginMode.ISOLATED and row.isolated_margin is not None:
            available -= row.isolated_margin
            continue
        mark = marks.get(row.symbol)
        price = mark.mark_price if mark else row.entry_price
        available += unrealized_pnl(Leg(row.quantity, row.entry_price), price)
        available -= PRECISION.divide(abs(row.quantity) * price, Decimal(leverages[row.symbol]))
    for order in pending:
        price = order.price or order.reference_price or ZERO
        leverage = order.leverage or leverages.get(order.symbol, 1)
        available -= PRECISION.divide(_rest(order) * price, Decimal(leverage))
    return max(available, ZERO)


def _limits(account_id: int, symbol: str) -> dict[str, Decimal]:
    """Per metric the limit with the narrowest matching scope."""
    rows = sql.fetch(
        RiskLimit,
        "(account_id = %s OR account_id IS NULL) AND symbol IN ('', %s) AND is_enabled = %s",
        [account_id, symbol, True],
    )
    widest_first = sorted(rows, key=lambda row: (row.account_id is not None, row.symbol != ""))
    return {row.metric: row.value for row in widest_first}
