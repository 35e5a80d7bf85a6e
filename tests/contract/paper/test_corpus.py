"""Shapes: what the venue answers has every field of the published samples, of the same kind."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.paper.trader import BTC, Bench
from tradeops.exchange.paper.forced import Cause, close_by_venue

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus" / "binance"
pytestmark = pytest.mark.skipif(
    not CORPUS.is_dir(), reason="the corpus is not beside the repository"
)

# Fields that samples show for other order types, or that the venue itself dropped (binance.md 0.1).
ABSENT = {"activatePrice", "priceRate", "isAutoAddMargin", "notionalCoef"}
ORDER = "/fapi/v1/order"


def sample(name: str) -> Any:
    """A published sample; one-item lists stand for their item, as do stream wrappers."""
    body = json.loads((CORPUS / name).read_text())
    body = body[0] if isinstance(body, list) else body
    return body.get("data", body)


def check(ours: Any, published: Any, where: str) -> None:
    """Compare field names and kinds of value; lists are compared by their first items."""
    if isinstance(published, dict):
        assert isinstance(ours, dict), where
        missing = set(published) - set(ours) - ABSENT
        assert not missing, f"{where}: {sorted(missing)}"
        for name in set(published) & set(ours):
            check(ours[name], published[name], f"{where}.{name}")
    elif isinstance(published, list):
        assert isinstance(ours, list), where
        if ours and published:
            check(ours[0], published[0], f"{where}[0]")
    elif published is not None:
        assert _kind(ours) == _kind(published), f"{where}: {ours!r} against {published!r}"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    return "number" if isinstance(value, int | float) else type(value).__name__


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    trader = made.trader()
    trader.market("BUY", "0.010")
    trader.limit("BUY", "0.010", "59000", newClientOrderId="resting")
    return made


def first(body: Any) -> Any:
    return body[0] if isinstance(body, list) else body


STOP = {
    "algoType": "CONDITIONAL",
    "symbol": BTC,
    "side": "SELL",
    "type": "STOP_MARKET",
    "triggerPrice": "59000",
    "quantity": "0.010",
}

ALGO = "/fapi/v1/algoOrder"


def _placed_stop(bench: Bench) -> Any:
    return bench.trader().ok("POST", ALGO, **STOP)


def _deleveraged(bench: Bench, path: str) -> Any:
    member = bench.member()
    position = member.account.position(BTC)
    close_by_venue(bench.venue, member, position, Cause.DELEVERAGING, now_ms=bench.now_ms)
    return bench.trader().ok("GET", path)


def _margin_moved(bench: Bench) -> Any:
    trader = bench.trader()
    bench.price("3000", "ETHUSDT")
    trader.ok("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED")
    trader.market("BUY", "0.100", symbol="ETHUSDT")
    trader.ok("POST", "/fapi/v1/positionMargin", symbol="ETHUSDT", amount="5", type=1)
    return trader.ok("GET", "/fapi/v1/positionMargin/history", symbol="ETHUSDT")


REST: dict[str, Callable[[Bench], Any]] = {
    "new_order": lambda b: b.trader().limit("BUY", "0.010", "58000"),
    "query_order": lambda b: b.trader().ok("GET", ORDER, symbol=BTC, origClientOrderId="resting"),
    "cancel_order": lambda b: b.trader().ok(
        "DELETE", ORDER, symbol=BTC, origClientOrderId="resting"
    ),
    "all_orders": lambda b: b.trader().ok("GET", "/fapi/v1/allOrders", symbol=BTC),
    "current_all_open_orders": lambda b: b.trader().ok("GET", "/fapi/v1/openOrders", symbol=BTC),
    "account_trade_list": lambda b: b.trader().ok("GET", "/fapi/v1/userTrades", symbol=BTC),
    "position_information_v2": lambda b: b.trader().ok("GET", "/fapi/v2/positionRisk", symbol=BTC),
    "position_information_v3": lambda b: b.trader().ok("GET", "/fapi/v3/positionRisk", symbol=BTC),
    "account_information_v2": lambda b: b.trader().ok("GET", "/fapi/v2/account"),
    "account_information_v3": lambda b: b.trader().ok("GET", "/fapi/v3/account"),
    "futures_account_balance_v2": lambda b: b.trader().ok("GET", "/fapi/v2/balance"),
    "futures_account_configuration": lambda b: b.trader().ok("GET", "/fapi/v1/accountConfig"),
    "symbol_configuration": lambda b: b.trader().ok("GET", "/fapi/v1/symbolConfig", symbol=BTC),
    "change_initial_leverage": lambda b: b.trader().ok(
        "POST", "/fapi/v1/leverage", symbol=BTC, leverage=10
    ),
    "user_commission_rate": lambda b: b.trader().ok("GET", "/fapi/v1/commissionRate", symbol=BTC),
    "query_user_rate_limit": lambda b: b.trader().ok("GET", "/fapi/v1/rateLimit/order"),
    "get_income_history": lambda b: b.trader().ok("GET", "/fapi/v1/income"),
    "start_user_data_stream": lambda b: b.trader().ok("POST", "/fapi/v1/listenKey"),
    "get_current_position_mode": lambda b: b.trader().ok("GET", "/fapi/v1/positionSide/dual"),
    "auto_cancel_all_open_orders": lambda b: b.trader().ok(
        "POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=1_000
    ),
    "new_algo_order": lambda b: b.trader().ok("POST", "/fapi/v1/algoOrder", **STOP),
    "query_algo_order": lambda b: b.trader().ok("GET", ALGO, algoId=_placed_stop(b)["algoId"]),
    "current_all_algo_open_orders": lambda b: [
        _placed_stop(b),
        b.trader().ok("GET", "/fapi/v1/openAlgoOrders"),
    ][1],
    "query_all_algo_orders": lambda b: [
        _placed_stop(b),
        b.trader().ok("GET", "/fapi/v1/allAlgoOrders", symbol=BTC),
    ][1],
    "cancel_algo_order": lambda b: b.trader().ok("DELETE", ALGO, algoId=_placed_stop(b)["algoId"]),
    "cancel_all_algo_open_orders": lambda b: b.trader().ok(
        "DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC
    ),
    "modify_order": lambda b: b.trader().ok(
        "PUT",
        ORDER,
        symbol=BTC,
        side="BUY",
        origClientOrderId="resting",
        quantity="0.010",
        price="59001",
        modifyId=7,
    ),
    "users_force_orders": lambda b: _deleveraged(b, "/fapi/v1/forceOrders"),
    "get_position_margin_change_history": _margin_moved,
    "adl_risk": lambda b: b.trader().ok("GET", "/fapi/v1/symbolAdlRisk", symbol=BTC),
    "notional_and_leverage_brackets": lambda b: b.trader().ok("GET", "/fapi/v1/leverageBracket"),
    "position_adl_quantile_estimation": lambda b: b.trader().ok("GET", "/fapi/v1/adlQuantile"),
    "mark_price": lambda b: b.trader().ok("GET", "/fapi/v1/premiumIndex", symbol=BTC),
    "symbol_price_ticker": lambda b: b.trader().ok("GET", "/fapi/v1/ticker/price", symbol=BTC),
    "symbol_order_book_ticker": lambda b: b.trader().ok(
        "GET", "/fapi/v1/ticker/bookTicker", symbol=BTC
    ),
    "recent_trades_list": lambda b: b.trader().ok("GET", "/fapi/v1/trades", symbol=BTC),
    "compressed_aggregate_trades_list": lambda b: b.trader().ok(
        "GET", "/fapi/v1/aggTrades", symbol=BTC
    ),
    "order_book": lambda b: b.trader().ok("GET", "/fapi/v1/depth", symbol=BTC, limit=5),
    "ticker24hr_price_change_statistics": lambda b: b.trader().ok(
        "GET", "/fapi/v1/ticker/24hr", symbol=BTC
    ),
    "open_interest": lambda b: b.trader().ok("GET", "/fapi/v1/openInterest", symbol=BTC),
    "kline_candlestick_data": lambda b: b.trader().ok(
        "GET", "/fapi/v1/klines", symbol=BTC, interval="1m"
    ),
}


@pytest.mark.parametrize("name", REST)
def test_reply_has_the_fields_of_the_published_sample(bench: Bench, name: str) -> None:
    published = json.loads((CORPUS / "rest" / f"docs2026__{name}.json").read_text())
    ours = REST[name](bench)

    check(ours, published, name) if isinstance(published, list) else check(
        first(ours), published, name
    )


def test_exchange_info_has_the_fields_of_the_published_sample(bench: Bench) -> None:
    published = sample("rest/docs2026__exchange_information.json")
    # The sample merges the fields of all filters into one and lists a filter as an empty text.
    del published["symbols"][0]["filters"], published["exchangeFilters"]

    check(bench.trader().ok("GET", "/fapi/v1/exchangeInfo"), published, "exchangeInfo")


@pytest.mark.parametrize(
    ("event", "name"),
    [
        ("ORDER_TRADE_UPDATE", "ws/nautilus_rs__order_update_trade.json"),
        ("ACCOUNT_UPDATE", "ws/nautilus_rs__account_update.json"),
        ("TRADE_LITE", "ws/nautilus_rs__trade_lite.json"),
    ],
)
def test_frame_has_the_fields_of_the_captured_one(bench: Bench, event: str, name: str) -> None:
    bench.trader().market("BUY", "0.010")
    frame = [f for f in bench.frames() if f.event == event][-1]

    check(frame.payload, sample(name), event)


def test_conditional_order_frame_has_the_fields_of_the_captured_one(bench: Bench) -> None:
    bench.trader().ok("POST", "/fapi/v1/algoOrder", **STOP)
    bench.price("59000")
    frame = [f for f in bench.frames() if f.event == "ALGO_UPDATE"][-1]

    check(frame.payload, sample("ws/nautilus_rs__algo_update_new.json"), "ALGO_UPDATE")
