"""Market endpoints of the Binance dialect: rules, prices, depth, trades. Pure."""

from typing import Any

from tradeops.exchange.paper.amounts import E8, at_scale, text
from tradeops.exchange.paper.events import Printed
from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.orders import BUY, SELL
from tradeops.exchange.paper.rules import MAX_OPEN_ORDERS
from tradeops.exchange.paper.upkeep import next_funding_ms
from tradeops.exchange.paper.venue import SymbolState
from tradeops.exchange.paper.wire.calls import Call, ParamError
from tradeops.exchange.paper.wire.errors import WireError
from tradeops.exchange.paper.wire.limits import Limits

ONBOARD_MS = 1_569_398_400_000
DELIVERY_MS = 4_133_404_800_000
DEPTH_LIMITS = (5, 10, 20, 50, 100, 500, 1000)
DEFAULT_DEPTH = 500
DEFAULT_TRADES = 500
MAX_TRADES = 1_000
INTEREST_RATE = "0.00010000"


def get_ping(_call: Call) -> Any:
    """GET /fapi/v1/ping."""
    return {}


def get_time(call: Call) -> Any:
    """GET /fapi/v1/time: the venue's clock."""
    return {"serverTime": call.now_ms}


def exchange_info(specs: list[InstrumentSpec], limits: Limits, now_ms: int) -> dict[str, Any]:
    """The reply to GET /fapi/v1/exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": rate_limits(limits),
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_symbol_row(spec) for spec in specs],
    }


def rate_limits(limits: Limits) -> list[dict[str, Any]]:
    """The venue's limits as exchangeInfo lists them."""
    rows = (
        ("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_1m),
        ("ORDERS", "MINUTE", 1, limits.orders_1m),
        ("ORDERS", "SECOND", 10, limits.orders_10s),
    )
    keys = ("rateLimitType", "interval", "intervalNum", "limit")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def get_depth(call: Call) -> Any:
    """GET /fapi/v1/depth."""
    symbol, limit = call.symbol(), call.integer("limit", DEFAULT_DEPTH)
    if limit not in DEPTH_LIMITS:
        raise ParamError(WireError(-4021, f"{limit} is not valid depth limit."))
    state = call.venue.symbols[symbol]
    return {
        "lastUpdateId": state.book.update_id,
        "E": call.now_ms,
        "T": call.now_ms,
        "bids": _levels(state, BUY, limit, call.now_ms),
        "asks": _levels(state, SELL, limit, call.now_ms),
    }


def get_trades(call: Call) -> Any:
    """GET /fapi/v1/trades."""
    limit = min(call.integer("limit", DEFAULT_TRADES), MAX_TRADES)
    prints = list(call.venue.symbols[call.symbol()].prints)[-limit:]
    return [
        {
            "id": p.trade_id,
            "price": text(p.price),
            "qty": text(p.quantity),
            "quoteQty": text(p.price * p.quantity),
            "time": p.at_ms,
            "isBuyerMaker": p.buyer_is_maker,
            "isRPITrade": False,
        }
        for p in prints
    ]


def get_agg_trades(call: Call) -> Any:
    """GET /fapi/v1/aggTrades: every print is an aggregate of its own here."""
    limit = min(call.integer("limit", DEFAULT_TRADES), MAX_TRADES)
    prints = list(call.venue.symbols[call.symbol()].prints)[-limit:]
    return [agg_trade(p) for p in prints]


def agg_trade(printed: Printed) -> dict[str, Any]:
    """The fields that aggTrades replies and aggTrade frames share."""
    return {
        "a": printed.trade_id,
        "p": text(printed.price),
        "q": text(printed.quantity),
        "nq": text(printed.quantity),
        "f": printed.trade_id,
        "l": printed.trade_id,
        "T": printed.at_ms,
        "m": printed.buyer_is_maker,
    }


def get_premium_index(call: Call) -> Any:
    """GET /fapi/v1/premiumIndex, of one symbol or all."""
    return _one_or_all(call, _premium_row)


def get_ticker_price(call: Call) -> Any:
    """GET /fapi/v1/ticker/price (and v2), of one symbol or all."""
    return _one_or_all(call, _price_row)


def get_book_ticker(call: Call) -> Any:
    """GET /fapi/v1/ticker/bookTicker, of one symbol or all."""
    return _one_or_all(call, _book_row)


def best_quote(state: SymbolState, now_ms: int) -> tuple[str, str, str, str]:
    """Best bid price, its quantity, best ask price, its quantity; zeros for an empty side."""
    found: list[str] = []
    for side in (BUY, SELL):
        price = state.book.best(side)
        if price is None:
            found += ["0", "0"]
        else:
            found += [text(price), text(state.book.quantity_at(side, price, now_ms))]
    return found[0], found[1], found[2], found[3]


def _one_or_all(call: Call, row: Any) -> Any:
    symbol = call.optional_symbol()
    if symbol is not None:
        return row(call.venue.symbols[symbol], call.now_ms)
    return [row(state, call.now_ms) for state in call.venue.symbols.values()]


def _premium_row(state: SymbolState, now_ms: int) -> dict[str, Any]:
    return {
        "symbol": state.spec.symbol,
        "markPrice": at_scale(state.mark, E8),
        "indexPrice": at_scale(state.index, E8),
        "estimatedSettlePrice": at_scale(state.index, E8),
        "lastFundingRate": at_scale(state.funding_rate, E8),
        "interestRate": INTEREST_RATE,
        "nextFundingTime": next_funding_ms(now_ms),
        "time": now_ms,
    }


def _price_row(state: SymbolState, now_ms: int) -> dict[str, Any]:
    return {"symbol": state.spec.symbol, "price": text(state.last_price), "time": now_ms}


def _book_row(state: SymbolState, now_ms: int) -> dict[str, Any]:
    bid, bid_quantity, ask, ask_quantity = best_quote(state, now_ms)
    return {
        "symbol": state.spec.symbol,
        "bidPrice": bid,
        "bidQty": bid_quantity,
        "askPrice": ask,
        "askQty": ask_quantity,
        "time": now_ms,
        "lastUpdateId": state.book.update_id,
    }


def _levels(state: SymbolState, side: str, limit: int, now_ms: int) -> list[list[str]]:
    return [[text(p), text(q)] for p, q in state.book.depth(side, limit, now_ms)]


def _symbol_row(spec: InstrumentSpec) -> dict[str, Any]:
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": DELIVERY_MS,
        "onboardDate": ONBOARD_MS,
        "status": "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": spec.price_precision,
        "quantityPrecision": spec.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": text(spec.trigger_protect),
        "liquidationFee": text(spec.liquidation_fee),
        "marketTakeBound": text(spec.market_take_bound),
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(spec),
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }


def _filters(spec: InstrumentSpec) -> list[dict[str, Any]]:
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": text(spec.min_price),
            "maxPrice": text(spec.max_price),
            "tickSize": text(spec.tick_size),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": text(spec.min_qty),
            "maxQty": text(spec.max_qty),
            "stepSize": text(spec.step_size),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": text(spec.min_qty),
            "maxQty": text(spec.market_max_qty),
            "stepSize": text(spec.market_step_size),
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": MAX_OPEN_ORDERS},
        {"filterType": "MIN_NOTIONAL", "notional": text(spec.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": text(spec.multiplier_up),
            "multiplierDown": text(spec.multiplier_down),
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
