"""Stream frames of the Binance dialect, made from the venue's facts. Pure. Source: binance.md 4."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from tradeops.exchange.paper.amounts import E8, ZERO, at_scale, text
from tradeops.exchange.paper.events import (
    AccountChanged,
    AlgoChanged,
    LeverageChanged,
    Liquidated,
    MarginCalled,
    OrderChanged,
    PositionFact,
    Printed,
    VenueEvent,
)
from tradeops.exchange.paper.ledger import QUOTE
from tradeops.exchange.paper.orders import LIMIT, Order
from tradeops.exchange.paper.upkeep import next_funding_ms
from tradeops.exchange.paper.venue import SymbolState
from tradeops.exchange.paper.wire.binance_algo import algo_update
from tradeops.exchange.paper.wire.binance_market import agg_trade, best_quote


@dataclass(frozen=True, slots=True)
class Frame:
    """One stream message: for the sockets of `account` or, when that is empty, of `stream`."""

    account: str
    stream: str
    event: str
    payload: Any


def frames_of(events: Iterable[VenueEvent], wanted: Container[str]) -> list[Frame]:
    """Turn facts into frames in their order. Market frames are made only for `wanted` streams."""
    frames: list[Frame] = []
    for event in events:
        if isinstance(event, Printed):
            frames += _prints(event, wanted)
        elif isinstance(event, OrderChanged):
            if event.fill is not None:
                frames.append(_user(event.account, trade_lite(event)))
            frames.append(_user(event.account, order_update(event)))
        elif isinstance(event, AccountChanged):
            frames.append(_user(event.account, account_update(event)))
        elif isinstance(event, AlgoChanged):
            frames.append(_user(event.algo.account, algo_update(event)))
        elif isinstance(event, LeverageChanged):
            frames.append(_user(event.account, _config_update(event)))
        elif isinstance(event, MarginCalled):
            frames.append(_user(event.account, _margin_call(event)))
        else:
            frames += _force_orders(event, wanted)
    return frames


def listen_key_expired(account: str, key: str, now_ms: int) -> Frame:
    """The last frame of a listen key."""
    return _user(account, {"e": "listenKeyExpired", "E": now_ms, "listenKey": key})


def order_update(event: OrderChanged) -> dict[str, Any]:
    """ORDER_TRADE_UPDATE; N and n are absent without a fill."""
    order, fill = event.order, event.fill
    body: dict[str, Any] = {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side,
        "o": order.order_type,
        "f": order.time_in_force,
        "q": text(order.quantity),
        "p": _price(order),
        "ap": text(order.average_price),
        "sp": text(order.origin.trigger_price),
        "x": event.execution,
        "X": order.status,
        "i": order.order_id,
        "l": text(fill.quantity) if fill else "0",
        "z": text(order.executed),
        "L": text(fill.price) if fill else "0",
        "T": event.at_ms,
        "t": fill.trade_id if fill else 0,
        "b": text(event.bid_notional),
        "a": text(event.ask_notional),
        "m": fill.is_maker if fill else False,
        "R": order.reduce_only,
        "wt": order.origin.working_type,
        "ot": order.origin.order_type or order.order_type,
        "ps": order.position_side,
        "cp": order.close_position,
        "AP": "0",
        "cr": "0",
        "rp": at_scale(fill.realized, E8) if fill else "0",
        "pP": False,
        "si": 0,
        "ss": 0,
        "V": order.prevention,
        "pm": order.price_match,
        "gtd": order.good_till_ms,
        "er": str(order.expiry_reason),
    }
    if fill is not None:
        body["N"] = QUOTE
        body["n"] = at_scale(fill.commission, E8)
    return {"e": "ORDER_TRADE_UPDATE", "T": event.at_ms, "E": event.at_ms, "o": body}


def trade_lite(event: OrderChanged) -> dict[str, Any]:
    """TRADE_LITE, which comes before the order update of the same fill."""
    order, fill = event.order, event.fill
    if fill is None:
        raise ValueError("TRADE_LITE needs a fill")
    return {
        "e": "TRADE_LITE",
        "E": event.at_ms,
        "T": event.at_ms,
        "s": order.symbol,
        "q": text(order.quantity),
        "p": _price(order),
        "m": fill.is_maker,
        "c": order.client_order_id,
        "S": order.side,
        "L": text(fill.price),
        "l": text(fill.quantity),
        "t": fill.trade_id,
        "i": order.order_id,
    }


def account_update(event: AccountChanged) -> dict[str, Any]:
    """ACCOUNT_UPDATE with only what changed."""
    balances = [
        {
            "a": QUOTE,
            "wb": at_scale(event.wallet, E8),
            "cw": at_scale(event.cross_wallet, E8),
            "bc": at_scale(event.change, E8) if event.change else "0",
        }
    ]
    body: dict[str, Any] = {
        "m": event.reason,
        "B": balances if event.has_balance else [],
        "P": [_position(fact) for fact in event.positions],
    }
    if event.symbol:
        body["S"] = event.symbol
    return {"e": "ACCOUNT_UPDATE", "T": event.at_ms, "E": event.at_ms, "a": body}


def mark_price(state: SymbolState, now_ms: int) -> dict[str, Any]:
    """markPriceUpdate of one symbol."""
    return {
        "e": "markPriceUpdate",
        "E": now_ms,
        "s": state.spec.symbol,
        "p": at_scale(state.mark, E8),
        "ap": at_scale(state.mark, E8),
        "i": at_scale(state.index, E8),
        "P": at_scale(state.index, E8),
        "r": at_scale(state.funding_rate, E8),
        "T": next_funding_ms(now_ms),
        "st": 1,
    }


def book_ticker(state: SymbolState, now_ms: int) -> dict[str, Any]:
    """bookTicker of one symbol."""
    bid, bid_quantity, ask, ask_quantity = best_quote(state, now_ms)
    return {
        "e": "bookTicker",
        "u": state.book.update_id,
        "E": now_ms,
        "T": now_ms,
        "s": state.spec.symbol,
        "ps": state.spec.symbol,
        "b": bid,
        "B": bid_quantity,
        "a": ask,
        "A": ask_quantity,
        "st": 1,
    }


def depth_update(
    state: SymbolState,
    *,
    first_id: int,
    last_id: int,
    previous_id: int,
    now_ms: int,
    bids: list[list[str]],
    asks: list[list[str]],
) -> dict[str, Any]:
    """depthUpdate of one symbol."""
    return {
        "e": "depthUpdate",
        "E": now_ms,
        "T": now_ms,
        "s": state.spec.symbol,
        "U": first_id,
        "u": last_id,
        "pu": previous_id,
        "b": bids,
        "a": asks,
        "ps": state.spec.symbol,
        "st": 1,
    }


def _user(account: str, payload: dict[str, Any]) -> Frame:
    return Frame(account, "", payload["e"], payload)


def _prints(event: Printed, wanted: Container[str]) -> list[Frame]:
    name, frames = event.symbol.lower(), []
    if (stream := f"{name}@aggTrade") in wanted:
        head = {"e": "aggTrade", "E": event.at_ms, "s": event.symbol}
        frames.append(Frame("", stream, "aggTrade", head | agg_trade(event) | {"st": 1}))
    if (stream := f"{name}@trade") in wanted:
        payload = {
            "e": "trade",
            "E": event.at_ms,
            "T": event.at_ms,
            "s": event.symbol,
            "t": event.trade_id,
            "p": text(event.price),
            "q": text(event.quantity),
            "X": "MARKET",
            "m": event.buyer_is_maker,
        }
        frames.append(Frame("", stream, "trade", payload))
    return frames


def _force_orders(event: Liquidated, wanted: Container[str]) -> list[Frame]:
    order = event.order
    quantity, price = text(order.executed), text(order.average_price)
    body = {
        "s": order.symbol, "S": order.side, "o": order.order_type, "f": order.time_in_force,
        "q": text(order.quantity), "p": text(order.price), "ap": price, "X": order.status,
        "l": quantity, "z": quantity, "T": event.at_ms,
    }  # fmt: skip
    payload = {"e": "forceOrder", "E": event.at_ms, "o": body}
    streams = (f"{order.symbol.lower()}@forceOrder", "!forceOrder@arr")
    return [Frame("", stream, "forceOrder", payload) for stream in streams if stream in wanted]


def _config_update(event: LeverageChanged) -> dict[str, Any]:
    body = {"s": event.symbol, "l": event.leverage}
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": event.at_ms, "T": event.at_ms, "ac": body}


def _margin_call(event: MarginCalled) -> dict[str, Any]:
    rows = [
        {
            "s": fact.symbol,
            "ps": fact.position_side,
            "pa": text(fact.amount),
            "mt": "ISOLATED" if fact.is_isolated else "CROSSED",
            "iw": at_scale(fact.isolated_wallet, E8),
            "mp": at_scale(mark, E8),
            "up": at_scale(fact.unrealized, E8),
            "mm": at_scale(keep, E8),
        }
        for fact, mark, keep in event.positions
    ]
    return {"e": "MARGIN_CALL", "E": event.at_ms, "cw": at_scale(event.cross_wallet, E8), "p": rows}


def _position(fact: PositionFact) -> dict[str, Any]:
    return {
        "s": fact.symbol,
        "pa": text(fact.amount),
        "ep": text(fact.entry),
        "bep": text(fact.break_even),
        "cr": at_scale(fact.realized, E8),
        "up": at_scale(fact.unrealized, E8),
        "mt": "isolated" if fact.is_isolated else "cross",
        "iw": at_scale(fact.isolated_wallet, E8),
        "ps": fact.position_side,
        "ma": QUOTE,
    }


def _price(order: Order) -> str:
    return text(order.price if order.order_type == LIMIT else ZERO)
