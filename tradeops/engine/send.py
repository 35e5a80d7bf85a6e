"""One attempt to send a committed order, and how each outcome is written (D4, TX3).

Source: reliability.md §4 "Send protocol".
"""

import logging
from datetime import timedelta

from orders.models import Order
from orders.projection import OUTCOME_UNKNOWN
from orders.services.order_submit import submit_order
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import OrderStatus
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import OrderRejected, OrderUpdated
from tradeops.domain.money import ZERO
from tradeops.engine import facts
from tradeops.engine.late import cancel_if_halted
from tradeops.engine.ledger import account_ledger
from tradeops.engine.work import Work, code_of, finish
from tradeops.exchange.errors import ExchangeError, Rejected, Unavailable
from tradeops.exchange.port import ExchangePort, OrderRequest
from tradeops.exchange.reports import OrderReport
from tradeops.journal.command_store import FIRST_QUERY_AFTER, mark_unknown
from tradeops.journal.event_store import Draft

logger = logging.getLogger(__name__)

SEND_WITHIN = timedelta(seconds=2)
FIRST_QUERY = FIRST_QUERY_AFTER


async def send(work: Work, port: ExchangePort, request: OrderRequest) -> None:
    """One attempt, at once; then the outcome is written, whatever it is."""
    if work.clock.now() - request.signed_at > SEND_WITHIN:
        settle_refusal(work, Unavailable("2 s passed between commit and send"), ErrorCode.EXPIRED)
        return
    try:
        report = await submit_order(port, request)
    except (Rejected, Unavailable) as error:
        settle_refusal(work, error, code_of(error))
    except (ExchangeError, TradeOpsError) as error:
        logger.warning("outcome of %s unknown: %s", request.client_order_id, error)
        leave_unknown(work, str(error))
    else:
        settle_accepted(work, report)


def settle_accepted(work: Work, report: OrderReport) -> None:
    """TX3: the venue has the order."""
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        facts.record(ledger, report)
        finish(ledger, work.command, CommandStatus.ACK, now=now, result=order_result(work, report))
    cancel_if_halted(work.command.pk, now)


def _lives(order: Order) -> bool:
    """Whether the venue has named it and it rests there, or has filled: REJECTED would hide it."""
    named = order.venue_order_id or order.algo_id
    return bool(named) and (order.is_open or order.venue_filled_quantity > ZERO)


def known_result(order: Order) -> dict[str, str]:
    """`order_result` of an order that reports have told of."""
    return {
        "order_id": str(order.pk),
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id or order.algo_id,
    }


def order_result(work: Work, report: OrderReport) -> dict[str, str]:
    """What is kept with an acknowledged order command."""
    return {
        "order_id": str(work.command.pk),
        "client_order_id": report.client_order_id,
        "venue_order_id": report.venue_order_id or report.algo_id,
    }


def settle_refusal(work: Work, error: ExchangeError, code: ErrorCode) -> None:
    """TX3: the venue has no such order, unless it has told of one itself meanwhile."""
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        order = ledger.rows.get(Order, work.command.pk)
        if order is not None and _lives(order):
            logger.warning("%s was refused, but the venue has it: %s", order.pk, error)
            finish(ledger, work.command, CommandStatus.ACK, now=now, result=known_result(order))
            return
        ended = finish(
            ledger,
            work.command,
            CommandStatus.FAILED,
            now=now,
            code=code,
            detail=error.message,
            exchange_code=error.code,
        )
        if ended:  # otherwise somebody knows better: this worker slept
            rejected = OrderRejected(work.command.pk, code, error.message, now, error.code)
            ledger.emit(Draft(rejected, now))


def leave_unknown(work: Work, reason: str) -> None:
    """Nobody knows: flag the command and let the sweeper ask the venue (F1)."""
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        if not mark_unknown(work.command, now=now, next_query_at=now + FIRST_QUERY):
            return
        unknown = OrderUpdated(
            work.command.pk,
            OrderStatus.SUBMITTED,
            "",
            ZERO,
            None,
            now,
            reason=f"{OUTCOME_UNKNOWN}: {reason}",
        )
        ledger.emit(Draft(unknown, now))
