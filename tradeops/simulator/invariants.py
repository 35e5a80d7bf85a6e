"""What must hold whatever broke: I1–I18 of the reliability design, as checks over both sides."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection

from accounts.models import Balance, ExchangeAccount
from orders.models import Fill, Order
from positions.models import Position
from risk.models import EngineStatus
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import EngineState, OrderStatus, Side
from tradeops.domain.events import (
    CommandCompleted,
    CommandOverdue,
    EngineModeChanged,
    EngineResumed,
)
from tradeops.domain.ids import CLIENT_ORDER_ID_PREFIX
from tradeops.engine.rebuild import rebuild
from tradeops.exchange.paper.venue import Member
from tradeops.journal.event_store import Stored, first_broken_link
from tradeops.journal.models import Command, Event
from tradeops.journal.selectors import overdue_commands, unqueried_commands
from tradeops.simulator.schedule import Process
from tradeops.simulator.venue import SECRET, SYMBOLS, SimVenue
from tradeops.streams.models import StreamLease

Finding = tuple[str, str]
POSITION_LIMIT = Decimal(6000)
ALARM_GRACE = timedelta(seconds=15)  # a sweeper that crashed or stalls is late with its alarm
_PRICE_MOVED = Decimal("1.06")  # judged at the price of its moment
_TICK = Decimal("0.1")
_VENUE_STATUS = {
    "NEW": OrderStatus.ACKNOWLEDGED,
    "CANCELED": OrderStatus.CANCELLED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
}


class Invariants:
    """Checks of one run. `checked` counts how often each invariant was looked at.

    `by_hand` names (account, symbol) where somebody traded past the product: limits end there.
    """

    def __init__(self, venue: SimVenue) -> None:
        self.checked: Counter[str] = Counter()
        self.by_hand: set[tuple[str, str]] = set()
        self._venue = venue
        self._ended: dict[str, str] = {}
        self._found: list[Finding] = []
        self._halted: set[int] = set()

    def heard(self, stored: Stored) -> None:
        """The journal's news: which accounts are closed."""
        event = stored.event
        if isinstance(event, CommandCompleted) and event.kind == "SetEngineMode":
            status = EngineStatus.objects.filter(scope=f"account:{stored.account_id}").first()
            halted = status is not None and status.state == EngineState.HALTED
            if halted and event.status == CommandStatus.ACK:
                self._halted.add(stored.account_id)
        elif isinstance(event, EngineResumed | EngineModeChanged):
            self._halted.discard(stored.account_id)

    def at_leaving(self, account: str, params: dict[str, str]) -> None:
        """I7 and I14, for each order request at the moment it leaves."""
        self.checked["I14"] += 1
        if connection.in_atomic_block:
            self._found.append(("I14", f"{account}: a venue call inside a transaction"))
        self.checked["I7"] += 1
        exits = "true" in (params.get("reduceOnly"), params.get("closePosition"))
        account_id = ExchangeAccount.objects.values_list("pk", flat=True).get(name=account)
        if account_id in self._halted and not exits:
            self._found.append(("I7", f"{account}: an opening left after the halt: {params}"))

    def at_commit(self, process: Process) -> None:
        """I11: what a stream writes, it writes under the newest token."""
        wrote = process.memory.pop("journalled", False)
        account_id, token = process.memory.get("lease", (0, 0))
        if not wrote or not account_id or process.name.endswith(("gap", "upkeep")):
            return
        self.checked["I11"] += 1
        current = StreamLease.objects.values_list("token", flat=True).get(pk=account_id)
        if current != token:
            text = f"{process.name} wrote with token {token}, {current} is valid"
            self._found.append(("I11", text))

    def at_each_look(self, now: datetime, *, is_calm: bool) -> Iterator[Finding]:
        """Those that hold at every moment: I1, I9, I12, I15, and what was found on the way.

        `is_calm`: faults are over for a while, so that the sweeper has had its turns.
        """
        yield from self._found
        self._found.clear()
        self.checked["I1"] += 1
        for (account, client_id), times in self._venue.created.items():
            if times > 1 and client_id.startswith(CLIENT_ORDER_ID_PREFIX):
                yield "I1", f"{account}: {client_id} was created {times} times"
        self.checked["I12"] += 1
        ended = Command.objects.filter(status__in=[CommandStatus.ACK, CommandStatus.FAILED])
        now_ended = {str(pk): status for pk, status in ended.values_list("pk", "status")}
        for pk, status in self._ended.items():
            if now_ended.get(pk) != status:
                yield "I12", f"command {pk} was {status} and is {now_ended.get(pk)}"
        self._ended = now_ended
        yield from self._exposures()
        yield from self._overdue(now, is_calm=is_calm)

    def _exposures(self) -> Iterator[Finding]:
        self.checked["I15"] += 1
        for name, member in self._venue.core.members.items():
            for symbol in SYMBOLS:
                if (name, symbol) not in self.by_hand:
                    exposure = _exposure(member, symbol, self._venue.core.mark(symbol))
                    if exposure > POSITION_LIMIT * _PRICE_MOVED:
                        yield "I15", f"{name} {symbol}: {exposure} of {POSITION_LIMIT}"

    def _overdue(self, now: datetime, *, is_calm: bool) -> Iterator[Finding]:
        """No alarm is missing; and where nothing is broken any more, nothing waits unasked."""
        for command in overdue_commands(now - ALARM_GRACE):
            told = Event.objects.filter(type=CommandOverdue.__name__, correlation_id=command.pk)
            if not told.exists():
                yield "I9", f"{command.kind} {command.pk} open for 120 s without an alarm"
        if is_calm:
            self.checked["I9"] += 1
            for command in unqueried_commands(now):
                yield "I9", f"{command.kind} {command.pk} is SENT and was not asked about"

    def books_differ(self) -> Iterator[str]:
        """Where fills, positions, wallets or orders are not the same on both sides."""
        for account in ExchangeAccount.objects.order_by("pk"):
            member = self._venue.core.members[account.name]
            for check in (_fills, _positions, _wallets, _orders):
                yield from check(account, member)

    def at_rest(self, now: datetime) -> Iterator[Finding]:
        """Those that hold once everything has settled."""
        yield from self.at_each_look(now, is_calm=False)
        for account in ExchangeAccount.objects.order_by("pk"):
            member = self._venue.core.members[account.name]
            for name, check in self._of_an_account():
                self.checked[name] += 1
                for text in check(account, member):
                    yield name, f"{account.name}: {text}"
        self.checked["I8"] += 1
        for difference in rebuild(apply=False).differences:
            yield "I8", str(difference)
        self.checked["I10"] += 1
        for command in Command.objects.exclude(
            status__in=[CommandStatus.ACK, CommandStatus.FAILED]
        ):
            yield "I10", f"{command.kind} {command.pk} is {command.status}"
        yield from self._secrets()

    def _of_an_account(
        self,
    ) -> tuple[tuple[str, Callable[[ExchangeAccount, Member], Iterator[str]]], ...]:
        return (
            ("I2", _fills),
            ("I3", _positions),
            ("I4", _wallets),
            ("I5", _orders),
            ("I6", _chain),
        )

    def _secrets(self) -> Iterator[Finding]:
        self.checked["I16"] += 1
        if Event.objects.filter(payload__icontains=SECRET).exists():
            yield "I16", "the venue secret stands in an event"
        if Command.objects.filter(detail__icontains=SECRET).exists():
            yield "I16", "the venue secret stands in a command"


def _exposure(member: Member, symbol: str, mark: Decimal) -> Decimal:
    """The larger side of what is held and what may still open, in quote."""
    held = sum((p.amount for p in member.account.open_positions(symbol)), Decimal(0))
    resting = [o for o in member.books.open_orders(symbol) if not o.reduce_only]
    buys = sum((o.remaining for o in resting if o.side == Side.BUY), Decimal(0))
    sells = sum((o.remaining for o in resting if o.side == Side.SELL), Decimal(0))
    return max(abs(held + buys), abs(held - sells)) * mark


def _fills(account: ExchangeAccount, member: Member) -> Iterator[str]:
    theirs = {(fill.symbol, fill.trade_id): fill for fill in member.fills}
    ours = {(fill.symbol, fill.trade_id): fill for fill in Fill.objects.filter(account=account)}
    for key in sorted(theirs.keys() - ours.keys()):
        yield f"missed fill {key} of {theirs[key].client_order_id}"
    for key in sorted(ours.keys() - theirs.keys()):
        yield f"fill {key} that the venue does not know"
    for key in sorted(theirs.keys() & ours.keys()):
        there, here = theirs[key], ours[key]
        if (there.price, there.quantity, there.commission, there.realized) != (
            here.price,
            here.quantity,
            here.commission,
            here.realized_pnl,
        ):
            yield f"fill {key} differs"


def _positions(account: ExchangeAccount, member: Member) -> Iterator[str]:
    theirs = {
        (position.symbol, position.position_side): position.amount
        for position in member.account.open_positions()
    }
    ours = {
        (row.symbol, row.position_side): row.quantity
        for row in Position.objects.filter(account=account)
        if row.quantity
    }
    if theirs != ours:
        yield f"positions here {ours}, at the venue {theirs}"


def _wallets(account: ExchangeAccount, member: Member) -> Iterator[str]:
    wallet = Balance.objects.filter(account=account, asset="USDT").first()
    here = wallet.wallet_balance if wallet else Decimal(0)
    if here != member.account.wallet:
        yield f"wallet here {here}, at the venue {member.account.wallet}"


def _orders(account: ExchangeAccount, member: Member) -> Iterator[str]:
    rows = {
        (row.symbol, row.venue_order_id): row
        for row in Order.objects.filter(account=account).exclude(venue_order_id="")
    }
    for order in member.books.by_id.values():
        row = rows.get((order.symbol, str(order.order_id)))
        if row is None:
            if order.is_open or order.executed:
                yield f"order {order.order_id} ({order.client_order_id}) is not here"
            continue
        status = _VENUE_STATUS.get(order.status, order.status)
        if row.status != status or row.filled_quantity != order.executed:
            yield (
                f"order {order.client_order_id} is {row.status} {row.filled_quantity} here, "
                f"{order.status} {order.executed} at the venue"
            )
        if order.executed:
            average = row.filled_notional / row.filled_quantity if row.filled_quantity else 0
            if abs(average - order.average_price) > _TICK:
                yield f"order {order.client_order_id} averages {average} here"
        if row.filled_quantity > row.quantity:
            yield f"order {order.client_order_id} filled beyond its quantity"


def _chain(account: ExchangeAccount, _member: Member) -> Iterator[str]:
    broken = first_broken_link(account.pk)
    if broken is not None:
        yield f"the hash chain breaks at {broken}"
