"""PlaceOrder and ClosePosition: gates → size → leverage → commit to send → send → outcome.

Source: architecture.md "An order, from click to screen"; reliability.md §4 "Send protocol".
"""

import logging
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from accounts.models import ExchangeAccount
from orders.domain.validation import WITH_PRICE, fault_of, leaves
from positions.models import Position
from positions.projection import position_id
from risk.domain.context import Decision, Sized
from risk.domain.gates import decide
from tradeops.domain.commands import ClosePosition, CommandStatus, PlaceOrder
from tradeops.domain.enums import OrderStatus, Side, TimeInForce, Venue
from tradeops.domain.errors import ErrorCode
from tradeops.domain.events import OrderPlaced, RiskGuardRejected
from tradeops.domain.ids import client_order_id
from tradeops.domain.money import ZERO, floor_to_step
from tradeops.engine.brackets import brackets_of
from tradeops.engine.context import intent_of, risk_context, working_type_of
from tradeops.engine.ledger import AccountLedger, account_ledger
from tradeops.engine.leverage import (
    LeverageMoved,
    leverage_stands,
    require_leverage,
    sync_leverage,
)
from tradeops.engine.send import send
from tradeops.engine.work import Work, code_of, conclude, fail
from tradeops.exchange.errors import Ambiguous, ExchangeError
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import LeverageBracket
from tradeops.journal import codec
from tradeops.journal.command_store import mark_sent
from tradeops.journal.domain.lanes import OPENING_TTL
from tradeops.journal.event_store import Draft
from tradeops.market import cache

logger = logging.getLogger(__name__)

LEVERAGE_TRIES = 3
_STALE = "The order waited longer than 10 s."


async def place_order(work: Work) -> None:
    """Carry out a PlaceOrder command."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, PlaceOrder):
        raise TypeError(work.command.kind)
    await _place(work, wanted)


async def close_position(work: Work) -> None:
    """Reduce a position by a fraction with a reduce-only market order."""
    wanted = codec.decode_command(work.command.kind, work.command.payload)
    if not isinstance(wanted, ClosePosition):
        raise TypeError(work.command.kind)
    leg_id = position_id(work.account_id, wanted.symbol, wanted.position_side)
    position = Position.objects.filter(pk=leg_id).first()
    if position is None or position.quantity == 0:
        fail(work, ErrorCode.POSITION_NOT_FOUND, f"There is no open position in {wanted.symbol}.")
        return
    order = PlaceOrder(
        symbol=wanted.symbol,
        side=Side.SELL if position.quantity > 0 else Side.BUY,
        quantity=_share(work.account(), position, wanted.fraction),
        reduce_only=True,
        position_side=wanted.position_side,
    )
    await _place(work, order)


def _share(account: ExchangeAccount, position: Position, fraction: Decimal) -> Decimal:
    whole: Decimal = abs(position.quantity)
    if fraction == 1:
        return whole
    spec = cache.instrument(Venue(account.venue), position.symbol)
    return floor_to_step(whole * fraction, spec.market_step_size) if spec else ZERO


async def _place(work: Work, wanted: PlaceOrder) -> None:
    fault = fault_of(wanted, now=work.clock.now())
    if fault is not None:
        fail(work, ErrorCode.VALIDATION_ERROR, fault.detail)
        return
    if _is_stale(work, wanted, work.clock.now()):
        fail(work, ErrorCode.EXPIRED, _STALE)
        return
    for _ in range(LEVERAGE_TRIES):
        try:
            await _try_to_place(work, wanted)
        except LeverageMoved:
            continue
        return
    detail = f"The leverage of {wanted.symbol} is being changed by somebody else."
    fail(work, ErrorCode.PRECONDITION_FAILED, detail)


async def _try_to_place(work: Work, wanted: PlaceOrder) -> None:
    mark_price = await current_mark(work, wanted.symbol)
    brackets = () if leaves(wanted) else await brackets_of(work, wanted.symbol)
    if _needs_leverage(work, wanted):
        context = risk_context(work.account(), wanted, mark_price=mark_price, brackets=brackets)
        early = decide(intent_of(wanted), context)
        if early.refusal is not None or early.sized is None:
            # Final: judged again it might pass, at a leverage that nobody has set.
            with account_ledger(work.account_id, work.origin(work.clock.now())) as ledger:
                refuse_by_gate(ledger, work, wanted.symbol, early)
            return
        if not await _leverage_synced(work, wanted):
            return
    port = work.port()  # who has no way to the venue commits nothing
    request = commit_to_send(work, wanted, mark_price, brackets)
    if request is None:
        return
    await send(work, port, request)


def _needs_leverage(work: Work, wanted: PlaceOrder) -> bool:
    if wanted.leverage is None or leaves(wanted):
        return False
    return not leverage_stands(work.account_id, wanted.symbol, wanted.leverage)


def _is_stale(work: Work, wanted: PlaceOrder, now: datetime) -> bool:
    """An opening that waited too long is not what its asker sees any more (F80)."""
    return not leaves(wanted) and now - work.command.created_at > OPENING_TTL


async def current_mark(work: Work, symbol: str) -> Decimal | None:
    """Mark price at most 2 s old, from the cache or the venue; None when neither has one."""
    now = work.clock.now()
    remembered = cache.fresh_mark(symbol, now=now)
    if remembered is not None:
        return remembered.mark_price
    try:
        return cache.remember_mark(await work.port().mark_price(symbol)).mark_price
    except ExchangeError as error:
        logger.warning("no mark price for %s: %s", symbol, error)
        return None


async def _leverage_synced(work: Work, wanted: PlaceOrder) -> bool:
    """Leverage stands as wanted; otherwise the command has failed and nothing was ordered."""
    try:
        await sync_leverage(work, wanted.symbol, wanted.leverage or 1)
    except ExchangeError as error:
        code = ErrorCode.VENUE_UNAVAILABLE if isinstance(error, Ambiguous) else code_of(error)
        fail(work, code, f"Leverage was not set: {error.message}", exchange_code=error.code)
        return False
    return True


def commit_to_send(
    work: Work,
    wanted: PlaceOrder,
    mark_price: Decimal | None,
    brackets: Sequence[LeverageBracket] = (),
) -> OrderRequest | None:
    """TX2: under the account lock, judge again and write the order before any byte leaves (D4).

    Returns what to send, or None when the order was refused or had expired.

    Raises:
        LeverageMoved: another order set another leverage since; nothing was written.
    """
    now, account_id = work.clock.now(), work.account_id
    with account_ledger(account_id, work.origin(now)) as ledger:
        if _is_stale(work, wanted, now):
            conclude(ledger, work, CommandStatus.FAILED, code=ErrorCode.EXPIRED, detail=_STALE)
            return None
        context = risk_context(work.account(), wanted, mark_price=mark_price, brackets=brackets)
        decision = decide(intent_of(wanted), context)
        if decision.refusal is not None or decision.sized is None:
            refuse_by_gate(ledger, work, wanted.symbol, decision)
            return None
        if wanted.leverage is not None and not leaves(wanted):
            require_leverage(account_id, wanted.symbol, wanted.leverage)
        verdicts = [verdict.as_json() for verdict in decision.verdicts]
        mark_sent(work.held, now=now, verdicts=verdicts)
        request = _request(work, wanted, decision.sized.quantity, now)
        ledger.emit(Draft(_placed(work, request, decision.sized, context.leverage, verdicts), now))
    return request


def _request(work: Work, wanted: PlaceOrder, quantity: Decimal, now: datetime) -> OrderRequest:
    return OrderRequest(
        symbol=wanted.symbol,
        client_order_id=client_order_id(work.command.pk),
        side=wanted.side,
        order_type=wanted.order_type,
        quantity=quantity,
        signed_at=now,
        price=wanted.price,
        time_in_force=_time_in_force(wanted),
        reduce_only=wanted.reduce_only,
        position_side=wanted.position_side,
        trigger_price=wanted.trigger_price,
        working_type=working_type_of(wanted),
        callback_rate=wanted.callback_rate,
        activation_price=wanted.activation_price,
        close_position=wanted.close_position,
        good_till=wanted.good_till,
    )


def _placed(
    work: Work,
    request: OrderRequest,
    sized: Sized,
    leverage: int,
    verdicts: list[dict[str, object]],
) -> OrderPlaced:
    return OrderPlaced(
        order_id=work.command.pk,
        client_order_id=request.client_order_id,
        symbol=request.symbol,
        side=request.side,
        order_type=request.order_type,
        quantity=request.quantity,
        price=request.price,
        time_in_force=request.time_in_force,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
        status=OrderStatus.SUBMITTED,
        submitted_at=request.signed_at,
        command_id=work.command.pk,
        leverage=leverage,
        reference_price=sized.price,
        verdicts=verdicts,
        trigger_price=request.trigger_price,
        working_type=request.working_type,
        callback_rate=request.callback_rate,
        activation_price=request.activation_price,
        close_position=request.close_position,
        good_till=request.good_till,
    )


def _time_in_force(wanted: PlaceOrder) -> TimeInForce | None:
    if wanted.order_type in WITH_PRICE:
        return wanted.time_in_force or TimeInForce.GTC
    return None


def refuse_by_gate(ledger: AccountLedger, work: Work, symbol: str, decision: Decision) -> None:
    """End the command with the first gate that said no, in the caller's transaction."""
    refusal = decision.refusal
    verdicts = [verdict.as_json() for verdict in decision.verdicts]
    code = refusal.code if refusal and refusal.code else ErrorCode.VALIDATION_ERROR
    detail = refusal.detail if refusal else "The order has no size."
    now = ledger.origin.now
    ledger.emit(Draft(RiskGuardRejected(work.command.pk, symbol, code, detail, verdicts), now))
    conclude(ledger, work, CommandStatus.FAILED, code=code, detail=detail, verdicts=verdicts)
