"""Margin of a symbol: its mode, what lies in an isolated position, and the account's position mode.

Source: binance.md §5 (marginType, positionMargin, positionSide/dual).
"""

import logging
from datetime import datetime

from django.conf import settings

from orders.models import OPEN_STATUSES, Order
from positions.models import Position
from positions.projection import position_id
from risk.domain.holds import HoldKind, hold_scope
from tradeops.domain.commands import ChangeIsolatedMargin, CommandStatus, SetMarginMode
from tradeops.domain.enums import MarginMode, PositionMode, PositionSide, Source
from tradeops.domain.errors import ErrorCode
from tradeops.domain.events import PositionChanged
from tradeops.domain.money import plain
from tradeops.engine.context import available_balance
from tradeops.engine.holds import lift_hold, place_hold
from tradeops.engine.ingest import ingest
from tradeops.engine.ledger import account_ledger
from tradeops.engine.work import Work, acknowledge, code_of, conclude, fail
from tradeops.exchange.errors import Ambiguous, ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.journal import codec
from tradeops.journal.command_store import mark_sent
from tradeops.journal.event_store import Draft
from tradeops.kit.db import write_transaction

logger = logging.getLogger(__name__)

ACTOR = "engine"
_LOOK = "It may have happened: look at the position's margin before you ask again."
Refusal = tuple[ErrorCode, str]


async def set_margin_mode(work: Work) -> None:
    """SetMarginMode: only for a symbol without position and open order, as the venue wants it.

    Repeating it is harmless, so an ambiguous end is a failure to ask again.
    """
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, SetMarginMode):
        raise TypeError(work.command.kind)
    refusal = _mode_refusal(work.account_id, wanted)
    if refusal is not None:
        fail(work, *refusal)
        return
    work.fence()
    try:
        await work.port().set_margin_mode(wanted.symbol, wanted.mode)
    except ExchangeError as error:
        code = ErrorCode.VENUE_UNAVAILABLE if isinstance(error, Ambiguous) else code_of(error)
        fail(work, code, error.message, exchange_code=error.code)
        return
    now = work.clock.now()
    with account_ledger(work.account_id, work.origin(now)) as ledger:
        legs = ledger.rows.select(Position, account_id=work.account_id, symbol=wanted.symbol)
        sides = [PositionSide(leg.position_side) for leg in legs if leg.margin_mode != wanted.mode]
        for side in sides if legs else [PositionSide.BOTH]:
            changed = PositionChanged(wanted.symbol, side, now, margin_mode=wanted.mode)
            ledger.emit(Draft(changed, now))
        result = {"symbol": wanted.symbol, "margin_mode": str(wanted.mode)}
        conclude(ledger, work, CommandStatus.ACK, result=result)


def _mode_refusal(account_id: int, wanted: SetMarginMode) -> Refusal | None:
    if wanted.symbol not in settings.ALLOWED_SYMBOLS:
        return ErrorCode.SYMBOL_NOT_ALLOWED, f"{wanted.symbol} is not allowed here"
    legs = Position.objects.filter(account_id=account_id, symbol=wanted.symbol)
    if any(leg.quantity for leg in legs):
        detail = f"Close the position in {wanted.symbol} first."
        return ErrorCode.PRECONDITION_FAILED, detail
    resting = Order.objects.filter(
        account_id=account_id, symbol=wanted.symbol, status__in=OPEN_STATUSES
    )
    if resting.exists():
        detail = f"Cancel the open orders in {wanted.symbol} first."
        return ErrorCode.PRECONDITION_FAILED, detail
    return None


async def change_isolated_margin(work: Work) -> None:
    """ChangeIsolatedMargin: sent once, because a second time would move the money twice.

    Nothing at the venue tells one movement from another: an ambiguous end is a failure that says
    so, and reconciliation shows the margin that there is.
    """
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, ChangeIsolatedMargin):
        raise TypeError(work.command.kind)
    refusal = _margin_refusal(work.account_id, wanted)
    if refusal is not None:
        fail(work, *refusal)
        return
    port = work.port()
    with write_transaction():
        mark_sent(work.held, now=work.clock.now(), verdicts=[])
    try:
        await port.change_isolated_margin(wanted.symbol, wanted.amount, wanted.position_side)
    except Ambiguous as error:
        logger.warning("margin of %s unknown: %s", wanted.symbol, error)
        fail(work, ErrorCode.OUTCOME_UNKNOWN, f"{error.message}. {_LOOK}")
        return
    except ExchangeError as error:
        fail(work, code_of(error), error.message, exchange_code=error.code)
        return
    acknowledge(work, {"symbol": wanted.symbol, "amount": plain(wanted.amount)})
    await _read_margin(work, port, wanted)


def _margin_refusal(account_id: int, wanted: ChangeIsolatedMargin) -> Refusal | None:
    if wanted.amount == 0:
        return ErrorCode.VALIDATION_ERROR, "The amount to move is not 0."
    leg_id = position_id(account_id, wanted.symbol, wanted.position_side)
    leg = Position.objects.filter(pk=leg_id).first()
    if leg is None or leg.quantity == 0:
        detail = f"There is no open position in {wanted.symbol}."
        return ErrorCode.POSITION_NOT_FOUND, detail
    if leg.margin_mode == MarginMode.CROSS:
        detail = f"{wanted.symbol} is in cross mode: its margin is the whole wallet."
        return ErrorCode.PRECONDITION_FAILED, detail
    available = available_balance(account_id)
    if available is not None and wanted.amount > available:
        detail = f"needs {plain(wanted.amount)}, {plain(available)} is available"
        return ErrorCode.INSUFFICIENT_BALANCE, detail
    return None


async def _read_margin(work: Work, port: ExchangePort, wanted: ChangeIsolatedMargin) -> None:
    """Show the new margin at once; what cannot be read now, stream and reconciliation bring."""
    try:
        legs = await port.positions()
    except ExchangeError as error:
        logger.warning("margin of %s not read: %s", wanted.symbol, error)
        return
    ours = [leg for leg in legs if leg.symbol == wanted.symbol]
    ingest(
        work.account_id,
        ours,
        source=Source.REST,
        actor=work.command.principal,
        now=work.clock.now(),
    )


async def check_position_mode(port: ExchangePort, account_id: int, now: datetime) -> PositionMode:
    """Hold openings of an account that is in hedge mode, which nothing here expects (F74).

    Exits pass, and so do orders that name their leg. To be called where the account is opened and
    every hour; a read that fails says nothing and changes nothing. Raises ExchangeError.
    """
    mode = await port.position_mode()
    scope = hold_scope(HoldKind.MODE, account_id)
    if mode is PositionMode.HEDGE:
        reason = "the account is in hedge mode: orders must name their leg (position_side)"
        place_hold(account_id, scope, reason, actor=ACTOR, now=now)
    else:
        lift_hold(account_id, scope, "the account is in one-way mode", actor=ACTOR, now=now)
    return mode
