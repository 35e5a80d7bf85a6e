"""Money of the paper venue: wallets, positions, fees, realised profit, funding, transfers.

Pure: prices and times are arguments. Invariant, exact to the last digit:
wallet = opening + realized - commission + funding + transfers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tradeops.exchange.paper.amounts import ZERO, round8, weighted_entry
from tradeops.exchange.paper.orders import BOTH, BUY

TAKER_RATE = Decimal("0.0005")
MAKER_RATE = Decimal("0.0002")
DEFAULT_LEVERAGE = 20
QUOTE = "USDT"

INCOME_REALIZED = "REALIZED_PNL"
INCOME_COMMISSION = "COMMISSION"
INCOME_FUNDING = "FUNDING_FEE"
INCOME_TRANSFER = "TRANSFER"
INCOME_INSURANCE = "INSURANCE_CLEAR"

PositionKey = tuple[str, str]


@dataclass(slots=True)
class Position:
    """One position. `amount` is signed (short < 0) in both position modes, base units."""

    symbol: str
    position_side: str = BOTH
    amount: Decimal = ZERO
    entry: Decimal = ZERO
    isolated_wallet: Decimal = ZERO
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    updated_ms: int = 0

    @property
    def break_even(self) -> Decimal:
        """Entry price shifted by the commissions of the open position, eight decimals."""
        return round8(self.entry + self.fees / self.amount) if self.amount else ZERO

    def unrealized(self, mark: Decimal) -> Decimal:
        """Profit at the mark price: (mark - entry) * amount, eight decimals, quote asset."""
        return round8((mark - self.entry) * self.amount)


@dataclass(frozen=True, slots=True)
class Income:
    """One booking on a wallet, as the venue's income history lists it."""

    tran_id: int
    income_type: str
    symbol: str
    amount: Decimal
    at_ms: int
    trade_id: int = 0


@dataclass(frozen=True, slots=True)
class Booked:
    """What one fill did to the ledger."""

    realized: Decimal
    commission: Decimal
    position: Position


@dataclass(slots=True)
class Account:
    """One account's money and settings. The venue is its only writer."""

    name: str
    opening: Decimal
    wallet: Decimal = ZERO
    hedge: bool = False
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: set[str] = field(default_factory=set)
    positions: dict[PositionKey, Position] = field(default_factory=dict)
    incomes: list[Income] = field(default_factory=list)
    realized: Decimal = ZERO
    commission: Decimal = ZERO
    funding: Decimal = ZERO
    transfers: Decimal = ZERO
    updated_ms: int = 0
    next_tran_id: int = 1

    def leverage_of(self, symbol: str) -> int:
        """Leverage set for a symbol, 20 when never changed."""
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def position(self, symbol: str, position_side: str = BOTH) -> Position:
        """The position of a symbol and side, flat when there never was one. Does not create it."""
        return self.positions.get((symbol, position_side)) or Position(symbol, position_side)

    def open_positions(self, symbol: str | None = None) -> Iterator[Position]:
        """Positions that are not flat."""
        for position in self.positions.values():
            if position.amount and (symbol is None or position.symbol == symbol):
                yield position

    @property
    def isolated_total(self) -> Decimal:
        """Sum of isolated wallets, part of `wallet`."""
        return sum((p.isolated_wallet for p in self.positions.values()), ZERO)

    @property
    def cross_wallet(self) -> Decimal:
        """Wallet without what isolated positions hold."""
        return self.wallet - self.isolated_total


def open_account(name: str, opening: Decimal, at_ms: int) -> Account:
    """Open an account with an opening balance in USDT."""
    return Account(name=name, opening=opening, wallet=opening, updated_ms=at_ms)


def commission_on(price: Decimal, quantity: Decimal, *, is_maker: bool) -> Decimal:
    """Commission of a fill: price * quantity * rate, eight decimals half even, USDT."""
    return round8(price * quantity * (MAKER_RATE if is_maker else TAKER_RATE))


def book_fill(
    account: Account,
    *,
    symbol: str,
    position_side: str,
    side: str,
    price: Decimal,
    quantity: Decimal,
    commission: Decimal,
    at_ms: int,
    trade_id: int,
) -> Booked:
    """Book one fill: position, realised profit, commission, isolated margin.

    Realised = (price - entry) * closed quantity * direction, rounded to eight decimals half even.
    Entry: averaged on increase, kept on decrease, the fill's price on a flip.
    """
    key = (symbol, position_side)
    position = account.positions.setdefault(key, Position(symbol, position_side))
    signed = quantity if side == BUY else -quantity
    before = position.amount
    realized = ZERO
    if before and (before > 0) != (signed > 0):
        closed = min(quantity, abs(before))
        gain = (price - position.entry) * closed
        realized = round8(gain if before > 0 else -gain)
    _move_isolated(account, position, signed, price)
    _move_amount(position, signed, price, commission)
    position.realized += realized
    position.updated_ms = at_ms
    account.wallet += realized - commission
    account.realized += realized
    account.commission += commission
    account.updated_ms = at_ms
    if realized:
        record_income(account, INCOME_REALIZED, symbol, realized, at_ms, trade_id=trade_id)
    if commission:
        record_income(account, INCOME_COMMISSION, symbol, -commission, at_ms, trade_id=trade_id)
    return Booked(realized, commission, position)


def book_funding(
    account: Account, position: Position, mark: Decimal, rate: Decimal, at_ms: int
) -> Decimal:
    """Book funding of one position: -amount * mark * rate, eight decimals. Positive is received."""
    payment = round8(-position.amount * mark * rate)
    account.wallet += payment
    account.funding += payment
    account.updated_ms = at_ms
    if position.symbol in account.isolated:
        position.isolated_wallet += payment
    record_income(account, INCOME_FUNDING, position.symbol, payment, at_ms)
    return payment


def book_transfer(
    account: Account, amount: Decimal, at_ms: int, income_type: str = INCOME_TRANSFER
) -> None:
    """Book money that comes from (positive) or leaves to outside the account."""
    account.wallet += amount
    account.transfers += amount
    account.updated_ms = at_ms
    record_income(account, income_type, "", amount, at_ms)


def record_income(
    account: Account,
    income_type: str,
    symbol: str,
    amount: Decimal,
    at_ms: int,
    *,
    trade_id: int = 0,
) -> None:
    """Append to the income history; transaction ids rise by one per account."""
    entry = Income(account.next_tran_id, income_type, symbol, amount, at_ms, trade_id)
    account.next_tran_id += 1
    account.incomes.append(entry)


def _move_amount(position: Position, signed: Decimal, price: Decimal, commission: Decimal) -> None:
    before, after = position.amount, position.amount + signed
    if not before or (before > 0) == (signed > 0):
        position.entry = weighted_entry(position.entry, abs(before), price, abs(signed))
        position.fees += commission
    elif not after:
        position.entry = position.fees = ZERO
    elif (after > 0) != (before > 0):
        position.entry, position.fees = price, commission * abs(after) / abs(signed)
    else:
        position.fees = position.fees * after / before
    position.amount = after


def _move_isolated(account: Account, position: Position, signed: Decimal, price: Decimal) -> None:
    """Move margin into an isolated position on increase, give its share back on decrease."""
    if position.symbol not in account.isolated:
        return
    before, after = position.amount, position.amount + signed
    opened = abs(signed)
    if before and (before > 0) != (signed > 0):
        kept = ZERO if not after or (after > 0) != (before > 0) else after / before
        position.isolated_wallet = round8(position.isolated_wallet * kept)
        opened = max(ZERO, abs(signed) - abs(before))
    position.isolated_wallet += round8(opened * price / account.leverage_of(position.symbol))
