"""What would happen to an order: same context, same gates, nothing written (R-beyond 5)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import ExchangeAccount
from risk.domain.context import RiskContext, Sized
from risk.domain.gates import decide
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import Side
from tradeops.domain.money import ONE, PRECISION, plain, round_money
from tradeops.engine.context import intent_of, risk_context
from tradeops.market import cache

# Lowest bracket of BTCUSDT; the venue's own figure replaces the estimate once the position stands.
MAINTENANCE_MARGIN_RATE = Decimal("0.004")


def preview_order(*, account_id: int, command: PlaceOrder, now: datetime) -> dict[str, Any]:
    """Size, cost, estimated liquidation price and every gate's verdict; JSON-ready, money as text.

    Raises ExchangeAccount.DoesNotExist. A mark price that is older than 2 s is used all the same:
    the order itself will fetch a fresh one.
    """
    account = ExchangeAccount.objects.get(pk=account_id)
    mark = cache.fresh_mark(command.symbol, now=now) or cache.marks([command.symbol]).get(
        command.symbol
    )
    context = risk_context(account, command, mark_price=mark.mark_price if mark else None)
    decision = decide(intent_of(command), context)
    refusal = decision.refusal
    sized = decision.sized
    return {
        "accepted": refusal is None and sized is not None,
        "code": refusal.code.value if refusal and refusal.code else "",
        "detail": refusal.detail if refusal else "",
        "symbol": command.symbol,
        "side": command.side.value,
        "leverage": context.leverage,
        "quantity": plain(sized.quantity) if sized else None,
        "reference_price": plain(sized.price) if sized else None,
        "notional": plain(sized.notional) if sized else None,
        "margin": plain(sized.margin) if sized else None,
        "fee": plain(sized.fee) if sized else None,
        "liquidation_price": _liquidation_price(command.side, sized, context),
        "verdicts": [verdict.as_json() for verdict in decision.verdicts],
    }


def _liquidation_price(side: Side, sized: Sized | None, context: RiskContext) -> str | None:
    """price x (1 ∓ 1/leverage) / (1 ∓ maintenance rate): the order alone, isolated, an estimate."""
    if sized is None or sized.quantity <= 0 or context.position_quantity != 0:
        return None
    share = PRECISION.divide(ONE, Decimal(context.leverage))
    sign = side.sign
    price = PRECISION.divide(
        sized.price * (ONE - sign * share), ONE - sign * MAINTENANCE_MARGIN_RATE
    )
    return plain(round_money(max(price, Decimal(0))))
