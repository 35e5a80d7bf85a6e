"""What the gates share: how they say yes and no, and what a verified exit is. Pure."""

from risk.domain.context import OrderIntent, RiskContext, Verdict
from tradeops.domain.enums import PositionSide, Side
from tradeops.domain.errors import ErrorCode

Numbers = dict[str, str]


def yes(gate: str, numbers: Numbers | None = None) -> Verdict:
    """The gate is open."""
    return Verdict(gate, passed=True, numbers=numbers or {})


def no(gate: str, code: ErrorCode, detail: str, numbers: Numbers | None = None) -> Verdict:
    """The gate refuses, with the reason and the numbers it judged by."""
    return Verdict(gate, passed=False, code=code, detail=detail, numbers=numbers or {})


def reduces(intent: OrderIntent, context: RiskContext) -> bool:
    """Whether a position of the other direction exists and the order can do nothing but shrink it.

    In hedge mode the leg itself says so: the venue lets a sale of the LONG leg open nothing.
    """
    held = context.position_quantity
    only = intent.reduce_only or intent.close_position
    if intent.position_side is not PositionSide.BOTH:
        opens = Side.BUY if intent.position_side is PositionSide.LONG else Side.SELL
        only = intent.side is not opens
    return only and held != 0 and (held > 0) == (intent.side is Side.SELL)
