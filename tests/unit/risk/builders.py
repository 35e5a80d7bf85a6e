"""Inputs of the entry rules with sensible defaults."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from risk.domain.context import OrderIntent, RiskContext
from tradeops.domain.enums import OrderType, Side
from tradeops.domain.instrument import InstrumentSpec

BTCUSDT = InstrumentSpec(
    symbol="BTCUSDT",
    base_asset="BTC",
    quote_asset="USDT",
    tick_size=Decimal("0.10"),
    step_size=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal("1000"),
    market_step_size=Decimal("0.001"),
    market_min_quantity=Decimal("0.001"),
    market_max_quantity=Decimal("120"),
    min_notional=Decimal("50"),
    multiplier_up=Decimal("1.05"),
    multiplier_down=Decimal("0.95"),
)


def context(**changes: Any) -> RiskContext:
    base = RiskContext(
        allowed_symbols=frozenset({"BTCUSDT"}),
        instrument=BTCUSDT,
        mark_price=Decimal("60000"),
        leverage=10,
        max_leverage=25,
        position_quantity=Decimal(0),
        pending_buy_quantity=Decimal(0),
        pending_sell_quantity=Decimal(0),
        available_balance=Decimal("10000"),
        taker_fee_rate=Decimal("0.0005"),
        max_order_notional=None,
        max_position_notional=None,
    )
    return replace(base, **changes)


def buy(**changes: Any) -> OrderIntent:
    base = OrderIntent(symbol="BTCUSDT", side=Side.BUY, order_type=OrderType.MARKET)
    if not {"amount", "notional", "quantity"} & changes.keys():
        changes["amount"] = Decimal("50")
    return replace(base, **changes)
