"""Entry gates in fixed order; each is a function from frozen inputs to a verdict.

engine → symbol → leverage → price → trigger → size → min notional → balance → order limit →
position limit → bracket; what closes a whole position has a gate of its own instead of a size.
Every gate that can be judged is judged, so that a preview explains everything at once; the first
refusal is the one that counts. A verified reduction passes the gates that bound risk (R-beyond 3).
"""

from collections.abc import Callable
from decimal import Decimal

from positions.domain.margin import bracket_of
from risk.domain.context import Decision, OrderIntent, RiskContext, Sized, Verdict
from risk.domain.holds import code_of_scope
from risk.domain.price_gates import closing_gate, price_gate, trigger_gate
from risk.domain.sizing import fills_at_market, quantity_step, size
from risk.domain.verdicts import no, reduces, yes
from tradeops.domain.enums import CONDITIONAL_TYPES, EngineState, PositionSide, Side
from tradeops.domain.errors import ErrorCode
from tradeops.domain.money import ZERO, is_multiple, plain

MIN_LEVERAGE = 1
_CLOSED = {
    EngineState.PAUSED: ErrorCode.PAUSED,
    EngineState.HALTED: ErrorCode.HALTED,
    EngineState.SAFE: ErrorCode.SAFE,
    EngineState.BOOTING: ErrorCode.PAUSED,
}


def decide(intent: OrderIntent, context: RiskContext) -> Decision:
    """Size the order and pass it through every gate."""
    sized = size(intent, context)
    verdicts = [gate(intent, context) for gate in _BEFORE_SIZE]
    if context.instrument is not None and context.mark_price is not None:
        verdicts.append(price_gate(intent, context))
        if intent.order_type in CONDITIONAL_TYPES:
            verdicts.append(trigger_gate(intent, context))
    if intent.close_position:
        verdicts.append(closing_gate(intent, context))
    elif sized is not None:
        verdicts += [gate(intent, context, sized) for gate in _AFTER_SIZE]
        if context.brackets:
            verdicts.append(bracket_gate(intent, context, sized))
    return Decision(tuple(verdicts), sized)


def engine_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """No opening while a scope that covers it is paused, halted or safe."""
    for scope in context.scopes:
        code = _CLOSED.get(scope.state)
        if code is not None:
            code = code_of_scope(scope.scope) or code
        if code is ErrorCode.POSITION_MODE and intent.position_side is not PositionSide.BOTH:
            continue  # this one names its leg
        if code is not None and not reduces(intent, context):
            return no(
                "engine",
                code,
                f"{scope.scope} is {scope.state}: {scope.reason or 'no reason given'}",
                {"scope": scope.scope, "state": str(scope.state)},
            )
    return yes("engine")


def symbol_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """Only allowed symbols that the venue trades and whose price is known.

    A reduction needs the price only: what is held must find a way out.
    """
    leaving = reduces(intent, context)
    if intent.symbol not in context.allowed_symbols and not leaving:
        return no("symbol", ErrorCode.SYMBOL_NOT_ALLOWED, f"{intent.symbol} is not allowed here")
    if context.instrument is None or not (context.instrument.is_trading or leaving):
        return no(
            "symbol",
            ErrorCode.SYMBOL_NOT_ALLOWED,
            f"{intent.symbol} is not trading at the venue",
        )
    if context.mark_price is None:
        return no("symbol", ErrorCode.PRICE_UNAVAILABLE, f"no mark price for {intent.symbol}")
    return yes("symbol", {"mark_price": plain(context.mark_price)})


def leverage_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """1 to 25 (R0.5); a position that stands at more may still be reduced."""
    numbers = {"leverage": str(context.leverage), "max": str(context.max_leverage)}
    inside = MIN_LEVERAGE <= context.leverage <= context.max_leverage
    if not inside and not reduces(intent, context):
        return no(
            "leverage",
            ErrorCode.LEVERAGE_OUT_OF_RANGE,
            f"leverage must be {MIN_LEVERAGE} to {context.max_leverage}",
            numbers,
        )
    return yes("leverage", numbers)


def size_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """Quantity on the step grid, between the venue's minimum and maximum, above what is done."""
    instrument = context.instrument
    if instrument is None:
        return no("size", ErrorCode.SYMBOL_NOT_ALLOWED, "unknown instrument")
    market = fills_at_market(intent)
    step = quantity_step(intent, context)
    least = instrument.market_min_quantity if market else instrument.min_quantity
    most = instrument.market_max_quantity if market else instrument.max_quantity
    numbers = {
        "quantity": plain(sized.quantity),
        "step": plain(step),
        "min": plain(least),
        "max": plain(most),
    }
    if sized.quantity < least or sized.quantity <= 0:
        return no(
            "size",
            ErrorCode.MIN_QTY_VIOLATION,
            f"{plain(sized.quantity)} is below the smallest quantity {plain(least)}",
            numbers,
        )
    if sized.quantity <= intent.executed_quantity:
        detail = f"{plain(intent.executed_quantity)} of it are executed already"
        return no("size", ErrorCode.MIN_QTY_VIOLATION, detail, numbers)
    if not is_multiple(sized.quantity, step):
        detail = f"quantity must be a multiple of {plain(step)}"
        return no("size", ErrorCode.PRECISION_VIOLATION, detail, numbers)
    if most > 0 and sized.quantity > most:
        detail = f"{plain(sized.quantity)} is above the largest quantity {plain(most)}"
        return no("size", ErrorCode.MAX_QTY_VIOLATION, detail, numbers)
    return yes("size", numbers)


def notional_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """The venue's MIN_NOTIONAL, from which reductions are exempt (binance.md §5)."""
    least = context.instrument.min_notional if context.instrument else ZERO
    numbers = {"notional": plain(sized.notional), "min": plain(least)}
    if sized.notional < least and not reduces(intent, context):
        return no(
            "min_notional",
            ErrorCode.MIN_NOTIONAL_VIOLATION,
            f"notional {plain(sized.notional)} is below {plain(least)}",
            numbers,
        )
    return yes("min_notional", numbers)


def balance_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """Margin of what opens, plus the fee of the whole, fits into the available balance."""
    opening = _opening_share(context, intent.side, _to_come(intent, sized))
    needed = sized.margin * opening + sized.fee
    numbers = {"needed": plain(needed)}
    if reduces(intent, context):
        return yes("balance", numbers)
    if context.available_balance is None:
        return no("balance", ErrorCode.ACCOUNT_UNAVAILABLE, "the balance is not known yet", numbers)
    numbers["available"] = plain(context.available_balance)
    if needed > context.available_balance:
        return no(
            "balance",
            ErrorCode.INSUFFICIENT_BALANCE,
            f"needs {plain(needed)}, {plain(context.available_balance)} is available",
            numbers,
        )
    return yes("balance", numbers)


def order_limit_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """RiskLimit max_order_notional."""
    return _limit_verdict(
        "max_order_notional",
        ErrorCode.MAX_ORDER_NOTIONAL,
        sized.notional,
        context.max_order_notional,
        exempt=reduces(intent, context),
    )


def position_limit_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """RiskLimit max_position_notional, as if everything that is pending filled.

    What only shrinks the position passes; what turns it round opens another one.
    """
    after = _position_after(intent, context, sized)
    return _limit_verdict(
        "max_position_notional",
        ErrorCode.MAX_POSITION_NOTIONAL,
        abs(after) * sized.price,
        context.max_position_notional,
        exempt=reduces(intent, context) or _only_shrinks(context, after),
    )


def bracket_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """The venue admits the leverage up to the notional that the position may reach (-2027)."""
    after = _position_after(intent, context, sized)
    notional = abs(after) * sized.price
    bracket = bracket_of(context.brackets, notional)
    most = bracket.max_leverage if bracket is not None else 0
    numbers = {"notional": plain(notional), "leverage": str(context.leverage), "max": str(most)}
    exempt = reduces(intent, context) or _only_shrinks(context, after)
    if exempt or context.leverage <= most:
        return yes("bracket", numbers)
    detail = f"the venue admits {most}x at a position of {plain(notional)}"
    return no("bracket", ErrorCode.LEVERAGE_OUT_OF_RANGE, detail, numbers)


def _position_after(intent: OrderIntent, context: RiskContext, sized: Sized) -> Decimal:
    """Signed quantity, if the order and everything that is pending on its side filled."""
    if intent.side is Side.BUY:
        return context.position_quantity + context.pending_buy_quantity + _to_come(intent, sized)
    return context.position_quantity - context.pending_sell_quantity - _to_come(intent, sized)


def _only_shrinks(context: RiskContext, after: Decimal) -> bool:
    held = context.position_quantity
    return min(held, ZERO) <= after <= max(held, ZERO)


def _to_come(intent: OrderIntent, sized: Sized) -> Decimal:
    return sized.quantity - intent.executed_quantity


def _limit_verdict(
    gate: str, code: ErrorCode, value: Decimal, limit: Decimal | None, *, exempt: bool
) -> Verdict:
    numbers = {"value": plain(value), "limit": plain(limit) if limit is not None else ""}
    if limit is None or exempt or value <= limit:
        return yes(gate, numbers)
    return no(gate, code, f"{plain(value)} is above {plain(limit)}", numbers)


def _opening_share(context: RiskContext, side: Side, quantity: Decimal) -> Decimal:
    """Which part of the order adds to the position instead of reducing it, 0 to 1."""
    held = context.position_quantity * side.sign
    if held >= 0 or quantity <= 0:
        return Decimal(1)
    opening = max(ZERO, quantity + held)
    return opening / quantity


_BEFORE_SIZE: tuple[Callable[[OrderIntent, RiskContext], Verdict], ...] = (
    engine_gate,
    symbol_gate,
    leverage_gate,
)
_AFTER_SIZE: tuple[Callable[[OrderIntent, RiskContext, Sized], Verdict], ...] = (
    size_gate,
    notional_gate,
    balance_gate,
    order_limit_gate,
    position_limit_gate,
)
