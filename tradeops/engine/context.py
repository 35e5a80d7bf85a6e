"""Rows → the frozen inputs of the entry gates."""

from collections.abc import Sequence
from decimal import Decimal

from django.conf import settings

from accounts.models import Balance, ExchangeAccount
from accounts.projection import balance_id
from orders.models import OPEN_STATUSES, Order
from orders.selectors import unbooked_orders
from positions.domain.accounting import Leg, unrealized_pnl
from positions.models import Position
from positions.projection import position_id
from risk.domain.context import OrderIntent, RiskContext
from risk.models import LimitMetric, RiskLimit
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import Side, Venue
from tradeops.domain.money import PRECISION, ZERO
from tradeops.engine.holds import scope_states
from tradeops.kit import sql
from tradeops.market import cache

_OPEN = f"account_id = %s AND status IN ({', '.join(['%s'] * len(OPEN_STATUSES))})"
MAX_LEVERAGE = 25
TAKER_FEE_RATE = Decimal("0.0005")
SETTLEMENT_ASSET = "USDT"


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
    )


def risk_context(
    account: ExchangeAccount, command: PlaceOrder, *, mark_price: Decimal | None
) -> RiskContext:
    """Everything that is known now. Under the account lock it stays true until the commit."""
    positions = sql.fetch(Position, "account_id = %s", [account.pk])
    leg_id = position_id(account.pk, command.symbol, command.position_side)
    leg = next((row for row in positions if row.pk == leg_id), None)
    pending = _pending(account.pk)
    limits = _limits(account.pk, command.symbol)
    return RiskContext(
        allowed_symbols=frozenset(settings.ALLOWED_SYMBOLS),
        instrument=cache.instrument(Venue(account.venue), command.symbol),
        mark_price=mark_price,
        leverage=_leverage(command, leg),
        max_leverage=MAX_LEVERAGE,
        position_quantity=leg.quantity if leg else ZERO,
        pending_buy_quantity=_rest_of(pending, command.symbol, Side.BUY),
        pending_sell_quantity=_rest_of(pending, command.symbol, Side.SELL),
        available_balance=_available(account.pk, positions, pending),
        taker_fee_rate=TAKER_FEE_RATE,
        max_order_notional=limits.get(LimitMetric.MAX_ORDER_NOTIONAL),
        max_position_notional=limits.get(LimitMetric.MAX_POSITION_NOTIONAL),
        scopes=scope_states(account, command.symbol),
    )


def _leverage(command: PlaceOrder, leg: Position | None) -> int:
    if command.leverage is not None:
        return command.leverage  # 0 as well: the gate refuses it
    return leg.leverage if leg and leg.leverage else 1


def _pending(account_id: int) -> list[Order]:
    """Openings that may still fill, or that filled at the venue and are not in the position yet."""
    rows = {order.pk: order for order in sql.fetch(Order, _OPEN, [account_id, *OPEN_STATUSES])}
    rows |= {order.pk: order for order in unbooked_orders() if order.account_id == account_id}
    return [order for order in rows.values() if not order.reduce_only]


def _rest(order: Order) -> Decimal:
    """Quantity that the position does not hold yet.

    An order that was met through its fills knows less than them: nothing is left of it.
    """
    whole = order.quantity if order.is_open else order.venue_filled_quantity
    rest: Decimal = whole - order.filled_quantity
    return max(ZERO, rest)


def _rest_of(orders: Sequence[Order], symbol: str, side: Side) -> Decimal:
    return sum(
        (_rest(order) for order in orders if order.symbol == symbol and order.side == side), ZERO
    )


def _available(
    account_id: int, positions: Sequence[Position], pending: Sequence[Order]
) -> Decimal | None:
    """wallet + Σ unrealised PnL - Σ position margin - Σ margin of pending openings, at least 0.

    Positions without a mark price count at their entry price.
    """
    wallet = sql.by_pk(Balance, balance_id(account_id, SETTLEMENT_ASSET))
    if wallet is None:
        return None
    held = [row for row in positions if row.quantity != 0]
    marks = cache.marks([row.symbol for row in held])
    leverages = {row.symbol: row.leverage or 1 for row in positions}
    available: Decimal = wallet.wallet_balance
    for row in held:
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
