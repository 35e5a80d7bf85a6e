"""Entry gates in fixed order; each is a function from frozen inputs to a verdict.

engine → symbol → leverage → price → size → min notional → balance → order limit → position limit.
Every gate that can be judged is judged, so that a preview explains everything at once; the first
refusal is the one that counts. A verified reduction passes the gates that bound risk (R-beyond 3).
"""

from collections.abc import Callable
from decimal import Decimal

from risk.domain.context import Decision, OrderIntent, RiskContext, Sized, Verdict
from risk.domain.holds import code_of_scope
from risk.domain.sizing import quantity_step, size
from tradeops.domain.enums import EngineState, OrderType, Side
from tradeops.domain.errors import ErrorCode
from tradeops.domain.money import ZERO, is_multiple, plain

MIN_LEVERAGE = 1
Numbers = dict[str, str]
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
    if sized is not None:
        verdicts += [gate(intent, context, sized) for gate in _AFTER_SIZE]
    return Decision(tuple(verdicts), sized)


def reduces(intent: OrderIntent, context: RiskContext) -> bool:
    """Whether the order is reduce-only and a position of the other direction exists."""
    held = context.position_quantity
    return intent.reduce_only and held != 0 and (held > 0) == (intent.side is Side.SELL)


def _yes(gate: str, numbers: Numbers | None = None) -> Verdict:
    return Verdict(gate, passed=True, numbers=numbers or {})


def _no(gate: str, code: ErrorCode, detail: str, numbers: Numbers | None = None) -> Verdict:
    return Verdict(gate, passed=False, code=code, detail=detail, numbers=numbers or {})


def engine_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """No opening while a scope that covers it is paused, halted or safe."""
    for scope in context.scopes:
        code = _CLOSED.get(scope.state)
        if code is not None:
            code = code_of_scope(scope.scope) or code
        if code is not None and not reduces(intent, context):
            return _no(
                "engine",
                code,
                f"{scope.scope} is {scope.state}: {scope.reason or 'no reason given'}",
                {"scope": scope.scope, "state": str(scope.state)},
            )
    return _yes("engine")


def symbol_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """Only allowed symbols that the venue trades and whose price is known.

    A reduction needs the price only: what is held must find a way out.
    """
    leaving = reduces(intent, context)
    if intent.symbol not in context.allowed_symbols and not leaving:
        return _no("symbol", ErrorCode.SYMBOL_NOT_ALLOWED, f"{intent.symbol} is not allowed here")
    if context.instrument is None or not (context.instrument.is_trading or leaving):
        return _no(
            "symbol",
            ErrorCode.SYMBOL_NOT_ALLOWED,
            f"{intent.symbol} is not trading at the venue",
        )
    if context.mark_price is None:
        return _no("symbol", ErrorCode.PRICE_UNAVAILABLE, f"no mark price for {intent.symbol}")
    return _yes("symbol", {"mark_price": plain(context.mark_price)})


def leverage_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """1 to 25 (R0.5); a position that stands at more may still be reduced."""
    numbers = {"leverage": str(context.leverage), "max": str(context.max_leverage)}
    inside = MIN_LEVERAGE <= context.leverage <= context.max_leverage
    if not inside and not reduces(intent, context):
        return _no(
            "leverage",
            ErrorCode.LEVERAGE_OUT_OF_RANGE,
            f"leverage must be {MIN_LEVERAGE} to {context.max_leverage}",
            numbers,
        )
    return _yes("leverage", numbers)


def price_gate(intent: OrderIntent, context: RiskContext) -> Verdict:
    """A limit price lies on the tick grid and inside the venue's band around the mark price."""
    instrument, mark, price = context.instrument, context.mark_price, intent.price
    if intent.order_type is not OrderType.LIMIT or instrument is None or mark is None:
        return _yes("price")
    numbers = {"price": plain(price or ZERO), "tick_size": plain(instrument.tick_size)}
    if price is None or price <= 0:
        return _no("price", ErrorCode.VALIDATION_ERROR, "a limit order needs a price", numbers)
    if not is_multiple(price, instrument.tick_size):
        detail = f"price must be a multiple of {plain(instrument.tick_size)}"
        return _no("price", ErrorCode.PRECISION_VIOLATION, detail, numbers)
    bound, outside = None, False
    if intent.side is Side.BUY and instrument.multiplier_up > 0:
        bound = mark * instrument.multiplier_up
        outside = price > bound
    elif intent.side is Side.SELL and instrument.multiplier_down > 0:
        bound = mark * instrument.multiplier_down
        outside = price < bound
    if bound is not None:
        numbers["bound"] = plain(bound)
    if outside:
        return _no(
            "price",
            ErrorCode.PRICE_OUT_OF_RANGE,
            "price is too far from the mark price",
            numbers,
        )
    return _yes("price", numbers)


def size_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """Quantity on the step grid, between the venue's minimum and maximum."""
    instrument = context.instrument
    if instrument is None:
        return _no("size", ErrorCode.SYMBOL_NOT_ALLOWED, "unknown instrument")
    market = intent.order_type is OrderType.MARKET
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
        return _no(
            "size",
            ErrorCode.MIN_QTY_VIOLATION,
            f"{plain(sized.quantity)} is below the smallest quantity {plain(least)}",
            numbers,
        )
    if not is_multiple(sized.quantity, step):
        detail = f"quantity must be a multiple of {plain(step)}"
        return _no("size", ErrorCode.PRECISION_VIOLATION, detail, numbers)
    if most > 0 and sized.quantity > most:
        detail = f"{plain(sized.quantity)} is above the largest quantity {plain(most)}"
        return _no("size", ErrorCode.MAX_QTY_VIOLATION, detail, numbers)
    return _yes("size", numbers)


def notional_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """The venue's MIN_NOTIONAL, from which reductions are exempt (binance.md §5)."""
    least = context.instrument.min_notional if context.instrument else ZERO
    numbers = {"notional": plain(sized.notional), "min": plain(least)}
    if sized.notional < least and not reduces(intent, context):
        return _no(
            "min_notional",
            ErrorCode.MIN_NOTIONAL_VIOLATION,
            f"notional {plain(sized.notional)} is below {plain(least)}",
            numbers,
        )
    return _yes("min_notional", numbers)


def balance_gate(intent: OrderIntent, context: RiskContext, sized: Sized) -> Verdict:
    """Margin of what opens, plus the fee of the whole, fits into the available balance."""
    opening = _opening_share(context, intent.side, sized.quantity)
    needed = sized.margin * opening + sized.fee
    numbers = {"needed": plain(needed)}
    if reduces(intent, context):
        return _yes("balance", numbers)
    if context.available_balance is None:
        return _no(
            "balance", ErrorCode.ACCOUNT_UNAVAILABLE, "the balance is not known yet", numbers
        )
    numbers["available"] = plain(context.available_balance)
    if needed > context.available_balance:
        return _no(
            "balance",
            ErrorCode.INSUFFICIENT_BALANCE,
            f"needs {plain(needed)}, {plain(context.available_balance)} is available",
            numbers,
        )
    return _yes("balance", numbers)


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
    held = context.position_quantity
    if intent.side is Side.BUY:
        after = held + context.pending_buy_quantity + sized.quantity
    else:
        after = held - context.pending_sell_quantity - sized.quantity
    return _limit_verdict(
        "max_position_notional",
        ErrorCode.MAX_POSITION_NOTIONAL,
        abs(after) * sized.price,
        context.max_position_notional,
        exempt=reduces(intent, context) or min(held, ZERO) <= after <= max(held, ZERO),
    )


def _limit_verdict(
    gate: str, code: ErrorCode, value: Decimal, limit: Decimal | None, *, exempt: bool
) -> Verdict:
    numbers = {"value": plain(value), "limit": plain(limit) if limit is not None else ""}
    if limit is None or exempt or value <= limit:
        return _yes(gate, numbers)
    return _no(gate, code, f"{plain(value)} is above {plain(limit)}", numbers)


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
