"""CancelOrder and CancelAll. Cancelling is idempotent at the venue, so it may be repeated."""

import logging
from datetime import datetime

from orders.domain.lifecycle import TERMINAL
from orders.models import OPEN_STATUSES, Order
from orders.services.order_cancel import cancel_order
from tradeops.domain.commands import CancelAll, CancelOrder, CommandStatus
from tradeops.domain.errors import ErrorCode
from tradeops.engine import facts
from tradeops.engine.ledger import account_ledger
from tradeops.engine.send import FIRST_QUERY
from tradeops.engine.work import Work, code_of, fail, finish
from tradeops.exchange.errors import Ambiguous, ExchangeError, NotFound
from tradeops.exchange.port import ExchangePort
from tradeops.exchange.reports import OrderReport
from tradeops.journal import codec
from tradeops.journal.command_store import mark_sent, mark_unknown
from tradeops.kit.db import write_transaction

logger = logging.getLogger(__name__)


def is_unheard(order: Order) -> bool:
    """Whether the venue has not named the order yet: "not found" may mean "not yet"."""
    return not order.venue_order_id and not order.algo_id


async def cancel_one(work: Work) -> None:
    """Carry out a CancelOrder command."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, CancelOrder):
        raise TypeError(work.command.kind)
    order = Order.objects.filter(pk=wanted.order_id, account_id=work.account_id).first()
    if order is None:
        fail(work, ErrorCode.NOT_FOUND, "There is no such order.")
        return
    if not order.is_open:
        fail(work, ErrorCode.NOT_CANCELLABLE, f"The order is {order.status}.")
        return
    port = work.port()
    _sent(work)
    try:
        report = await cancel_order(port, order)
    except Ambiguous as error:
        _leave_open(work, order, str(error))
    except NotFound as error:
        if is_unheard(order):
            _leave_open(work, order, "the order has not shown up yet")
        else:
            fail(work, ErrorCode.NOT_CANCELLABLE, error.message, exchange_code=error.code)
    except ExchangeError as error:
        fail(work, code_of(error), error.message, exchange_code=error.code)
    else:
        _tell(work, order, report)


def _leave_open(work: Work, order: Order, reason: str) -> None:
    """The sweeper asks, and cancels again, until the order is known to be over (F11)."""
    logger.warning("cancel of %s unknown: %s", order.client_order_id, reason)
    now = work.clock.now()
    with write_transaction():
        mark_unknown(work.command, now=now, next_query_at=now + FIRST_QUERY)


def _tell(work: Work, order: Order, report: OrderReport) -> None:
    if report.status not in TERMINAL:  # a read that lags behind: not cancelled for all we know
        now = work.clock.now()
        with account_ledger(work.account_id, work.origin(now)) as ledger:
            facts.record(ledger, report)
        _leave_open(work, order, f"the venue says {report.status}")
        return
    _settle(work, [report], {"order_id": str(order.pk), "status": str(report.status)})


async def cancel_all(work: Work) -> None:
    """Carry out a CancelAll command: every open order of the account, or of one symbol."""
    _sent(work)
    await cancel_rest(work)


async def cancel_rest(work: Work, *, placed_until: datetime | None = None) -> None:
    """The part of CancelAll that may be done again: cancel what rests, then end the command.

    Done again it is about orders up to `placed_until`, when it was first done: a stop that was
    placed since is no longer its business.
    """
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, CancelAll):
        raise TypeError(work.command.kind)
    rows = Order.objects.filter(account_id=work.account_id, status__in=OPEN_STATUSES)
    if wanted.symbol:
        rows = rows.filter(symbol=wanted.symbol)
    if placed_until is not None:
        rows = rows.filter(submitted_at__lte=placed_until)
    orders = list(rows)
    reports, missed = await cancel_each(work.port(), orders)
    result = {"cancelled": str(len(orders) - missed), "failed": str(missed)}
    if not missed:
        _settle(work, reports, result)
        return
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        for report in reports:
            facts.record(ledger, report)
        finish(
            ledger,
            work.command,
            CommandStatus.FAILED,
            now=now,
            code=ErrorCode.VENUE_UNAVAILABLE,
            detail=f"{missed} orders could not be cancelled; ask again.",
            result=result,
        )


async def cancel_each(port: ExchangePort, orders: list[Order]) -> tuple[list[OrderReport], int]:
    """What the venue said of the orders, and how many of them may rest there still."""
    reports, missed = [], 0
    for order in orders:
        try:
            report = await cancel_order(port, order)
        except ExchangeError as error:
            logger.warning("cancel of %s failed: %s", order.client_order_id, error)
            missed += 1
            continue
        reports.append(report)
        if report.status not in TERMINAL:
            # It was not there to cancel and then it was: on its way, or triggered meanwhile.
            logger.warning("cancel of %s: it is %s", order.client_order_id, report.status)
            missed += 1
    return reports, missed


def _sent(work: Work) -> None:
    with write_transaction():
        mark_sent(work.held, now=work.clock.now(), verdicts=[])


def _settle(work: Work, reports: list[OrderReport], result: dict[str, str]) -> None:
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        for report in reports:
            facts.record(ledger, report)
        finish(ledger, work.command, CommandStatus.ACK, now=now, result=result)
