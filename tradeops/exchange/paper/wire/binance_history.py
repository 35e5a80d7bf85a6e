"""History endpoints of the Binance dialect: candles, day statistics, funding, interest. Pure."""

from decimal import Decimal
from typing import Any

from tradeops.exchange.paper.amounts import E8, ZERO, at_scale, ratio8, text
from tradeops.exchange.paper.candles import DAY_MS, INTERVALS_MS, Candle, CandleSeries
from tradeops.exchange.paper.venue import SymbolState
from tradeops.exchange.paper.wire.calls import Call, ParamError
from tradeops.exchange.paper.wire.errors import WireError

DEFAULT_CANDLES = 500
MAX_CANDLES = 1_500
DEFAULT_FUNDINGS = 100
MAX_FUNDINGS = 1_000
BAD_INTERVAL = WireError(-1120, "Invalid interval.")
PERCENT = Decimal("0.001")


def get_klines(call: Call) -> Any:
    """GET /fapi/v1/klines: the newest, or from startTime upwards."""
    return _candles(call, call.venue.symbols[call.symbol()].candles)


def get_mark_klines(call: Call) -> Any:
    """GET /fapi/v1/markPriceKlines: candles of the mark price, without volumes."""
    rows = _candles(call, call.venue.symbols[call.symbol()].mark_candles)
    for row in rows:
        row[5] = row[7] = row[9] = row[10] = "0"
    return rows


def _candles(call: Call, series: CandleSeries) -> list[list[Any]]:
    interval = call.text("interval")
    if interval not in INTERVALS_MS:
        raise ParamError(BAD_INTERVAL)
    limit = min(call.integer("limit", DEFAULT_CANDLES), MAX_CANDLES)
    start, end = call.integer("startTime", 0), call.integer("endTime", call.now_ms)
    length = INTERVALS_MS[interval]
    rows = [c for c in series.of_interval(length) if start <= c.open_ms <= end]
    return [_row(c, length) for c in (rows[:limit] if start else rows[-limit:])]


def get_day_ticker(call: Call) -> Any:
    """GET /fapi/v1/ticker/24hr, of one symbol or all."""
    symbol = call.optional_symbol()
    if symbol is not None:
        return _day_row(call.venue.symbols[symbol], call.now_ms)
    return [_day_row(state, call.now_ms) for state in call.venue.symbols.values()]


def get_funding_rates(call: Call) -> Any:
    """GET /fapi/v1/fundingRate: fundings this venue has applied, oldest first."""
    wanted = call.optional_symbol()
    limit = min(call.integer("limit", DEFAULT_FUNDINGS), MAX_FUNDINGS)
    start, end = call.integer("startTime", 0), call.integer("endTime", call.now_ms)
    rows = [
        {
            "symbol": symbol,
            "fundingTime": at_ms,
            "fundingRate": at_scale(rate, E8),
            "markPrice": at_scale(mark, E8),
        }
        for symbol, state in call.venue.symbols.items()
        if wanted in (None, symbol)
        for at_ms, rate, mark in state.fundings
        if start <= at_ms <= end
    ]
    rows.sort(key=lambda row: int(str(row["fundingTime"])))
    return rows[:limit] if start else rows[-limit:]


def get_open_interest(call: Call) -> Any:
    """GET /fapi/v1/openInterest: what the venue's own accounts hold long."""
    symbol = call.symbol()
    held = [
        position.amount
        for member in call.venue.members.values()
        for position in member.account.open_positions(symbol)
        if position.amount > 0
    ]
    total = at_scale(sum(held, ZERO), call.venue.spec(symbol).step_size)
    return {"symbol": symbol, "openInterest": total, "time": call.now_ms}


def candle_body(candle: Candle, symbol: str, interval: str, now_ms: int) -> dict[str, Any]:
    """The `k` object of a kline frame."""
    close_ms = candle.open_ms + INTERVALS_MS[interval] - 1
    return {
        "t": candle.open_ms,
        "T": close_ms,
        "s": symbol,
        "i": interval,
        "f": candle.first_id,
        "L": candle.last_id,
        "o": text(candle.open),
        "c": text(candle.close),
        "h": text(candle.high),
        "l": text(candle.low),
        "v": text(candle.volume),
        "n": candle.trades,
        "x": now_ms > close_ms,
        "q": text(candle.quote),
        "V": text(candle.taker_volume),
        "Q": text(candle.taker_quote),
        "B": "0",
    }


def _row(candle: Candle, length_ms: int) -> list[Any]:
    return [
        candle.open_ms,
        text(candle.open),
        text(candle.high),
        text(candle.low),
        text(candle.close),
        text(candle.volume),
        candle.open_ms + length_ms - 1,
        text(candle.quote),
        candle.trades,
        text(candle.taker_volume),
        text(candle.taker_quote),
        "0",
    ]


def _day_row(state: SymbolState, now_ms: int) -> dict[str, Any]:
    last = state.last_price
    day = state.candles.since(now_ms - DAY_MS)
    if day is None:
        day = Candle(now_ms, last, last, last, last, 0, 0)
    change = last - day.open
    prints = state.prints
    return {
        "symbol": state.spec.symbol,
        "priceChange": text(change),
        "priceChangePercent": at_scale(change * 100 / day.open, PERCENT),
        "weightedAvgPrice": text(ratio8(day.quote, day.volume)) if day.volume else text(last),
        "lastPrice": text(last),
        "lastQty": text(prints[-1].quantity) if prints else "0",
        "openPrice": text(day.open),
        "highPrice": text(day.high),
        "lowPrice": text(day.low),
        "volume": text(day.volume),
        "quoteVolume": text(day.quote),
        "openTime": day.open_ms,
        "closeTime": now_ms,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.trades,
    }
