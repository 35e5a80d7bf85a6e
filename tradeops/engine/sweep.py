"""Find what lost messages, dead workers and silent venues left behind (D1, reliability.md §4).

`tidy` is about our own books and makes no call. `sweep_account` asks the venue about one account;
accounts do not wait for each other's venue (see `engine.tasks`).
"""

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.db.models import F, Q, QuerySet

from orders.models import Order
from orders.selectors import unbooked_orders
from tradeops.domain.clock import Clock
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import CommandOverdue
from tradeops.engine.circuit import lift_cooled, note_access_refused
from tradeops.engine.execute import MAX_ATTEMPTS, SENDS_ORDERS
from tradeops.engine.ingest import ingest
from tradeops.engine.ledger import account_ledger
from tradeops.engine.lost import look_after
from tradeops.engine.resolve import reserve, resolve
from tradeops.engine.work import PortOf, finish
from tradeops.exchange.errors import ExchangeError, Unauthorized
from tradeops.journal.command_store import claim, publish_hint
from tradeops.journal.event_store import Draft, Origin
from tradeops.journal.locks import startable
from tradeops.journal.models import Command, Event
from tradeops.journal.selectors import overdue_commands

logger = logging.getLogger(__name__)

ACTOR = "sweeper"
STALE_NEW = timedelta(seconds=3)
STALE_SENT = timedelta(seconds=5)
NEVER_SO_FAR = timedelta(minutes=2)  # longer than any pause between two questions
MISSING_FILLS_AFTER = timedelta(seconds=1)
MISSING_FILLS_WITHIN = timedelta(minutes=1)
MISSING_FILLS_READ = 500
REPUBLISHED_PER_CYCLE = 100
PER_CYCLE = 10  # of each account: a storm of questions would end in a ban (F90)
WATCHED_PER_CYCLE = 3


@dataclass(slots=True)
class Sweep:
    """What one cycle did."""

    republished: int = 0
    abandoned: int = 0
    alarmed: int = 0
    resolved: int = 0


async def sweep(*, port_of: PortOf, clock: Clock) -> Sweep:
    """One whole cycle in one go, one account after the other."""
    done = tidy(clock)
    for account_id in accounts_to_sweep(clock.now()):
        done.resolved += await sweep_account(account_id, port_of=port_of, clock=clock)
    return done


def tidy(clock: Clock) -> Sweep:
    """Hint again what nobody took, give up what failed too often, and alarm about what is late."""
    done, now = Sweep(), clock.now()
    _republish(now, done)
    _alarm(now, done)
    lift_cooled(now)
    return done


def accounts_to_sweep(now: datetime) -> list[int]:
    """Accounts with a question that is due; 0 for commands of the whole desk."""
    found = set(_due(now).values_list("account_id", flat=True))
    found.update(_watched(now).values_list("account_id", flat=True))
    found.update(_told_accounts())
    found.update(order.account_id for order in _short_of_fills(now))
    return sorted(found)


async def sweep_account(account_id: int, *, port_of: PortOf, clock: Clock) -> int:
    """Ask about everything of one account that is due, bounded; how many were settled.

    Errors of one command or order never stop the next.
    """
    now, settled = clock.now(), 0
    for command in _questions(account_id, now):
        if reserve(command, clock.now()):
            step = resolve(command, port_of, clock)
            settled += await _guarded(account_id, step, f"command {command.pk}", clock)
    watched = _watched(now).filter(account_id=account_id).order_by("next_query_at")
    for command in watched[:WATCHED_PER_CYCLE]:
        step = look_after(command, port_of, clock)
        settled += await _guarded(account_id, step, f"lost order {command.pk}", clock)
    for symbol, orders in _missing_fills(account_id, now).items():
        step = _fetch_fills(orders, port_of, clock)
        settled += await _guarded(account_id, step, f"fills in {symbol}", clock)
    return settled


async def _guarded(account_id: int, step: Awaitable[bool], subject: str, clock: Clock) -> bool:
    # A step may end without a signed call: that the key is taken again, reconciliation finds out.
    try:
        return bool(await step)
    except Unauthorized as error:
        note_access_refused(account_id, error.message, now=clock.now())
    except (ExchangeError, TradeOpsError) as error:
        logger.warning("%s of account %s not resolved: %s", subject, account_id, error)
    except Exception:
        logger.exception("%s of account %s not resolved", subject, account_id)
    return False


def _republish(now: datetime, done: Sweep) -> None:
    waiting = startable(now, created_before=now - STALE_NEW, limit=REPUBLISHED_PER_CYCLE)
    for command in waiting:
        if command.attempts >= MAX_ATTEMPTS:
            # Claimed first: who still works on it must not send what is called failed.
            held = claim(command.pk, worker=ACTOR, now=now)
            if held is not None:
                detail = f"Given up after {MAX_ATTEMPTS} attempts."
                _fail(held.command, now, ErrorCode.INTERNAL_ERROR, detail)
                done.abandoned += 1
        else:
            publish_hint(command.pk)
            done.republished += 1


def _fail(command: Command, now: datetime, code: ErrorCode, detail: str) -> None:
    with account_ledger(command.account_id, _origin(command, now)) as ledger:
        finish(ledger, command, CommandStatus.FAILED, now=now, code=code, detail=detail)


def _alarm(now: datetime, done: Sweep) -> None:
    """Tell people once of each command that is open for too long; it stays asked for (I9)."""
    late = {_alarm_key(command): command for command in overdue_commands(now)}
    told = Event.objects.filter(dedup_key__in=late).values_list("dedup_key", flat=True)
    for key in late.keys() - set(told):
        command = late[key]
        since, detail = command.created_at, "no worker has carried it out"
        if command.sent_at is not None:
            since, detail = command.sent_at, "its outcome is unknown and is asked for"
        waited_s = int((now - since).total_seconds())
        overdue = CommandOverdue(command.pk, command.kind, waited_s, detail)
        with account_ledger(command.account_id, _origin(command, now)) as ledger:
            done.alarmed += ledger.emit(Draft(overdue, now, key))


def _alarm_key(command: Command) -> str:
    return f"overdue:{command.pk}"


def _origin(command: Command, now: datetime) -> Origin:
    return Origin(ACTOR, Source.ENGINE, now, command.pk, command.pk)


def _due(now: datetime) -> QuerySet[Command]:
    due = Q(next_query_at__lte=now) | Q(next_query_at=None, sent_at__lte=now - STALE_SENT)
    # No turn is set as far ahead: the clock was set back, and nobody waits for it to catch up.
    far = now + NEVER_SO_FAR
    due |= Q(next_query_at__gt=far) | Q(next_query_at=None, sent_at__gt=far)
    return Command.objects.filter(due, status=CommandStatus.SENT)


def _watched(now: datetime) -> QuerySet[Command]:
    return Command.objects.filter(status=CommandStatus.FAILED, next_query_at__lte=now)


def _unknown_orders() -> QuerySet[Command]:
    return Command.objects.filter(
        status=CommandStatus.SENT, outcome_unknown=True, kind__in=SENDS_ORDERS
    )


def _told_accounts() -> list[int]:
    unknown = _unknown_orders().values_list("pk", flat=True)
    told = _heard_of(list(unknown))
    return list(told.values_list("account_id", flat=True).distinct())


def _heard_of(order_ids: Sequence[UUID]) -> QuerySet[Order]:
    return Order.objects.filter(pk__in=order_ids).exclude(venue_order_id="", algo_id="")


def _questions(account_id: int, now: datetime) -> list[Command]:
    """What is due, and unknown orders that the stream has told of: those need no query."""
    # Who waited longest: those that stay unknown must not keep the others from their turn.
    rows = _due(now).filter(account_id=account_id)
    late = list(rows.order_by(F("next_query_at").asc(nulls_first=True), "sent_at")[:PER_CYCLE])
    unknown = {row.pk: row for row in _unknown_orders().filter(account_id=account_id)}
    for command in late:
        unknown.pop(command.pk, None)
    told = _heard_of(list(unknown)).values_list("pk", flat=True)[:PER_CYCLE]
    return late + [unknown[pk] for pk in told]


def _short_of_fills(now: datetime) -> QuerySet[Order]:
    """Orders of which the venue has just filled more than was booked.

    The stream owes us their fills. What stays away longer is a matter for reconciliation.
    """
    return unbooked_orders().filter(
        updated_at__gt=now - MISSING_FILLS_WITHIN, updated_at__lt=now - MISSING_FILLS_AFTER
    )[:MISSING_FILLS_READ]


def _missing_fills(account_id: int, now: datetime) -> dict[str, list[Order]]:
    """By symbol; the account is picked here, because the index has room for one condition."""
    groups: dict[str, list[Order]] = {}
    for order in _short_of_fills(now):
        if order.account_id == account_id:
            groups.setdefault(order.symbol, []).append(order)
    return dict(islice(groups.items(), PER_CYCLE))


async def _fetch_fills(orders: Sequence[Order], port_of: PortOf, clock: Clock) -> bool:
    """`orders`, oldest first, are of one account and symbol."""
    first = orders[0]
    ids = {order.venue_order_id for order in orders}
    told = await port_of(first.account_id).fills(
        first.symbol, since=first.submitted_at - STALE_SENT
    )
    fills = [fill for fill in told if fill.venue_order_id in ids]
    now = clock.now()
    return bool(ingest(first.account_id, fills, source=Source.REST, actor=ACTOR, now=now))
