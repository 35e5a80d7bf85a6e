"""What must hold after a crash: the numbers are those of the invariants in docs/reliability.md."""

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Balance
from orders.models import Fill, Order
from orders.selectors import TERMINAL_STATUSES
from positions.models import Position
from tests.crash.matrix import ANSWERED, REFUSED, UNANSWERED, UNREACHED
from tests.crash.runs import ACCOUNT, Run
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import OrderStatus
from tradeops.domain.ids import client_order_id
from tradeops.engine.rebuild import rebuild
from tradeops.engine.resolve import LOSE_AFTER
from tradeops.engine.send import SEND_WITHIN
from tradeops.journal.domain.lanes import OPENING_TTL
from tradeops.journal.event_store import first_broken_link
from tradeops.journal.models import Command, Event, JournalHead
from tradeops.reconcile.models import Drift

ASKED_WITHIN = timedelta(seconds=6)
TERMINAL = {CommandStatus.ACK.value, CommandStatus.FAILED.value}
_OURS = {"NEW": "ACKNOWLEDGED", "CANCELED": "CANCELLED", "EXPIRED_IN_MATCH": "EXPIRED"}
Books = dict[str, dict[Any, tuple[Any, ...]]]


class Watch:
    """Looks after each second: nobody waits unasked (I9), nothing that ended changes (I12)."""

    def __init__(self, run: Run) -> None:
        self.wrong: list[str] = []
        self._run = run
        self._ended: dict[Any, tuple[str, str]] = {}
        self._orders: dict[Any, str] = {}

    def look(self, swept_at: datetime) -> None:
        """Compare with what was seen before. The newest sweep began at `swept_at`."""
        for row in Command.objects.filter(account_id=self._run.account_id):
            if row.pk in self._ended:
                if self._ended[row.pk] != (row.status, row.code):
                    self.wrong.append(f"I12: {row} was {self._ended[row.pk]}, is {row.status}")
            elif row.is_terminal:
                self._ended[row.pk] = (row.status, row.code)
            elif row.sent_at and not row.queries and swept_at - row.sent_at > ASKED_WITHIN:
                age = swept_at - row.sent_at
                self.wrong.append(f"I9: {row} was sent {age} before a sweep that did not ask")
        for order in Order.objects.filter(account_id=self._run.account_id):
            before = self._orders.get(order.pk, OrderStatus.NEW)
            if before in TERMINAL_STATUSES and order.status != before and not _adopted(order):
                self.wrong.append(f"I12: order {order.pk} was {before}, is {order.status}")
            self._orders[order.pk] = order.status
        self.wrong = list(dict.fromkeys(self.wrong))


def _adopted(order: Order) -> bool:
    """Whether the one change that a terminal order may make was told as an alarm."""
    alarms = Event.objects.filter(type="OrderAdopted", account_id=order.account_id)
    payloads = alarms.values_list("payload", flat=True)
    return any(payload["order_id"] == str(order.pk) for payload in payloads)


def unfinished(run: Run) -> list[str]:
    """What a system at rest would not have."""
    open_commands = Command.objects.filter(account_id=run.account_id).exclude(status__in=TERMINAL)
    lines = [f"I10: {row} is {row.status} {row.detail}" for row in open_commands]
    return lines or _differences(run)


def at_rest(run: Run) -> list[str]:
    """Everything that is only judged at the end."""
    return [*_sent_twice(run), *_journal(), *_money(run), *_drifts()]


def _ours(run: Run) -> Books:
    fills = Fill.objects.filter(account_id=run.account_id)
    return {
        "I5 orders": {
            row.venue_order_id: (row.client_order_id, row.status, row.quantity, row.filled_quantity)
            for row in Order.objects.filter(account_id=run.account_id)
            if row.venue_order_id
        },
        "I5 conditional orders": {
            row.algo_id: (row.client_order_id, row.is_open)
            for row in Order.objects.filter(account_id=run.account_id)
            if row.algo_id
        },
        "I2 fills": {
            (row.symbol, row.trade_id): (
                row.side,
                row.price,
                row.quantity,
                row.commission,
                row.realized_pnl,
            )
            for row in fills
        },
        "I3 positions": {
            row.symbol: (row.quantity, row.entry_price)
            for row in Position.objects.filter(account_id=run.account_id)
            if row.quantity
        },
        "I4 balances": {
            row.asset: (row.wallet_balance,)
            for row in Balance.objects.filter(account_id=run.account_id)
        },
    }


def _venues(run: Run) -> Books:
    truth = run.venue.truth(ACCOUNT)
    return {
        "I5 orders": {
            str(row["order_id"]): (
                row["client_order_id"],
                _OURS.get(row["status"], row["status"]),
                Decimal(row["quantity"]),
                Decimal(row["executed_quantity"]),
            )
            for row in truth["orders"]
        },
        "I5 conditional orders": {
            str(row["algo_id"]): (row["client_algo_id"], row["status"] == "NEW")
            for row in truth["algo_orders"]
        },
        "I2 fills": {
            (row["symbol"], int(row["trade_id"])): (
                row["side"],
                *(Decimal(row[x]) for x in ("price", "quantity", "commission", "realized_pnl")),
            )
            for row in truth["fills"]
        },
        "I3 positions": {
            row["symbol"]: (Decimal(row["quantity"]), Decimal(row["entry_price"]))
            for row in truth["positions"]
            if Decimal(row["quantity"])
        },
        "I4 balances": {row["asset"]: (Decimal(row["wallet"]),) for row in truth["balances"]},
    }


def _differences(run: Run) -> list[str]:
    ours, venues = _ours(run), _venues(run)
    return [
        f"{kind} {key}: ours {ours[kind].get(key)}, the venue's {theirs.get(key)}"
        for kind, theirs in venues.items()
        for key in sorted(ours[kind].keys() | theirs.keys(), key=str)
        if ours[kind].get(key) != theirs.get(key)
    ]


def _sent_twice(run: Run) -> list[str]:
    """I1: each id of ours reached the venue once at most, and each belongs to a command."""
    truth = run.venue.truth(ACCOUNT)
    names = [row["client_order_id"] for row in [*truth["orders"], *truth["rejected"]]]
    # A triggered stop is an order with the stop's own id, not a second one.
    triggered = {row["client_algo_id"] for row in truth["algo_orders"]}
    counts = Counter(name for name in names if name not in triggered)
    counts.update(row["client_algo_id"] for row in truth["algo_orders"])
    known = {client_order_id(pk) for pk in Command.objects.values_list("pk", flat=True)}
    wrong = [f"I1: {name} reached the venue {count} times" for name, count in counts.items()
             if count > 1]  # fmt: skip
    strangers = {name for name in counts if name.startswith("ae-")} - known
    return [*wrong, *(f"I1: {name} belongs to no command" for name in strangers)]


def _journal() -> list[str]:
    wrong = []
    for account_id in JournalHead.objects.values_list("pk", flat=True):
        broken = first_broken_link(account_id)
        if broken is not None:
            wrong.append(f"I6: the chain of account {account_id} is broken at {broken}")
    ends = Counter(
        str(payload["command_id"])
        for payload in Event.objects.filter(type="CommandCompleted").values_list(
            "payload", flat=True
        )
    )
    for pk, status in Command.objects.values_list("pk", "status"):
        if ends[str(pk)] != (1 if status in TERMINAL else 0):
            wrong.append(f"I6: command {pk} is {status} and has {ends[str(pk)]} endings")
    report = rebuild(apply=False)
    return [*wrong, *(f"I8: {difference}" for difference in report.differences)]


def _money(run: Run) -> list[str]:
    """I4: opening + Σ(realised pnl − commission) is the wallet, to the last digit."""
    (books,) = run.venue.truth(ACCOUNT)["balances"]
    wallet = Balance.objects.get(account_id=run.account_id, asset=books["asset"]).wallet_balance
    expected = Decimal(books["opening"]) + Decimal(books["funding"]) + Decimal(books["transfers"])
    for fill in Fill.objects.filter(account_id=run.account_id):
        expected += fill.realized_pnl - fill.commission
    return [] if wallet == expected else [f"I4: the wallet is {wallet}, the ledger says {expected}"]


def _drifts() -> list[str]:
    return [f"a drift stays open: {row.kind} {row.subject}"
            for row in Drift.objects.filter(resolved_at=None)]  # fmt: skip


def ending(run: Run) -> str:
    """How the command under test ended, as `FAILED LOST`."""
    command = Command.objects.filter(pk=run.id_of(_under_test(run))).first()
    return f"{command.status} {command.code}".strip() if command else "no command"


def _under_test(run: Run) -> str:
    return {"CP13": "cancel", "CP14": "stop"}.get(run.case.point, "order")


def outcome(run: Run) -> list[str]:
    """Whether the command under test ended as it has to."""
    what, ended = _under_test(run), ending(run)
    command = Command.objects.get(pk=run.id_of(what))
    allowed = _allowed(run)
    if _was_late(command):  # on a busy machine
        allowed = (*allowed, "FAILED EXPIRED")
    wrong = [] if ended in allowed else [f"the {what} ended {ended}, not {' or '.join(allowed)}"]
    if command.status == CommandStatus.FAILED and not command.detail:
        wrong.append(f"the {what} failed without a reason")
    if command.code == "LOST" and _searched_for(command) < LOSE_AFTER:
        wrong.append(f"F3: the {what} was called LOST too early")
    if run.case.point == "CP14":
        entry = Command.objects.get(pk=run.id_of("order"))
        filled = Order.objects.get(pk=entry.pk).filled_quantity
        if entry.status != CommandStatus.ACK or filled != Decimal("0.005"):
            wrong.append(f"the entry ended {entry.status} with {filled}")
    return wrong


def _searched_for(command: Command) -> timedelta:
    """From the commit to send until the command was given up."""
    if command.completed_at is None or command.sent_at is None:
        return timedelta(0)
    return command.completed_at - command.sent_at


def _was_late(command: Command) -> bool:
    """Whether an opening waited more than 10 s, or a sender more than 2 s after its commit."""
    ended_at = command.completed_at
    if ended_at is None:
        return False
    waited, since_sent = ended_at - command.created_at, command.sent_at or ended_at
    return bool(command.opens) and (waited > OPENING_TTL or ended_at - since_sent > SEND_WITHIN)


def _allowed(run: Run) -> tuple[str, ...]:
    point, wanted = run.case.point, run.case.outcome
    if point == "CP4" and run.case.stream:
        return ("FAILED EXPIRED",)  # an opening whose claim lapsed is older than 10 s
    if point == "CP5":
        return ("FAILED LOST",)  # whatever the venue would have said: no byte ever left
    if point in {"CP6", "CP7"} and wanted == REFUSED:
        return ("FAILED LOST",)  # the refusal is known to the dead only, the venue keeps no trace
    if point == "CP13":
        # A cancel may be repeated, so it succeeds but for an order that was filled before.
        return ("ACK", "FAILED NOT_CANCELLABLE") if wanted == REFUSED else ("ACK",)
    if point == "CP14" and wanted == REFUSED:
        return ("FAILED STOP_EXISTS",)
    return {
        ANSWERED: ("ACK",),
        UNANSWERED: ("ACK",),
        REFUSED: ("FAILED VENUE_REJECTED",),
        UNREACHED: ("FAILED LOST",),
    }[wanted]
