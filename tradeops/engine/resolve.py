"""What became of one SENT command: asked for, never sent again (D4, reliability.md §4).

Each resolver returns whether the command has ended, and raises ExchangeError when the venue could
not be asked: that is no answer, and is asked again.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from celery import current_app
from django.db.models import F

from orders.domain.lifecycle import TERMINAL
from orders.models import Order
from orders.services.order_cancel import cancel_order, query_order
from tradeops.domain.clock import Clock
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import OrderStatus, Source
from tradeops.domain.errors import ErrorCode
from tradeops.domain.events import OrderRejected
from tradeops.engine import facts
from tradeops.engine.amend import resolve_amend
from tradeops.engine.cancel import cancel_rest, is_unheard
from tradeops.engine.control import (
    BACKGROUND_QUEUE,
    REBUILD_TASK,
    RECONCILE_TASK,
    complete_mode,
)
from tradeops.engine.execute import SENDS_ORDERS
from tradeops.engine.late import cancel_if_halted
from tradeops.engine.ledger import account_ledger
from tradeops.engine.lost import first_look
from tradeops.engine.send import known_result
from tradeops.engine.work import PortOf, Work, code_of, finish
from tradeops.exchange.errors import ClockSkew, NotFound, Rejected, Throttled, Unauthorized
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import OrderReport
from tradeops.journal.command_store import Claim, reserve_query
from tradeops.journal.event_store import Draft, Origin
from tradeops.journal.models import Command
from tradeops.kit.db import write_transaction

logger = logging.getLogger(__name__)

ACTOR = "sweeper"
QUERY_AFTER_S = (5, 7, 10, 15, 25, 40)
QUERY_SPACING = timedelta(seconds=2)
QUERY_LATER = timedelta(seconds=10)
BACKGROUND_AGAIN = timedelta(minutes=1)  # a comparison or a rebuild takes its time
MISSES_TO_LOSE = 5
LOSE_AFTER = timedelta(seconds=30)
TRADES_BEFORE = timedelta(seconds=5)
_BACKGROUND = {
    "RunReconcile": RECONCILE_TASK,
    "ResolveDrift": RECONCILE_TASK,
    "RebuildProjection": REBUILD_TASK,
}
_ENDED_ON_THE_WAY = "The worker ended on the way: look what became of it, then ask again."


def reserve(command: Command, now: datetime) -> bool:
    """Take this turn to ask, and set the time of the next one; False when another took it."""
    sent_at = command.sent_at or now
    number = command.queries + 1
    if command.kind in _BACKGROUND:
        next_at = now + BACKGROUND_AGAIN
    elif number < len(QUERY_AFTER_S):
        next_at = max(sent_at + timedelta(seconds=QUERY_AFTER_S[number]), now + QUERY_SPACING)
    else:
        next_at = now + QUERY_LATER
    return reserve_query(command, now=now, next_query_at=next_at)


async def resolve(command: Command, port_of: PortOf, clock: Clock) -> bool:
    """Ask what became of `command`, which this caller has reserved. Raises ExchangeError."""
    if command.kind in _BACKGROUND:
        current_app.send_task(
            _BACKGROUND[command.kind],
            kwargs={"command_id": str(command.pk)},
            queue=BACKGROUND_QUEUE,
        )
        return False
    again = _MAY_REPEAT.get(command.kind)
    if again is not None:
        await again(_work_on(command, port_of, clock))
        return True
    if command.kind in SENDS_ORDERS:
        return await _resolve_order(command, port_of(command.account_id), clock)
    if command.kind == "CancelOrder":
        return await _resolve_cancel(command, port_of(command.account_id), clock)
    if command.kind == "AmendOrder":
        return await resolve_amend(command, port_of(command.account_id), clock)
    _fail(command, clock.now(), ErrorCode.OUTCOME_UNKNOWN, _ENDED_ON_THE_WAY)
    return True


async def _cancel_rest_again(work: Work) -> None:
    await cancel_rest(work, placed_until=work.command.sent_at)


# Their dead worker may have cancelled some orders and not others: cancelling twice harms nobody.
_MAY_REPEAT: dict[str, Callable[[Work], Awaitable[None]]] = {
    "CancelAll": _cancel_rest_again,
    "SetEngineMode": complete_mode,
}


def _work_on(command: Command, port_of: PortOf, clock: Clock) -> Work:
    held = Claim(command, ACTOR, command.claim_token, clock.now())
    return Work(held, clock, port_of)


async def _resolve_order(command: Command, port: ExchangePort, clock: Clock) -> bool:
    order = Order.objects.get(pk=command.pk)
    if order.status in TERMINAL or not is_unheard(order):
        _found(command, clock.now(), [], order)
        return True
    try:
        report = await query_order(port, order)
    except NotFound:
        return await _judge_absence(command, order, port, clock)
    _found(command, clock.now(), [report], order)
    return True


def _found(command: Command, now: datetime, reports: Sequence[OrderReport], order: Order) -> None:
    """The order of `command` is known: what is to rest may have come too late for that."""
    _acknowledge(command, now, reports, order)
    cancel_if_halted(order.pk, now)


async def _judge_absence(command: Command, order: Order, port: ExchangePort, clock: Clock) -> bool:
    """LOST only after 5 misses over 30 s, with open orders and trades negative as well (F3)."""
    now = clock.now()
    misses = _count_miss(command)
    if misses < MISSES_TO_LOSE or now - order.submitted_at < LOSE_AFTER:
        return False
    found = await _elsewhere(order, port)
    now = clock.now()
    if found is not None:
        _found(command, now, [found], order)
        return True
    with account_ledger(command.account_id, _origin(command, now)) as ledger:
        current = ledger.rows.get(Order, order.pk)
        if current is not None and not is_unheard(current):
            return False  # told of on another path meanwhile: the next cycle ends the command
        reason = f"the venue has no such order after {misses} queries"
        ended = finish(
            ledger,
            command,
            CommandStatus.FAILED,
            now=now,
            code=ErrorCode.LOST,
            detail=reason,
            next_query_at=first_look(now),
        )
        if ended:
            ledger.emit(Draft(OrderRejected(order.pk, ErrorCode.LOST, reason, now), now))
    return True


async def _elsewhere(order: Order, port: ExchangePort) -> OrderReport | None:
    """The order among those that rest, or behind trades that no row here explains."""
    resting = [*await port.open_orders(order.symbol)]
    if order.is_conditional:
        resting += await port.open_conditional_orders(order.symbol)
    for item in resting:
        if item.client_order_id == order.client_order_id:
            return item
    fills = await port.fills(order.symbol, since=order.submitted_at - TRADES_BEFORE)
    for venue_order_id in _strangers(order, [fill.venue_order_id for fill in fills]):
        with suppress(NotFound):  # what the venue forgot is not this order
            report = await port.order_by_venue_id(order.symbol, venue_order_id)
            if report.client_order_id == order.client_order_id:
                return report
    return None


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
    if order.status in TERMINAL:
        _end_cancel(command, clock.now(), order)
        return True
    try:
        report = await cancel_order(port, order)
    except (Throttled, Unauthorized, ClockSkew):
        raise  # says nothing of the order: asked again
    except Rejected as error:
        gone = isinstance(error, NotFound)
        if gone and is_unheard(order):
            return False  # it may still be on its way: what is not there yet cannot be cancelled
        code = ErrorCode.NOT_CANCELLABLE if gone else code_of(error)
        _fail(command, clock.now(), code, error.message)
        return True
    if report.status not in TERMINAL:
        return False
    _acknowledge(command, clock.now(), [report], order)
    return True


def _end_cancel(command: Command, now: datetime, order: Order) -> None:
    """The order is over by other news."""
    if order.status == OrderStatus.CANCELLED:
        _acknowledge(command, now, [], order)
    else:
        _fail(command, now, ErrorCode.NOT_CANCELLABLE, f"The order is {order.status}.")


def _acknowledge(
    command: Command, now: datetime, reports: Sequence[OrderReport], order: Order
) -> None:
    with account_ledger(command.account_id, _origin(command, now)) as ledger:
        for report in reports:
            facts.record(ledger, report)
        current = ledger.rows.get(Order, order.pk) or order
        finish(ledger, command, CommandStatus.ACK, now=now, result=known_result(current))


def _fail(command: Command, now: datetime, code: ErrorCode, detail: str) -> None:
    with account_ledger(command.account_id, _origin(command, now)) as ledger:
        finish(ledger, command, CommandStatus.FAILED, now=now, code=code, detail=detail)


def _origin(command: Command, now: datetime) -> Origin:
    return Origin(ACTOR, Source.ENGINE, now, command.pk, command.pk)
