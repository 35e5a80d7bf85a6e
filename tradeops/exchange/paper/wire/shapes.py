"""JSON shapes of orders and trades in the Binance dialect. Source: binance.md 0.1, 4, 5."""

from typing import Any

from tradeops.exchange.paper.amounts import E8, at_scale, text
from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.ledger import QUOTE
from tradeops.exchange.paper.orders import BUY, LIMIT, NEW, Fill, Order


def order_reply(order: Order, spec: InstrumentSpec, *, is_ack: bool = False) -> dict[str, Any]:
    """Reply to placing, amending and cancelling: no avgPrice and no cumQuote since 2026-07-14.

    An acknowledgement tells nothing of what the order executed.
    """
    executed = "0" if is_ack else at_scale(order.executed, spec.step_size)
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": NEW if is_ack else order.status,
        "clientOrderId": order.client_order_id,
        "price": _price(order, spec),
        "origQty": at_scale(order.quantity, spec.step_size),
        "executedQty": executed,
        "cumQty": executed,
        "timeInForce": order.time_in_force,
        "type": order.order_type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": text(order.origin.trigger_price),
        "workingType": order.origin.working_type,
        "priceProtect": False,
        "origType": order.origin.order_type or order.order_type,
        "priceMatch": order.price_match,
        "selfTradePreventionMode": order.prevention,
        "goodTillDate": order.good_till_ms,
        "updateTime": order.updated_ms,
    }


def order_row(order: Order, spec: InstrumentSpec) -> dict[str, Any]:
    """An order as queries list it, with average price, quote volume and time."""
    row = order_reply(order, spec)
    del row["cumQty"]
    row["avgPrice"] = text(order.average_price) if order.executed else "0.00"
    row["cumQuote"] = text(order.quote)
    row["time"] = order.created_ms
    return row


def trade_row(fill: Fill) -> dict[str, Any]:
    """One execution as userTrades lists it."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side,
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "realizedPnl": text(fill.realized.quantize(E8)),
        "quoteQty": text(fill.quote),
        "baseQty": "0",
        "commission": text(fill.commission.quantize(E8)),
        "commissionAsset": QUOTE,
        "marginAsset": QUOTE,
        "pair": fill.symbol,
        "time": fill.at_ms,
        "buyer": fill.side == BUY,
        "maker": fill.is_maker,
        "positionSide": fill.position_side,
    }


def _price(order: Order, spec: InstrumentSpec) -> str:
    return at_scale(order.price, spec.tick_size) if order.order_type == LIMIT else "0.00"
