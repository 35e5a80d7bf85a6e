"""Whatever orders arrive and wherever prices go, the paper venue's books add up exactly."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from tradeops.exchange.paper.execution import book_makers, cancel, place
from tradeops.exchange.paper.instruments import INSTRUMENTS
from tradeops.exchange.paper.orders import (
    BUY,
    FOK,
    GTC,
    GTX,
    IOC,
    LIMIT,
    MARKET,
    SELL,
    NewOrder,
    Order,
)
from tradeops.exchange.paper.settings import set_leverage, set_margin_type
from tradeops.exchange.paper.upkeep import apply_funding, settle, transfer
from tradeops.exchange.paper.venue import AccountSpec, Venue

BTC = "BTCUSDT"
NAMES = ("a", "b")
TICK, STEP = Decimal("0.1"), Decimal("0.001")
CENTRE = 600_000  # ticks

Step: TypeAlias = tuple[object, ...]

accounts = st.sampled_from(NAMES)
sides = st.sampled_from((BUY, SELL))
near = st.integers(-30, 30)
orders = st.tuples(
    st.just("order"),
    accounts,
    sides,
    st.sampled_from((MARKET, LIMIT, LIMIT, LIMIT)),
    st.sampled_from((GTC, IOC, FOK, GTX)),
    near,
    st.integers(1, 4_000),
    st.booleans(),
)
books = st.tuples(st.just("book"), near, st.integers(1, 3_000))
prints = st.tuples(st.just("print"), near, st.integers(1, 3_000), st.booleans())
fundings = st.tuples(st.just("funding"), st.integers(-300, 300))
jumps = st.tuples(st.just("jump"), st.integers(-60_000, 60_000))
cancels = st.tuples(st.just("cancel"), accounts)
transfers = st.tuples(st.just("transfer"), accounts, st.integers(1, 10_000))
steps = st.lists(
    st.one_of(orders, orders, orders, books, prints, fundings, cancels, transfers, jumps),
    min_size=5,
    max_size=40,
)


class World:
    """A venue driven by steps, checked as it goes."""

    def __init__(self, *, isolated: bool, leverage: int) -> None:
        specs = [AccountSpec(name, Decimal(10_000)) for name in NAMES]
        self.venue = Venue(INSTRUMENTS, specs, 1_795_168_800_000)
        self.now_ms = 1_795_168_800_000
        self.centre = CENTRE
        self.accepted: list[tuple[NewOrder, Order]] = []
        for member in self.venue.members.values():
            set_leverage(self.venue, member, BTC, leverage, self.now_ms)
            if isolated:
                set_margin_type(self.venue, member, BTC, isolated=True, now_ms=self.now_ms)
        self.book(0, 1_000)

    def run(self, what: Sequence[Step]) -> None:
        for step in what:
            self.now_ms += 300
            getattr(self, str(step[0]))(*step[1:])
            settle(self.venue, self.now_ms)

    def order(self, name: str, side: str, kind: str, *rest: object) -> None:
        tif, offset, steps, reduce = rest
        assert isinstance(tif, str)
        assert isinstance(offset, int)
        assert isinstance(steps, int)
        wanted = NewOrder(
            symbol=BTC,
            side=side,
            order_type=kind,
            quantity=steps * STEP,
            price=(self.centre + offset) * TICK,
            time_in_force=tif,
            reduce_only=bool(reduce),
        )
        member = self.venue.members[name]
        before = len(member.fills)
        placed = place(self.venue, member, wanted, self.now_ms)
        if not isinstance(placed, Order):
            assert len(member.fills) == before
            return
        self.accepted.append((wanted, placed))
        if kind == LIMIT and tif == FOK:
            assert placed.status == "FILLED"
        if kind == LIMIT and tif == GTX:
            assert all(f.order_id != placed.order_id for f in member.fills[before:])

    def book(self, offset: int, steps: int) -> None:
        bid = self.centre + offset
        bids = [((bid - n) * TICK, steps * STEP) for n in range(10)]
        asks = [((bid + 1 + n) * TICK, steps * STEP) for n in range(10)]
        fills = self.venue.on_levels(BTC, bids, asks, is_snapshot=True, now_ms=self.now_ms)
        book_makers(self.venue, fills, self.now_ms)

    def print(self, offset: int, steps: int, buyer_is_maker: bool) -> None:
        price = (self.centre + offset) * TICK
        fills = self.venue.on_print(
            BTC, price, steps * STEP, buyer_is_maker=buyer_is_maker, now_ms=self.now_ms
        )
        book_makers(self.venue, fills, self.now_ms)

    def funding(self, basis: int) -> None:
        apply_funding(self.venue, BTC, Decimal(basis) / 100_000, self.now_ms)

    def jump(self, ticks: int) -> None:
        self.centre = CENTRE + ticks
        self.book(0, 1_000)

    def cancel(self, name: str) -> None:
        for order in self.venue.members[name].books.open_orders(BTC)[:1]:
            cancel(self.venue, order, self.now_ms)

    def transfer(self, name: str, amount: int) -> None:
        transfer(self.venue, self.venue.members[name], Decimal(amount), self.now_ms)


@settings(max_examples=120, deadline=None)
@given(what=steps, isolated=st.booleans(), leverage=st.sampled_from((1, 5, 20, 100)))
def test_books_add_up_whatever_happens(what: list[Step], *, isolated: bool, leverage: int) -> None:
    world = World(isolated=isolated, leverage=leverage)

    world.run(what)

    for member in world.venue.members.values():
        account, fills = member.account, member.fills
        realized = sum((f.realized for f in fills), Decimal(0))
        commission = sum((f.commission for f in fills), Decimal(0))
        other = account.funding + account.transfers
        assert account.wallet == account.opening + realized - commission + other
        assert account.wallet == account.opening + sum(
            (entry.amount for entry in account.incomes), Decimal(0)
        )
        signed = (f.quantity if f.side == BUY else -f.quantity for f in fills)
        assert account.position(BTC).amount == sum(signed, Decimal(0))
        if not isolated or not account.position(BTC).amount:
            assert account.isolated_total == 0
        trade_ids = [f.trade_id for f in fills]
        assert trade_ids == sorted(set(trade_ids))


@settings(max_examples=120, deadline=None)
@given(what=steps)
def test_no_order_is_overfilled_and_every_fill_belongs_to_one(what: list[Step]) -> None:
    world = World(isolated=False, leverage=20)

    world.run(what)

    for member in world.venue.members.values():
        for order in member.books.by_id.values():
            own = [f for f in member.fills if f.order_id == order.order_id]
            filled = sum((f.quantity for f in own), Decimal(0))
            assert filled == order.executed <= order.quantity
            assert order.quote == sum((f.quote for f in own), Decimal(0))
            assert order.is_open == (order in member.books.open_orders(BTC))
            if order.order_type == LIMIT and not order.client_order_id.startswith("autoclose-"):
                better = (
                    f.price <= order.price if order.side == BUY else f.price >= order.price
                    for f in own
                )
                assert all(better)
            if order.order_type == LIMIT and order.time_in_force == GTX:
                assert all(f.is_maker for f in own)
        resting = member.books.open_orders(BTC)
        assert all(o.order_type == LIMIT and o.time_in_force in (GTC, GTX) for o in resting)
    for wanted, order in world.accepted:
        assert order.quantity <= wanted.quantity


@settings(max_examples=60, deadline=None)
@given(what=steps)
def test_same_steps_give_the_same_books(what: list[Step]) -> None:
    first, second = World(isolated=False, leverage=20), World(isolated=False, leverage=20)

    first.run(what)
    second.run(what)

    for name in NAMES:
        assert first.venue.members[name].fills == second.venue.members[name].fills
    assert first.venue.outbox == second.venue.outbox
