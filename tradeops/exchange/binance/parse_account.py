"""Settings, brackets and income of an account, from REST payloads. Pure."""

from collections.abc import Mapping
from typing import Any

from tradeops.domain.enums import PositionMode, PositionSide
from tradeops.exchange.binance.fields import (
    Payload,
    decimal_of,
    decimal_or_zero,
    integer_of,
    text_of,
    text_or_empty,
    time_of,
)
from tradeops.exchange.reports import IncomeReport, LeverageBracket


def position_mode(payload: Payload) -> PositionMode:
    """Read GET positionSide/dual."""
    told = str(payload["dualSidePosition"]).lower()
    if told not in {"true", "false"}:
        message = f"dualSidePosition is {told!r}"
        raise ValueError(message)
    return PositionMode.HEDGE if told == "true" else PositionMode.ONE_WAY


def leverage_brackets(payload: Any) -> list[LeverageBracket]:
    """Read leverageBracket: a list of symbols, or the one that was asked for."""
    symbols = [payload] if isinstance(payload, Mapping) else payload
    return [_bracket(symbol, row) for symbol in symbols for row in symbol["brackets"]]


def _bracket(symbol: Payload, row: Payload) -> LeverageBracket:
    return LeverageBracket(
        symbol=text_of(symbol, "symbol"),
        bracket=integer_of(row, "bracket"),
        max_leverage=integer_of(row, "initialLeverage"),
        notional_floor=decimal_of(row["notionalFloor"]),
        notional_cap=decimal_of(row["notionalCap"]),
        maintenance_rate=decimal_of(row["maintMarginRatio"]),
        deduction=decimal_or_zero(row, "cum"),
    )


def adl_quantiles(payload: Any) -> dict[tuple[str, PositionSide], int]:
    """Read adlQuantile. The key HEDGE is a sign for the venue's own pages and left out."""
    symbols = [payload] if isinstance(payload, Mapping) else payload
    return {
        (text_of(symbol, "symbol"), PositionSide(side)): integer_of(symbol["adlQuantile"], side)
        for symbol in symbols
        for side in symbol["adlQuantile"]
        if side in PositionSide.__members__
    }


def income_report(payload: Payload) -> IncomeReport:
    """Read one row of income."""
    return IncomeReport(
        kind=text_of(payload, "incomeType"),
        asset=text_of(payload, "asset"),
        amount=decimal_of(payload["income"]),
        symbol=text_or_empty(payload, "symbol"),
        transaction_id=text_of(payload, "tranId"),
        booked_at=time_of(payload, "time"),
        trade_id=text_or_empty(payload, "tradeId"),
    )
