"""What an account's books looked like a moment ago, and which orders reads do not see yet.

Pure; for stale reads (F28) and for orders that are not found right after they were accepted (F3).
"""

from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, replace

from tradeops.exchange.paper.algo_orders import AlgoBooks, AlgoOrder
from tradeops.exchange.paper.ledger import Account
from tradeops.exchange.paper.orders import Order, OrderBooks
from tradeops.exchange.paper.venue import Member, Venue

NOTED_EVERY_MS = 100


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """One account at one moment: copies of what changes, lengths of what only grows."""

    account: Account
    open_orders: dict[int, Order]
    algos: dict[int, AlgoOrder]
    fills: int
    incomes: int


@dataclass(frozen=True, slots=True)
class _Moment:
    at_ms: int
    last_order_id: int
    last_algo_id: int
    members: dict[str, _Snapshot]


class Past:
    """Remembers the books of the last moments while somebody asks for them."""

    def __init__(self) -> None:
        self._moments: deque[_Moment] = deque()
        self._unseen: dict[int, int] = {}

    def note(self, venue: Venue, now_ms: int, keep_ms: int) -> None:
        """Remember the books as they are now, for `keep_ms`; at most one moment in 100 ms."""
        if not keep_ms:
            self._moments.clear()
            return
        if self._moments and 0 <= now_ms - self._moments[-1].at_ms < NOTED_EVERY_MS:
            return
        members = {name: _snapshot(member) for name, member in venue.members.items()}
        self._moments.append(_Moment(now_ms, venue.next_order_id, venue.next_algo_id, members))
        while len(self._moments) > 1 and self._moments[1].at_ms <= now_ms - keep_ms:
            self._moments.popleft()

    def hide(self, numbers: Iterable[int], until_ms: int) -> None:
        """Keep orders and conditional orders, by their ids, from reads until a moment."""
        self._unseen |= dict.fromkeys(numbers, until_ms)

    def view(self, member: Member, now_ms: int, stale_ms: int) -> Member:
        """The account as a read of that age tells it, without what reads do not see yet."""
        self._unseen = {number: end for number, end in self._unseen.items() if end > now_ms}
        moment = self._moment(now_ms - stale_ms) if stale_ms else None
        if moment is None and not self._unseen:
            return member
        if moment is None or member.account.name not in moment.members:
            return self._seen(member, member.books.by_id.values(), member.algos.by_id.values())
        then = moment.members[member.account.name]
        account = replace(then.account, incomes=member.account.incomes[: then.incomes])
        older = replace(member, account=account, fills=member.fills[: then.fills])
        orders = (
            then.open_orders.get(number, order)
            for number, order in member.books.by_id.items()
            if number <= moment.last_order_id
        )
        algos = (
            then.algos.get(number, algo)
            for number, algo in member.algos.by_id.items()
            if number <= moment.last_algo_id
        )
        return self._seen(older, orders, algos)

    def _seen(self, member: Member, orders: Iterable[Order], algos: Iterable[AlgoOrder]) -> Member:
        books, conditional = OrderBooks(rejected=member.books.rejected), AlgoBooks()
        for order in orders:
            if order.order_id not in self._unseen:
                books.add(order)
                if not order.is_open:
                    books.close(order)
        for algo in algos:
            if algo.algo_id not in self._unseen:
                conditional.by_id[algo.algo_id] = algo
                if algo.is_waiting:
                    conditional.watched[algo.algo_id] = algo
        fills = [fill for fill in member.fills if fill.order_id not in self._unseen]
        return replace(member, books=books, algos=conditional, fills=fills)

    def _moment(self, at_ms: int) -> _Moment | None:
        """The newest moment that is not younger, else the oldest there is."""
        for moment in reversed(self._moments):
            if moment.at_ms <= at_ms:
                return moment
        return self._moments[0] if self._moments else None


def _snapshot(member: Member) -> _Snapshot:
    account = member.account
    kept = replace(
        account,
        leverage=dict(account.leverage),
        isolated=set(account.isolated),
        positions={key: copy(position) for key, position in account.positions.items()},
        incomes=[],
    )
    return _Snapshot(
        kept,
        {order.order_id: copy(order) for order in member.books.open_orders()},
        {number: copy(algo) for number, algo in member.algos.watched.items()},
        len(member.fills),
        len(account.incomes),
    )
