"""What would happen to an order: same context, same gates, nothing written (R-beyond 5)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts.models import ExchangeAccount
from orders.domain.validation import fault_of
from positions.domain.margin import estimated_liquidation_price
from risk.domain.context import RiskContext, Sized
from risk.domain.gates import decide
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import Side
from tradeops.domain.errors import ErrorCode
from tradeops.domain.money import PRECISION, plain
from tradeops.engine.brackets import shared_brackets
from tradeops.engine.context import intent_of, risk_context
from tradeops.market import cache


def preview_order(*, account_id: int, command: PlaceOrder, now: datetime) -> dict[str, Any]:
    """Size, cost, estimated liquidation price and every gate's verdict; JSON-ready, money as text.

    Raises ExchangeAccount.DoesNotExist. A mark price that is older than 2 s is used all the same:
    the order itself will fetch a fresh one.
    """
    account = ExchangeAccount.objects.get(pk=account_id)
    mark = cache.fresh_mark(command.symbol, now=now) or cache.marks([command.symbol]).get(
        command.symbol
    )
    context = risk_context(
        account,
        command,
        mark_price=mark.mark_price if mark else None,
        brackets=shared_brackets(account_id, [command.symbol]).get(command.symbol, ()),
    )
    decision = decide(intent_of(command), context)
    refusal = decision.refusal
    sized = decision.sized
    fault = fault_of(command, now=now)
    code = ErrorCode.VALIDATION_ERROR if fault else refusal.code if refusal else None
    detail = fault.detail if fault else refusal.detail if refusal else ""
    return {
        "accepted": fault is None and refusal is None and sized is not None,
        "code": code.value if code else "",
        "detail": detail,
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
    """Of the order alone, isolated with its margin: an estimate."""
    if sized is None or sized.quantity <= 0 or context.position_quantity != 0:
        return None
    price = estimated_liquidation_price(
        side.sign * sized.quantity,
        sized.price,
        collateral=PRECISION.divide(sized.notional, Decimal(context.leverage)),
        brackets=context.brackets,
    )
    return plain(price) if price is not None else "0"
