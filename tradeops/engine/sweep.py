"""Find what lost messages, dead workers and silent venues left behind (D1, reliability.md §4)."""

import logging
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from celery import current_app
from django.db.models import F, Q

from orders.domain.lifecycle import TERMINAL
from orders.models import Order
from orders.selectors import unbooked_orders
from orders.services.order_cancel import cancel_order, query_order
from tradeops.domain.clock import Clock
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import OrderRejected
from tradeops.engine import facts
from tradeops.engine.control import BACKGROUND_QUEUE, REBUILD_TASK, RECONCILE_TASK
from tradeops.engine.execute import MAX_ATTEMPTS, SENDS_ORDERS
from tradeops.engine.ingest import ingest
from tradeops.engine.ledger import account_ledger
from tradeops.engine.work import PortOf, code_of, finish
from tradeops.exchange.errors import (
    ClockSkew,
    ExchangeError,
    NotFound,
    Rejected,
    Throttled,
    Unauthorized,
)
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import OrderReport
from tradeops.journal.command_store import claim, publish_hint, reserve_query
from tradeops.journal.event_store import Draft, Origin
from tradeops.journal.models import Command
from tradeops.kit.db import write_transaction

logger = logging.getLogger(__name__)

ACTOR = "sweeper"
STALE_NEW = timedelta(seconds=3)
STALE_SENT = timedelta(seconds=5)
QUERY_AFTER_S = (5, 7, 10, 15, 25, 40)
QUERY_SPACING = timedelta(seconds=2)
QUERY_LATER = timedelta(seconds=10)
BACKGROUND_AGAIN = timedelta(minutes=1)  # a comparison or a rebuild takes its time
MISSES_TO_LOSE = 5
LOSE_AFTER = timedelta(seconds=30)
MISSING_FILLS_AFTER = timedelta(seconds=1)
MISSING_FILLS_WITHIN = timedelta(minutes=1)
MISSING_FILLS_READ = 500
PER_CYCLE = 10
_BACKGROUND = {
    "RunReconcile": RECONCILE_TASK,
    "ResolveDrift": RECONCILE_TASK,
    "RebuildProjection": REBUILD_TASK,
}


@dataclass(slots=True)
class Sweep:
    """What one cycle did."""

    republished: int = 0
    abandoned: int = 0
    resolved: int = 0


async def sweep(*, port_of: PortOf, clock: Clock) -> Sweep:
    """One cycle, bounded; errors of one command or order never stop the next."""
    done = Sweep()
    now = clock.now()
    _republish(now, done)
    for command in _due(now):
        if _reserve_query(command, now):
            await _guarded(_resolve(command, port_of, clock), f"command {command.pk}", done)
    for (account_id, symbol), orders in _missing_fills(now).items():
        subject = f"fills of account {account_id} in {symbol}"
        await _guarded(_fetch_fills(orders, port_of, clock), subject, done)
    return done


async def _guarded(step: Awaitable[bool], subject: str, done: Sweep) -> None:
    try:
        done.resolved += bool(await step)
    except (ExchangeError, TradeOpsError) as error:
        logger.warning("%s not resolved: %s", subject, error)
    except Exception:
        logger.exception("%s not resolved", subject)


def _republish(now: datetime, done: Sweep) -> None:
    free = Q(claimed_until=None) | Q(claimed_until__lte=now)
    waiting = Command.objects.filter(
        free, status=CommandStatus.NEW, created_at__lt=now - STALE_NEW
    ).order_by("created_at")[:100]
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


def _due(now: datetime) -> list[Command]:
    due = Q(next_query_at__lte=now) | Q(next_query_at=None, sent_at__lt=now - STALE_SENT)
    rows = Command.objects.filter(due, status=CommandStatus.SENT)
    # Who waited longest: those that stay unknown must not keep the others from their turn.
    late = list(rows.order_by(F("next_query_at").asc(nulls_first=True), "sent_at")[:PER_CYCLE])
    known = {command.pk for command in late}
    return late + [command for command in _told() if command.pk not in known]


def _told() -> list[Command]:
    """Unknown sends whose order the stream has told of meanwhile: no query is needed."""
    unknown = Command.objects.filter(
        status=CommandStatus.SENT, outcome_unknown=True, kind__in=SENDS_ORDERS
    )[:PER_CYCLE]
    commands = {command.pk: command for command in unknown}
    told = Order.objects.filter(pk__in=commands).exclude(venue_order_id="")
    return [commands[pk] for pk in told.values_list("pk", flat=True)]


def _reserve_query(command: Command, now: datetime) -> bool:
    """Count the query and set the time of the next one, by compare-and-swap between sweepers."""
    sent_at = command.sent_at or now
    number = command.queries + 1
    if command.kind in _BACKGROUND:
        next_at = now + BACKGROUND_AGAIN
    elif number < len(QUERY_AFTER_S):
        next_at = max(sent_at + timedelta(seconds=QUERY_AFTER_S[number]), now + QUERY_SPACING)
    else:
        next_at = now + QUERY_LATER
    return reserve_query(command, now=now, next_query_at=next_at)


async def _resolve(command: Command, port_of: PortOf, clock: Clock) -> bool:
    if command.kind in _BACKGROUND:
        current_app.send_task(
            _BACKGROUND[command.kind],
            kwargs={"command_id": str(command.pk)},
            queue=BACKGROUND_QUEUE,
        )
        return False
    if command.kind in SENDS_ORDERS:
        return await _resolve_order(command, port_of(command.account_id), clock)
    if command.kind == "CancelOrder":
        return await _resolve_cancel(command, port_of(command.account_id), clock)
    _fail(
        command, clock.now(), ErrorCode.OUTCOME_UNKNOWN, "The worker ended on the way; ask again."
    )
    return True


async def _resolve_order(command: Command, port: ExchangePort, clock: Clock) -> bool:
    order = Order.objects.get(pk=command.pk)
    if order.status in TERMINAL or order.venue_order_id:
        _acknowledge(command, clock.now(), [], order)
        return True
    try:
        report = await query_order(port, order)
    except NotFound:
        return await _judge_absence(command, order, port, clock)
    _acknowledge(command, clock.now(), [report], order)
    return True


async def _judge_absence(command: Command, order: Order, port: ExchangePort, clock: Clock) -> bool:
    """LOST only after 5 misses over 30 s, with open orders and trades negative as well (F3)."""
    now = clock.now()
    misses = _count_miss(command)
    if misses < MISSES_TO_LOSE or now - order.submitted_at < LOSE_AFTER:
        return False
    resting = await port.open_orders(order.symbol)
    found = [item for item in resting if item.client_order_id == order.client_order_id]
    if found:
        _acknowledge(command, clock.now(), found, order)
        return True
    fills = await port.fills(order.symbol, since=order.submitted_at - STALE_SENT)
    for venue_order_id in _strangers(order, [fill.venue_order_id for fill in fills]):
        with suppress(NotFound):  # what the venue forgot is not this order
            report = await port.order_by_venue_id(order.symbol, venue_order_id)
            if report.client_order_id == order.client_order_id:
                _acknowledge(command, clock.now(), [report], order)
                return True
    now = clock.now()
    with account_ledger(command.account_id, _origin(command, now)) as ledger:
        reason = f"the venue has no such order after {misses} queries"
        ledger.emit(Draft(OrderRejected(order.pk, ErrorCode.LOST, reason, now), now))
        finish(ledger, command, CommandStatus.FAILED, now=now, code=ErrorCode.LOST, detail=reason)
    return True


def _strangers(order: Order, venue_order_ids: Sequence[str]) -> list[str]:
    """Those of the venue's order ids that have no row here, each once."""
    rows = Order.objects.filter(account_id=order.account_id, symbol=order.symbol)
    known = set(
        rows.filter(venue_order_id__in=set(venue_order_ids)).values_list(
            "venue_order_id", flat=True
        )
    )
    return [item for item in dict.fromkeys(venue_order_ids) if item not in known]


def _count_miss(command: Command) -> int:
    """Only a "not found" is a miss; a query that failed says nothing."""
    with write_transaction():
        Command.objects.filter(pk=command.pk).update(misses=F("misses") + 1)
    return command.misses + 1


async def _resolve_cancel(command: Command, port: ExchangePort, clock: Clock) -> bool:
    order = Order.objects.get(pk=command.payload["order_id"])
    try:
        report = await cancel_order(port, order)
    except (Throttled, Unauthorized, ClockSkew):
        raise  # says nothing of the order: asked again
    except Rejected as error:
        gone = isinstance(error, NotFound)
        code = ErrorCode.NOT_CANCELLABLE if gone else code_of(error)
        _fail(command, clock.now(), code, error.message)
        return True
    _acknowledge(command, clock.now(), [report], order)
    return True


def _acknowledge(command: Command, now: datetime, reports: list[OrderReport], order: Order) -> None:
    with account_ledger(command.account_id, _origin(command, now)) as ledger:
        for report in reports:
            facts.record(ledger, report)
        current = ledger.rows.get(Order, order.pk) or order
        result = {
            "order_id": str(order.pk),
            "client_order_id": order.client_order_id,
            "venue_order_id": current.venue_order_id,
        }
        finish(ledger, command, CommandStatus.ACK, now=now, result=result)


def _fail(command: Command, now: datetime, code: ErrorCode, detail: str) -> None:
    with account_ledger(command.account_id, _origin(command, now)) as ledger:
        finish(ledger, command, CommandStatus.FAILED, now=now, code=code, detail=detail)


def _origin(command: Command, now: datetime) -> Origin:
    return Origin(ACTOR, Source.ENGINE, now, command.pk, command.pk)


def _missing_fills(now: datetime) -> dict[tuple[int, str], list[Order]]:
    """Orders of which the venue has just filled more than was booked, by account and symbol.

    The stream owes us their fills. What stays away longer is a matter for reconciliation.
    """
    rows = unbooked_orders().filter(
        updated_at__gt=now - MISSING_FILLS_WITHIN, updated_at__lt=now - MISSING_FILLS_AFTER
    )
    groups: dict[tuple[int, str], list[Order]] = {}
    for order in rows[:MISSING_FILLS_READ]:
        groups.setdefault((order.account_id, order.symbol), []).append(order)
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
