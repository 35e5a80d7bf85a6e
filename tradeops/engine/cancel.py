"""CancelOrder and CancelAll. Cancelling is idempotent at the venue, so it may be repeated."""

import logging

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
    _sent(work)
    try:
        report = await cancel_order(work.port(), order)
    except Ambiguous as error:
        logger.warning("cancel of %s unknown: %s", order.client_order_id, error)
        now = work.clock.now()
        with write_transaction():
            mark_unknown(work.command, now=now, next_query_at=now + FIRST_QUERY)
    except NotFound as error:
        fail(work, ErrorCode.NOT_CANCELLABLE, error.message, exchange_code=error.code)
    except ExchangeError as error:
        fail(work, code_of(error), error.message, exchange_code=error.code)
    else:
        _settle(work, [report], {"order_id": str(order.pk), "status": str(report.status)})


async def cancel_all(work: Work) -> None:
    """Carry out a CancelAll command: every open order of the account, or of one symbol."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, CancelAll):
        raise TypeError(work.command.kind)
    rows = Order.objects.filter(account_id=work.account_id, status__in=OPEN_STATUSES)
    if wanted.symbol:
        rows = rows.filter(symbol=wanted.symbol)
    _sent(work)
    reports, missed = await cancel_each(work.port(), list(rows))
    result = {"cancelled": str(len(reports)), "failed": str(missed)}
    if missed:
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
        return
    _settle(work, reports, result)


async def cancel_each(port: ExchangePort, orders: list[Order]) -> tuple[list[OrderReport], int]:
    """Reports of the orders that were dealt with, and how many were not."""
    reports, missed = [], 0
    for order in orders:
        try:
            reports.append(await cancel_order(port, order))
        except ExchangeError as error:
            logger.warning("cancel of %s failed: %s", order.client_order_id, error)
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
