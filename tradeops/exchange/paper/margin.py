"""Margin of the paper venue: initial, maintenance, brackets, available, liquidation price.

Pure, and read only: it never changes an account.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from tradeops.exchange.paper.amounts import ONE, ZERO, round8
from tradeops.exchange.paper.instruments import Bracket, InstrumentSpec
from tradeops.exchange.paper.ledger import Account, Position
from tradeops.exchange.paper.orders import BOTH, BUY, LONG, SHORT, Order, OrderBooks

MarkOf = Callable[[str], Decimal]
SpecOf = Callable[[str], InstrumentSpec]


@dataclass(frozen=True, slots=True)
class SymbolMargin:
    """Margin used by one symbol (quote asset) and the notionals of its resting orders."""

    position: Decimal
    orders: Decimal
    bid_notional: Decimal
    ask_notional: Decimal

    @property
    def total(self) -> Decimal:
        """Initial margin of position and open orders."""
        return self.position + self.orders


@dataclass(frozen=True, slots=True)
class AccountMargin:
    """Totals of an account in the quote asset."""

    position_initial: Decimal
    order_initial: Decimal
    maintenance: Decimal
    unrealized: Decimal
    cross_unrealized: Decimal
    available: Decimal


def bracket_for(spec: InstrumentSpec, notional: Decimal) -> Bracket:
    """The leverage bracket that a notional falls into; the last one above every cap."""
    for bracket in spec.brackets:
        if notional <= bracket.notional_cap:
            return bracket
    return spec.brackets[-1]


def max_notional(spec: InstrumentSpec, leverage: int) -> Decimal:
    """Largest position notional that a leverage admits."""
    caps = [b.notional_cap for b in spec.brackets if b.initial_leverage >= leverage]
    return max(caps, default=ZERO)


def maintenance(spec: InstrumentSpec, notional: Decimal) -> Decimal:
    """Maintenance margin: notional * ratio - cum of its bracket, eight decimals."""
    bracket = bracket_for(spec, notional)
    return round8(notional * bracket.maint_margin_ratio - bracket.cum)


def symbol_margin(
    account: Account,
    symbol: str,
    orders: Iterable[Order],
    mark: Decimal,
    extra: tuple[str, str, Decimal] | None = None,
) -> SymbolMargin:
    """Initial margin of one symbol, eight decimals.

    Formula per position side: max(|position + bids|, |position - asks|) / leverage.

    `extra` adds a not yet accepted order as (side, position side, notional).
    """
    leverage = account.leverage_of(symbol)
    bids: dict[str, Decimal] = {}
    asks: dict[str, Decimal] = {}
    for order in orders:
        if not order.reduce_only:
            notionals = bids if order.side == BUY else asks
            amount = order.remaining * order.price
            notionals[order.position_side] = notionals.get(order.position_side, ZERO) + amount
    if extra is not None:
        side, position_side, notional = extra
        notionals = bids if side == BUY else asks
        notionals[position_side] = notionals.get(position_side, ZERO) + notional
    used = pending = ZERO
    for position_side in (LONG, SHORT) if account.hedge else (BOTH,):
        held = account.position(symbol, position_side).amount * mark
        bid, ask = bids.get(position_side, ZERO), asks.get(position_side, ZERO)
        if position_side == LONG:
            peak = held + bid
        elif position_side == SHORT:
            peak = ask - held
        else:
            peak = max(abs(held + bid), abs(held - ask))
        used += abs(held)
        pending += max(ZERO, peak - abs(held))
    return SymbolMargin(
        round8(used / leverage),
        round8(pending / leverage),
        sum(bids.values(), ZERO),
        sum(asks.values(), ZERO),
    )


def account_margin(
    account: Account, books: OrderBooks, mark_of: MarkOf, spec_of: SpecOf
) -> AccountMargin:
    """Add up an account: available = cross wallet + cross profit - cross position and order margin.

    An isolated position holds its own margin, so only its resting orders count against available.
    """
    symbols = {p.symbol for p in account.open_positions()}
    symbols |= {symbol for symbol, orders in books.open_by_symbol.items() if orders}
    position_total = order_total = cross_position = ZERO
    for symbol in symbols:
        used = symbol_margin(account, symbol, books.open_orders(symbol), mark_of(symbol))
        position_total += used.position
        order_total += used.orders
        if symbol not in account.isolated:
            cross_position += used.position
    keep = unrealized = cross_unrealized = ZERO
    for position in account.open_positions():
        mark = mark_of(position.symbol)
        profit = position.unrealized(mark)
        unrealized += profit
        keep += maintenance(spec_of(position.symbol), abs(position.amount) * mark)
        if position.symbol not in account.isolated:
            cross_unrealized += profit
    available = account.cross_wallet + cross_unrealized - cross_position - order_total
    return AccountMargin(
        position_total, order_total, keep, unrealized, cross_unrealized, max(ZERO, available)
    )


def cross_health(account: Account, mark_of: MarkOf, spec_of: SpecOf) -> tuple[Decimal, Decimal]:
    """Margin balance and maintenance margin of the cross positions."""
    balance, keep = account.cross_wallet, ZERO
    for position in account.open_positions():
        if position.symbol not in account.isolated:
            mark = mark_of(position.symbol)
            balance += position.unrealized(mark)
            keep += maintenance(spec_of(position.symbol), abs(position.amount) * mark)
    return balance, keep


def isolated_health(
    position: Position, mark: Decimal, spec: InstrumentSpec
) -> tuple[Decimal, Decimal]:
    """Margin balance and maintenance margin of one isolated position."""
    balance = position.isolated_wallet + position.unrealized(mark)
    return balance, maintenance(spec, abs(position.amount) * mark)


def liquidation_price(
    account: Account, position: Position, mark_of: MarkOf, spec_of: SpecOf
) -> Decimal:
    """Mark price at which this position would be liquidated, others unchanged; 0 = none.

    Formula: (wallet - other maintenance + other profit + cum - amount*entry)
    / (|amount|*ratio - amount).
    """
    if not position.amount:
        return ZERO
    spec = spec_of(position.symbol)
    mark = mark_of(position.symbol)
    bracket = bracket_for(spec, abs(position.amount) * mark)
    if position.symbol in account.isolated:
        margin = position.isolated_wallet
    else:
        balance, keep = cross_health(account, mark_of, spec_of)
        own_keep = maintenance(spec, abs(position.amount) * mark)
        margin = balance - position.unrealized(mark) - (keep - own_keep)
    divisor = abs(position.amount) * bracket.maint_margin_ratio - position.amount
    if not divisor:
        return ZERO
    price = (margin + bracket.cum - position.amount * position.entry) / divisor
    return max(ZERO, round8(price))


def adl_quantile(position: Position, mark: Decimal) -> int:
    """Rank in the deleveraging queue, 0 (flat or losing) to 4, by profit over entry notional."""
    if not position.amount or not position.entry:
        return 0
    gain = position.unrealized(mark) / (abs(position.amount) * position.entry)
    steps = (ZERO, Decimal("0.01"), Decimal("0.05"), ONE / 5)
    return sum(gain > step for step in steps)
