"""AmendOrder: another quantity and price for a LIMIT order that rests.

The same protocol as for an order: judged again under the lock, SENT before any byte leaves, one
attempt, and an unknown outcome is asked for, never repeated. What the order is then, the venue
tells: nothing here writes a quantity or a price.
"""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from orders.domain.lifecycle import TERMINAL
from orders.models import Order
from orders.services.order_amend import amend_at_venue
from orders.services.order_cancel import query_order
from risk.domain.gates import decide
from tradeops.domain.clock import Clock
from tradeops.domain.commands import AmendOrder, CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderType, PositionSide, Side, Source, TimeInForce
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.money import plain
from tradeops.engine import facts
from tradeops.engine.brackets import Brackets, brackets_of
from tradeops.engine.context import intent_of, risk_context
from tradeops.engine.ledger import account_ledger
from tradeops.engine.place import current_mark, refuse_by_gate
from tradeops.engine.send import FIRST_QUERY, SEND_WITHIN
from tradeops.engine.work import Work, code_of, conclude, fail, finish
from tradeops.exchange.errors import ExchangeError, NotFound, Rejected, Unavailable
from tradeops.exchange.port import AmendRequest, ExchangePort
from tradeops.exchange.reports import OrderReport
from tradeops.journal import codec
from tradeops.journal.command_store import mark_sent, mark_unknown
from tradeops.journal.domain.lanes import OPENING_TTL
from tradeops.journal.event_store import Origin
from tradeops.journal.models import Command
from tradeops.kit.db import write_transaction

logger = logging.getLogger(__name__)

# The venue refuses what is older than its window of 3 s; then its books have to show it.
NEVER_ARRIVED = timedelta(seconds=10)
FORGOTTEN = timedelta(seconds=30)
ACTOR = "sweeper"
Refusal = tuple[ErrorCode, str]


async def amend_order(work: Work) -> None:
    """Carry out an AmendOrder command."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, AmendOrder):
        raise TypeError(work.command.kind)
    order = Order.objects.filter(pk=wanted.order_id, account_id=work.account_id).first()
    refusal = _refusal(order, wanted, work, work.clock.now())
    if refusal is not None or order is None:
        code, detail = refusal or (ErrorCode.NOT_FOUND, "")
        fail(work, code, detail)
        return
    mark_price = await current_mark(work, order.symbol)
    brackets = () if order.reduce_only else await brackets_of(work, order.symbol)
    port = work.port()  # who has no way to the venue commits nothing
    request = commit_to_amend(work, wanted, mark_price, brackets)
    if request is not None:
        await _send(work, port, request, order)


def _refusal(order: Order | None, wanted: AmendOrder, work: Work, now: datetime) -> Refusal | None:
    """Why this order cannot be amended at all."""
    if order is None:
        return ErrorCode.NOT_FOUND, "There is no such order."
    if order.symbol != wanted.symbol:
        return ErrorCode.VALIDATION_ERROR, f"The order is one in {order.symbol}."
    if order.order_type != OrderType.LIMIT or not order.client_order_id:
        return ErrorCode.VALIDATION_ERROR, "Only a LIMIT order can be amended: cancel, then place."
    if not order.reduce_only and now - work.command.created_at > OPENING_TTL:
        return ErrorCode.EXPIRED, "The amendment waited longer than 10 s."
    return _too_late(order, wanted)


def _too_late(order: Order, wanted: AmendOrder) -> Refusal | None:
    if not order.is_open:
        return ErrorCode.PRECONDITION_FAILED, f"The order is {order.status}."
    if wanted.quantity <= order.venue_filled_quantity:
        filled = plain(order.venue_filled_quantity)
        detail = f"{filled} are filled already: cancel the order instead."
        return ErrorCode.MIN_QTY_VIOLATION, detail
    return None


def commit_to_amend(
    work: Work, wanted: AmendOrder, mark_price: Decimal | None, brackets: Brackets
) -> AmendRequest | None:
    """TX2: judge the order as it would be, in place of what it is, and mark the command SENT.

    Returns what to send, None when it was refused. While it is SENT the larger of both shapes
    counts as exposure (`engine.context`).
    """
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        order = ledger.rows.get(Order, wanted.order_id)
        refusal = _refusal(order, wanted, work, now)
        if refusal is not None or order is None:
            code, detail = refusal or (ErrorCode.NOT_FOUND, "")
            conclude(ledger, work, CommandStatus.FAILED, code=code, detail=detail)
            return None
        shape = _shape(order, wanted)
        context = risk_context(
            work.account(), shape, mark_price=mark_price, brackets=brackets, without=order.pk
        )
        intent = replace(intent_of(shape), executed_quantity=order.filled_quantity)
        decision = decide(intent, context)
        if decision.refusal is not None or decision.sized is None:
            refuse_by_gate(ledger, work, order.symbol, decision)
            return None
        mark_sent(work.held, now=now, verdicts=[item.as_json() for item in decision.verdicts])
        return AmendRequest(
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            side=Side(order.side),
            quantity=wanted.quantity,
            price=wanted.price,
            signed_at=now,
        )


def _shape(order: Order, wanted: AmendOrder) -> PlaceOrder:
    return PlaceOrder(
        symbol=order.symbol,
        side=Side(order.side),
        order_type=OrderType.LIMIT,
        quantity=wanted.quantity,
        price=wanted.price,
        time_in_force=TimeInForce(order.time_in_force) if order.time_in_force else None,
        reduce_only=order.reduce_only,
        position_side=PositionSide(order.position_side),
    )


async def _send(work: Work, port: ExchangePort, request: AmendRequest, order: Order) -> None:
    if work.clock.now() - request.signed_at > SEND_WITHIN:
        fail(work, ErrorCode.EXPIRED, "2 s passed between commit and send")
        return
    try:
        report = await amend_at_venue(port, request)
    except NotFound as error:
        await _tell_ended(work, port, order, error)
    except (Rejected, Unavailable) as error:
        fail(work, code_of(error), error.message, exchange_code=error.code)
    except (ExchangeError, TradeOpsError) as error:
        logger.warning("amendment of %s unknown: %s", request.client_order_id, error)
        now = work.clock.now()
        with write_transaction():
            mark_unknown(work.command, now=now, next_query_at=now + FIRST_QUERY)
    else:
        now = work.clock.now()
        _settle(work.command, work.origin(now), report, now)


async def _tell_ended(work: Work, port: ExchangePort, order: Order, error: NotFound) -> None:
    """The venue has nothing to amend: it filled, or was cancelled, on the way."""
    detail, reports = error.message, list[OrderReport]()
    try:
        report = await query_order(port, order)
        reports, detail = [report], f"The order is {report.status}."
    except ExchangeError as silent:
        logger.warning("order %s not read: %s", order.client_order_id, silent)
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        for report in reports:
            facts.record(ledger, report)
        finish(
            ledger,
            work.command,
            CommandStatus.FAILED,
            now=now,
            code=ErrorCode.PRECONDITION_FAILED,
            detail=detail,
            exchange_code=error.code,
        )


def _settle(command: Command, origin: Origin, report: OrderReport, now: datetime) -> None:
    with account_ledger(command.account_id, origin) as ledger:
        known = ledger.rows.get(Order, UUID(command.payload["order_id"]))
        if known is not None:
            # The amendment came after what was known, whatever the venue's clock says.
            report = replace(report, updated_at=max(report.updated_at, known.updated_at))
        facts.record(ledger, report)
        result = {
            "order_id": str(command.payload["order_id"]),
            "client_order_id": report.client_order_id,
            "venue_order_id": report.venue_order_id,
            "status": str(report.status),
        }
        finish(ledger, command, CommandStatus.ACK, now=now, result=result)


async def resolve_amend(command: Command, port: ExchangePort, clock: Clock) -> bool:
    """Ask the venue what became of an amendment whose answer was lost; True when that is known.

    The order shows it. One that shows its old shape when nothing can arrive any more was not
    amended: the command fails, and may be asked for anew. Raises ExchangeError.
    """
    wanted = codec.decode_command(command.kind, command.payload)
    if not isinstance(wanted, AmendOrder):
        raise TypeError(command.kind)
    order = Order.objects.get(pk=wanted.order_id)
    age = clock.now() - (command.sent_at or command.created_at)
    try:
        report = await query_order(port, order)
    except NotFound:
        if age < FORGOTTEN:
            return False
        _not_amended(command, None, clock.now(), "The venue knows no such order.")
        return True
    now = clock.now()
    origin = Origin(ACTOR, Source.ENGINE, now, command.pk, command.pk)
    if (report.quantity, report.price) == (wanted.quantity, wanted.price):
        _settle(command, origin, report, now)
        return True
    if age < NEVER_ARRIVED:
        return False
    _not_amended(command, report, now, _stayed(report))
    return True


def _stayed(report: OrderReport) -> str:
    price = plain(report.price) if report.price is not None else "no price"
    return f"The order stayed {plain(report.quantity)} at {price}, {report.status}."


def _not_amended(command: Command, report: OrderReport | None, now: datetime, detail: str) -> None:
    code = ErrorCode.VENUE_UNAVAILABLE
    if report is None or report.status in TERMINAL:
        code = ErrorCode.PRECONDITION_FAILED
    origin = Origin(ACTOR, Source.ENGINE, now, command.pk, command.pk)
    with account_ledger(command.account_id, origin) as ledger:
        if report is not None:
            facts.record(ledger, report)
        finish(ledger, command, CommandStatus.FAILED, now=now, code=code, detail=detail)
