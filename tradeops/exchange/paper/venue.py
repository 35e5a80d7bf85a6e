"""The venue: accounts, symbols, counters and the market's input. Time is an argument.

Orders are placed through `execution`, account settings changed through `settings`, positions
liquidated and funded by `upkeep`. Facts for the outside collect in `outbox`.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal

from tradeops.exchange.paper.algo_orders import AlgoBooks
from tradeops.exchange.paper.amounts import ZERO
from tradeops.exchange.paper.book import Level
from tradeops.exchange.paper.candles import CandleSeries
from tradeops.exchange.paper.events import (
    AccountChanged,
    OrderChanged,
    PositionFact,
    Printed,
    VenueEvent,
)
from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.ledger import Account, Position, open_account
from tradeops.exchange.paper.matching import MakerFill, SymbolBook
from tradeops.exchange.paper.orders import BUY, Fill, Order, OrderBooks

PRINTS_KEPT = 1_000
# Ids start above anything an earlier run of the same venue can have given out, even without its
# saved state: they derive from the starting time, faster than orders or trades can arrive.
_ORDER_IDS_PER_MS = 1
_TRADE_IDS_PER_MS = 10


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """An account to open: name and opening balance in USDT."""

    name: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class MarginMove:
    """Margin (quote) that an account moved into (`kind` 1) or out of (2) an isolated position."""

    symbol: str
    position_side: str
    kind: int
    amount: Decimal
    at_ms: int


@dataclass(slots=True)
class Member:
    """One account with its orders and fills.

    `called` names the margins whose owner was warned: symbols, and "" for the cross margin.
    """

    account: Account
    books: OrderBooks = field(default_factory=OrderBooks)
    fills: list[Fill] = field(default_factory=list)
    countdowns: dict[str, int] = field(default_factory=dict)
    algos: AlgoBooks = field(default_factory=AlgoBooks)
    margin_moves: list[MarginMove] = field(default_factory=list)
    called: set[str] = field(default_factory=set)


@dataclass(slots=True)
class SymbolState:
    """Market state of one symbol."""

    spec: InstrumentSpec
    mark: Decimal
    index: Decimal
    next_trade_id: int
    book: SymbolBook = field(default_factory=SymbolBook)
    funding_rate: Decimal = Decimal("0.0001")
    last_price: Decimal = ZERO
    has_mark: bool = False
    is_pinned: bool = False
    prints: deque[Printed] = field(default_factory=lambda: deque(maxlen=PRINTS_KEPT))
    candles: CandleSeries = field(default_factory=CandleSeries)
    mark_candles: CandleSeries = field(default_factory=CandleSeries)
    fundings: list[tuple[int, Decimal, Decimal]] = field(default_factory=list)


class Venue:
    """The paper venue's core.

    All methods take the venue's time in ms; nothing here reads a clock.
    """

    def __init__(
        self, specs: Sequence[InstrumentSpec], accounts: Iterable[AccountSpec], start_ms: int
    ) -> None:
        self.symbols = {
            spec.symbol: SymbolState(
                spec,
                spec.start_price,
                spec.start_price,
                start_ms * _TRADE_IDS_PER_MS,
                last_price=spec.start_price,
            )
            for spec in specs
        }
        self.members = {a.name: Member(open_account(a.name, a.balance, start_ms)) for a in accounts}
        self.outbox: list[VenueEvent] = []
        self.next_order_id = start_ms * _ORDER_IDS_PER_MS
        self.next_algo_id = start_ms * _ORDER_IDS_PER_MS
        self.funded_until_ms = start_ms
        self.touched: set[str] = set()
        # Into how many executions a taker's match is cut; more than one only while a fault is on.
        self.pieces = 1

    # -- lookups ------------------------------------------------------------------------------

    def mark(self, symbol: str) -> Decimal:
        """Mark price of a listed symbol, quote per base."""
        return self.symbols[symbol].mark

    def spec(self, symbol: str) -> InstrumentSpec:
        """Trading rules of a listed symbol."""
        return self.symbols[symbol].spec

    def drain(self) -> list[VenueEvent]:
        """Hand over the collected facts, oldest first."""
        facts, self.outbox = self.outbox, []
        return facts

    def take_order_id(self) -> int:
        """Next order id; ids rise over the whole venue."""
        self.next_order_id += 1
        return self.next_order_id

    def take_algo_id(self) -> int:
        """Next conditional order id."""
        self.next_algo_id += 1
        return self.next_algo_id

    def take_trade_id(self, symbol: str) -> int:
        """Next trade id of a symbol; public prints and fills share the sequence."""
        state = self.symbols[symbol]
        state.next_trade_id += 1
        return state.next_trade_id

    # -- market input -------------------------------------------------------------------------

    def on_levels(
        self,
        symbol: str,
        bids: Iterable[Level],
        asks: Iterable[Level],
        *,
        is_snapshot: bool,
        now_ms: int,
    ) -> list[MakerFill]:
        """Apply book levels; returns resting orders that the book has crossed."""
        book = self.symbols[symbol].book
        if is_snapshot:
            book.bids.replace(bids)
            book.asks.replace(asks)
        else:
            for price, quantity in bids:
                book.bids.put(price, quantity)
            for price, quantity in asks:
                book.asks.put(price, quantity)
        book.update_id += 1
        return self._after_book(symbol, now_ms)

    def on_print(
        self, symbol: str, price: Decimal, quantity: Decimal, *, buyer_is_maker: bool, now_ms: int
    ) -> list[MakerFill]:
        """Apply a public trade; returns resting orders that it fills."""
        self.publish(symbol, price, quantity, buyer_is_maker=buyer_is_maker, now_ms=now_ms)
        return self.symbols[symbol].book.on_print(price, quantity, buyer_is_maker=buyer_is_maker)

    def on_mark(self, symbol: str, mark: Decimal, index: Decimal, rate: Decimal) -> None:
        """Set mark price, index price and the rate of the next funding."""
        state = self.symbols[symbol]
        state.mark, state.index, state.funding_rate, state.has_mark = mark, index, rate, True
        self.touched.add(symbol)

    def publish(
        self,
        symbol: str,
        price: Decimal,
        quantity: Decimal,
        *,
        buyer_is_maker: bool,
        now_ms: int,
        trade_id: int | None = None,
    ) -> None:
        """Publish a trade, the tape's or our own."""
        state = self.symbols[symbol]
        state.last_price = price
        number = self.take_trade_id(symbol) if trade_id is None else trade_id
        fact = Printed(now_ms, symbol, number, price, quantity, buyer_is_maker)
        state.prints.append(fact)
        state.candles.add(
            price, quantity, trade_id=number, buyer_is_maker=buyer_is_maker, at_ms=now_ms
        )
        self.outbox.append(fact)

    def _after_book(self, symbol: str, now_ms: int) -> list[MakerFill]:
        state = self.symbols[symbol]
        if not state.has_mark:
            bid, ask = state.book.bids.best, state.book.asks.best
            if bid is not None and ask is not None:
                state.mark = state.index = (bid + ask) / 2
                self.touched.add(symbol)
        return state.book.crossed(now_ms)

    # -- facts --------------------------------------------------------------------------------

    def tell_order(
        self, order: Order, execution: str, now_ms: int, fill: Fill | None = None
    ) -> None:
        """Record that an order changed, with a copy of it as it is now."""
        member = self.members[order.account]
        bids = asks = ZERO
        for other in member.books.open_by_symbol.get(order.symbol, {}).values():
            if other.side == BUY:
                bids += other.remaining * other.price
            else:
                asks += other.remaining * other.price
        self.outbox.append(
            OrderChanged(now_ms, order.account, execution, copy(order), fill, bids, asks)
        )

    def tell_account(
        self,
        account: Account,
        reason: str,
        now_ms: int,
        positions: Iterable[Position],
        *,
        change: Decimal = ZERO,
        has_balance: bool = True,
        symbol: str = "",
    ) -> None:
        """Record that an account's balance or positions changed."""
        facts = tuple(self.fact(account, position) for position in positions)
        self.outbox.append(
            AccountChanged(
                now_ms,
                account.name,
                reason,
                account.wallet,
                account.cross_wallet,
                change,
                facts,
                has_balance,
                symbol,
            )
        )

    def fact(self, account: Account, position: Position) -> PositionFact:
        """Freeze a position as it is now."""
        return PositionFact(
            symbol=position.symbol,
            position_side=position.position_side,
            amount=position.amount,
            entry=position.entry,
            break_even=position.break_even,
            realized=position.realized,
            unrealized=position.unrealized(self.mark(position.symbol)),
            is_isolated=position.symbol in account.isolated,
            isolated_wallet=position.isolated_wallet,
        )
