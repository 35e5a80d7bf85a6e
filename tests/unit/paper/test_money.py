"""Wallets, positions, margin, liquidation and funding of the paper venue, to the last digit."""

from decimal import Decimal

import pytest

from tests.unit.paper.trader import BTC, START_MS, Bench, Trader, market
from tradeops.exchange.paper.amounts import weighted_entry
from tradeops.exchange.paper.events import AccountChanged, OrderChanged
from tradeops.exchange.paper.margin import liquidation_price

D = Decimal
HOUR_MS = 3_600_000
LEVERAGE = "/fapi/v1/leverage"
MARGIN_TYPE = "/fapi/v1/marginType"
POSITION_MARGIN = "/fapi/v1/positionMargin"


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def trader(bench: Bench) -> Trader:
    return bench.trader()


def wallet(bench: Bench) -> Decimal:
    return bench.member().account.wallet


def risk(trader: Trader) -> dict[str, str]:
    rows: list[dict[str, str]] = trader.ok("GET", "/fapi/v3/positionRisk", symbol=BTC)
    return rows[0]


def test_entry_price_is_averaged_half_even_to_eight_decimals() -> None:
    assert weighted_entry(D("1"), D("1"), D("2"), D("2")) == D("1.66666667")
    assert weighted_entry(D("0.00000001"), D("1"), D("0.00000002"), D("1")) == D("0.00000002")
    assert weighted_entry(D("0.00000002"), D("1"), D("0.00000003"), D("1")) == D("0.00000002")


def test_round_trip_books_profit_and_both_commissions(bench: Bench, trader: Trader) -> None:
    trader.market("BUY", "0.010")
    bench.price("61000")
    trader.market("SELL", "0.010")

    first, second = bench.member().fills
    assert (first.commission, first.realized) == (D("0.30000050"), D("0E-8"))
    assert (second.commission, second.realized) == (D("0.30500000"), D("9.99900000"))
    assert wallet(bench) == D("10000") - D("0.3000005") - D("0.305") + D("9.999")
    assert trader.position() == 0


def test_decrease_keeps_the_entry_and_a_flip_takes_the_fill_price(
    bench: Bench, trader: Trader
) -> None:
    trader.market("SELL", "0.020")
    bench.price("59000")
    trader.market("BUY", "0.005")
    position = bench.member().account.position(BTC)
    assert (position.amount, position.entry) == (D("-0.015"), D("60000"))

    trader.market("BUY", "0.020")

    assert (position.amount, position.entry) == (D("0.005"), D("59000.10"))
    assert bench.member().fills[-1].realized == D("14.99850000")


def test_maker_pays_the_maker_rate(bench: Bench, trader: Trader) -> None:
    trader.limit("BUY", "0.010", "59000")

    bench.price("58000")

    (fill,) = bench.member().fills
    assert (fill.is_maker, fill.price, fill.commission) == (True, D("59000"), D("0.11800000"))


def test_hedge_mode_holds_both_sides_and_refuses_to_overclose(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    trader.market("BUY", "0.010", positionSide="LONG")
    trader.market("SELL", "0.020", positionSide="SHORT")

    rows = trader.ok("GET", "/fapi/v3/positionRisk", symbol=BTC)
    over = trader.code("POST", "/fapi/v1/order", **market("SELL", "0.011", positionSide="LONG"))
    reduce_only = market("SELL", "0.010", positionSide="LONG", reduceOnly="true")

    assert {r["positionSide"]: r["positionAmt"] for r in rows} == {
        "LONG": "0.010",
        "SHORT": "-0.020",
    }
    assert over == -2022
    assert trader.code("POST", "/fapi/v1/order", **reduce_only) == -1106
    assert trader.code("POST", "/fapi/v1/order", **market("BUY", "0.010")) == -4061
    trader.market("SELL", "0.010", positionSide="LONG")
    assert bench.member().account.position(BTC, "LONG").amount == 0


def test_position_mode_cannot_change_with_position_or_order(trader: Trader) -> None:
    path = "/fapi/v1/positionSide/dual"
    assert trader.code("POST", path, dualSidePosition="false") == -4059
    trader.limit("BUY", "0.010", "59000")
    assert trader.code("POST", path, dualSidePosition="true") == -4067
    trader.ok("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    trader.market("BUY", "0.010")
    assert trader.code("POST", path, dualSidePosition="true") == -4068


@pytest.mark.parametrize(("quantity", "accepted"), [("1.666", True), ("1.667", False)])
def test_margin_admits_orders_up_to_the_available_balance(
    bench: Bench, trader: Trader, quantity: str, *, accepted: bool
) -> None:
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=10)

    reply = trader.send("POST", "/fapi/v1/order", **market("BUY", quantity))

    assert (reply.status == 200) is accepted
    assert accepted or reply.body["code"] == -2019


def test_resting_orders_use_margin_but_opposite_ones_do_not_add_up(
    bench: Bench, trader: Trader
) -> None:
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=10)
    trader.limit("BUY", "1", "59000")
    trader.limit("SELL", "0.900", "61000")

    account = trader.ok("GET", "/fapi/v3/account")

    assert account["totalOpenOrderInitialMargin"] == "5900.00000000"
    assert account["availableBalance"] == "4100.00000000"


def test_leverage_is_bounded_by_the_first_bracket_and_told_on_the_stream(
    bench: Bench, trader: Trader
) -> None:
    assert trader.code("POST", LEVERAGE, symbol=BTC, leverage=126) == -4028
    assert trader.code("POST", LEVERAGE, symbol=BTC, leverage=0) == -4028
    bench.frames()

    reply = trader.ok("POST", LEVERAGE, symbol=BTC, leverage=125)

    assert reply == {"leverage": 125, "maxNotionalValue": "50000", "symbol": BTC}
    (frame,) = bench.frames()
    assert frame.payload["ac"] == {"s": BTC, "l": 125}
    assert trader.code("POST", "/fapi/v1/order", **market("BUY", "0.900")) == -2027


def test_margin_type_needs_a_flat_symbol(trader: Trader) -> None:
    trader.ok("POST", MARGIN_TYPE, symbol=BTC, marginType="ISOLATED")
    assert trader.code("POST", MARGIN_TYPE, symbol=BTC, marginType="ISOLATED") == -4046
    trader.limit("BUY", "0.010", "59000")
    assert trader.code("POST", MARGIN_TYPE, symbol=BTC, marginType="CROSSED") == -4047
    trader.ok("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    stop = {"algoType": "CONDITIONAL", "side": "BUY", "type": "STOP_MARKET", "quantity": "0.010"}
    trader.ok("POST", "/fapi/v1/algoOrder", symbol=BTC, triggerPrice="61000", **stop)
    assert trader.code("POST", MARGIN_TYPE, symbol=BTC, marginType="CROSSED") == -4047
    assert trader.code("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true") == -4067
    trader.ok("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)
    trader.market("BUY", "0.010")
    assert trader.code("POST", MARGIN_TYPE, symbol=BTC, marginType="CROSSED") == -4048


def test_isolated_position_holds_its_margin_and_gives_its_share_back(
    bench: Bench, trader: Trader
) -> None:
    trader.ok("POST", MARGIN_TYPE, symbol=BTC, marginType="ISOLATED")
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=10)
    trader.market("BUY", "0.010")
    assert risk(trader)["isolatedWallet"] == "60.00010000"
    assert trader.code("POST", LEVERAGE, symbol=BTC, leverage=5) == -4161

    trader.ok("POST", POSITION_MARGIN, symbol=BTC, amount="40", type=1)
    assert trader.code("POST", POSITION_MARGIN, symbol=BTC, amount="41", type=2) == -4051
    assert trader.code("POST", POSITION_MARGIN, symbol=BTC, amount="99999", type=1) == -4050
    trader.market("SELL", "0.005")

    assert risk(trader)["isolatedWallet"] == "50.00005000"
    (move,) = trader.ok("GET", f"{POSITION_MARGIN}/history", symbol=BTC)
    assert (move["type"], move["amount"], move["asset"]) == (1, "40.00000000", "USDT")
    assert trader.ok("GET", f"{POSITION_MARGIN}/history", symbol=BTC, type=2) == []
    account = bench.member().account
    assert account.cross_wallet == account.wallet - D("50.00005000")


def test_cross_liquidation_strikes_at_the_price_that_was_announced(
    bench: Bench, trader: Trader
) -> None:
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=20)
    trader.market("BUY", "3")
    resting = trader.limit("BUY", "0.010", "52000")["orderId"]
    announced = D(risk(trader)["liquidationPrice"])
    bench.frames()

    bench.price(str(announced.quantize(D("0.1")) + D("0.2")))
    assert trader.position() == 3
    bench.price(str(announced.quantize(D("0.1")) - D("0.2")))

    assert trader.position() == 0
    assert trader.order(resting)["status"] == "EXPIRED"
    liquidation = bench.member().books.by_id[bench.member().fills[-1].order_id]
    assert liquidation.client_order_id.startswith("autoclose-")
    executions = [
        f.payload["o"]["x"]
        for f in bench.frames()
        if f.event == "ORDER_TRADE_UPDATE" and f.payload["o"]["i"] == liquidation.order_id
    ]
    assert executions == ["CALCULATED", "CALCULATED"]
    assert wallet(bench) >= 0


def test_crash_beyond_the_margin_leaves_an_empty_wallet_not_a_debt(
    bench: Bench, trader: Trader
) -> None:
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=20)
    trader.market("BUY", "3")

    bench.price("40000")

    account = bench.member().account
    assert account.wallet == 0
    kinds = {entry.income_type for entry in account.incomes}
    assert "INSURANCE_CLEAR" in kinds
    assert account.wallet == (
        account.opening + account.realized - account.commission + account.transfers
    )


def test_isolated_liquidation_costs_only_the_isolated_margin(bench: Bench, trader: Trader) -> None:
    trader.ok("POST", MARGIN_TYPE, symbol=BTC, marginType="ISOLATED")
    trader.ok("POST", LEVERAGE, symbol=BTC, leverage=20)
    trader.market("SELL", "0.100")
    held = bench.member().account.position(BTC).isolated_wallet
    before = wallet(bench)

    bench.price("70000")

    assert trader.position() == 0
    assert wallet(bench) == before - held
    assert bench.member().account.isolated_total == 0


def test_account_that_holds_nothing_is_untouched_by_a_crash(bench: Bench) -> None:
    bench.price("30000")

    assert bench.member("b").account.incomes == []


def test_liquidation_price_of_a_short_lies_above_its_entry(bench: Bench, trader: Trader) -> None:
    trader.market("SELL", "1")
    account = bench.member().account

    price = liquidation_price(account, account.position(BTC), bench.venue.mark, bench.venue.spec)

    assert D("69000") < price < D("70000")


def test_funding_is_paid_every_eight_hours_by_longs_to_shorts(bench: Bench) -> None:
    bench.trader("a").market("BUY", "0.100")
    bench.trader("b").market("SELL", "0.100")
    bench.frames()

    bench.later(6 * HOUR_MS - 1)
    assert bench.member("a").account.funding == 0
    bench.later(1)
    bench.later(1)

    assert START_MS % (8 * HOUR_MS) == 2 * HOUR_MS
    assert bench.member("a").account.funding == D("-0.60000000")
    assert bench.member("b").account.funding == D("0.60000000")
    frame = next(f for f in bench.frames() if f.account == "a")
    assert frame.payload["a"]["m"] == "FUNDING_FEE"
    assert frame.payload["a"]["B"][0]["bc"] == "-0.60000000"
    assert frame.payload["a"]["P"] == []


def test_income_lists_profit_commission_and_funding(bench: Bench, trader: Trader) -> None:
    trader.market("BUY", "0.100")
    bench.later(6 * HOUR_MS)
    bench.price("61000")
    trader.market("SELL", "0.100")

    rows = trader.ok("GET", "/fapi/v1/income")
    only = trader.ok("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")

    assert [r["incomeType"] for r in rows] == [
        "COMMISSION",
        "FUNDING_FEE",
        "REALIZED_PNL",
        "COMMISSION",
    ]
    assert [r["income"] for r in only] == ["-0.60000000"]
    assert sum(D(r["income"]) for r in rows) == wallet(bench) - 10000


def test_a_fill_is_told_as_order_then_account(bench: Bench, trader: Trader) -> None:
    trader.market("BUY", "0.010")

    told = [type(e) for e in bench.venue.outbox if isinstance(e, OrderChanged | AccountChanged)]

    assert told == [OrderChanged, OrderChanged, AccountChanged]
