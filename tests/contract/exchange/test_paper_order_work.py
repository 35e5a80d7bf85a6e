"""Limit orders, amendments, margin, income and dead man on the paper venue, without a loop."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.contract.exchange.trader import LIMIT, LONG, STOP, Trader, of
from tests.support.paper_in_process import START
from tradeops.domain.enums import (
    MarginMode,
    OrderStatus,
    PositionMode,
    PositionSide,
    Side,
    TimeInForce,
)
from tradeops.exchange.errors import NotFound, Rejected
from tradeops.exchange.port import AmendRequest
from tradeops.exchange.reports import FillReport
from tradeops.kit.portal import drive


def test_cancelling_all_takes_either_kind_alone(trader: Trader) -> None:
    trader.submit(LONG)
    trader.submit(STOP)
    trader.submit(LIMIT)

    trader.do(trader.port.cancel_all("BTCUSDT"))
    assert trader.do(trader.port.open_orders()) == []
    assert len(trader.do(trader.port.open_conditional_orders())) == 1
    trader.submit(replace(LIMIT, client_order_id="ae-limit-2"))
    trader.do(trader.port.cancel_all_conditional("BTCUSDT"))

    assert trader.do(trader.port.open_conditional_orders()) == []
    assert len(trader.do(trader.port.open_orders())) == 1


@pytest.mark.parametrize(
    ("time_in_force", "price", "outcome"),
    [
        (TimeInForce.GTC, 59_000, OrderStatus.ACKNOWLEDGED),
        (TimeInForce.GTC, 60_100, OrderStatus.FILLED),
        (TimeInForce.GTX, 59_000, OrderStatus.ACKNOWLEDGED),
        (TimeInForce.IOC, 60_100, OrderStatus.FILLED),
        (TimeInForce.IOC, 59_000, OrderStatus.EXPIRED),
        (TimeInForce.FOK, 60_100, OrderStatus.FILLED),
        (TimeInForce.FOK, 59_000, -5021),
        (TimeInForce.GTX, 60_100, -5022),
    ],
)
def test_limit_order_of_each_time_in_force(
    trader: Trader, time_in_force: TimeInForce, price: int, outcome: OrderStatus | int
) -> None:
    request = replace(LIMIT, price=Decimal(price), time_in_force=time_in_force)

    if not isinstance(outcome, OrderStatus):
        assert trader.refused(request) == outcome
        return
    report = trader.submit(request)
    assert (report.status, report.time_in_force) == (outcome, time_in_force)


def test_dated_limit_order_ends_at_its_date(trader: Trader) -> None:
    good_till = START + timedelta(minutes=20)

    report = trader.submit(replace(LIMIT, time_in_force=TimeInForce.GTD, good_till=good_till))

    assert report.good_till == good_till
    trader.paper.advance(1_199)
    assert trader.do(trader.port.order("BTCUSDT", "ae-limit")).status is OrderStatus.ACKNOWLEDGED
    trader.paper.advance(1)
    view = trader.do(trader.port.order("BTCUSDT", "ae-limit"))
    assert (view.status, view.good_till) == (OrderStatus.EXPIRED, good_till)


def test_amended_order_has_its_new_quantity_and_price(trader: Trader) -> None:
    trader.submit(LIMIT)
    amendment = AmendRequest(
        "BTCUSDT", "ae-limit", Side.BUY, Decimal("0.020"), Decimal(58_500), START
    )

    report = trader.do(trader.port.amend(amendment))
    again = trader.do(trader.port.amend(amendment))

    assert (report.quantity, report.price) == (Decimal("0.020"), Decimal(58_500))
    assert again.venue_order_id == report.venue_order_id
    assert (again.quantity, again.price) == (report.quantity, report.price)
    told = of(trader.paper.items(), "ae-limit")
    assert (told[-1].quantity, told[-1].price) == (Decimal("0.020"), Decimal(58_500))
    with pytest.raises(NotFound):
        trader.do(trader.port.amend(replace(amendment, client_order_id="ae-none")))


def test_isolated_margin_is_added_and_taken_out_again(trader: Trader) -> None:
    trader.do(trader.port.set_margin_mode("BTCUSDT", MarginMode.ISOLATED))
    trader.submit(LONG)
    (before,) = trader.do(trader.port.positions())

    trader.do(trader.port.change_isolated_margin("BTCUSDT", Decimal("25.5")))
    (more,) = trader.do(trader.port.positions())
    trader.do(trader.port.change_isolated_margin("BTCUSDT", Decimal("-10")))
    (less,) = trader.do(trader.port.positions())

    assert before.isolated_wallet is not None
    assert more.isolated_wallet == before.isolated_wallet + Decimal("25.5")
    assert less.isolated_wallet == before.isolated_wallet + Decimal("15.5")
    assert before.margin_mode is MarginMode.ISOLATED
    with pytest.raises(Rejected):
        trader.do(trader.port.set_margin_mode("BTCUSDT", MarginMode.CROSS))
    with pytest.raises(Rejected):
        trader.do(trader.port.change_isolated_margin("BTCUSDT", Decimal("-1000000")))


def test_hedge_mode_is_told_and_legs_are_closed_by_their_side(trader: Trader) -> None:
    assert trader.do(trader.port.position_mode()) is PositionMode.ONE_WAY
    trader.paper.venue.members["main"].account.hedge = True

    assert trader.do(trader.port.position_mode()) is PositionMode.HEDGE
    trader.submit(replace(LONG, position_side=PositionSide.LONG))
    trader.submit(
        replace(STOP, position_side=PositionSide.LONG)  # reduce_only is said by the leg
    )
    assert trader.do(trader.port.adl_quantiles()).keys() == {("BTCUSDT", PositionSide.LONG)}
    trader.paper.quote(Decimal(57_900))

    assert trader.stop_view().position_side is PositionSide.LONG
    assert trader.do(trader.port.positions()) == []


def test_brackets_quantiles_and_income_are_those_of_the_venue(trader: Trader) -> None:
    trader.submit(LONG)

    brackets = trader.do(trader.port.leverage_brackets())
    quantiles = trader.do(trader.port.adl_quantiles())
    income = trader.do(trader.port.income(since=START - timedelta(days=1)))

    own = trader.paper.venue.spec("BTCUSDT").brackets
    assert [
        (b.bracket, b.max_leverage, b.notional_cap, b.maintenance_rate, b.deduction)
        for b in brackets
        if b.symbol == "BTCUSDT"
    ] == [(b.bracket, b.initial_leverage, b.notional_cap, b.maint_margin_ratio, b.cum) for b in own]
    assert quantiles.keys() == {("BTCUSDT", PositionSide.BOTH)}
    fills = [item for item in trader.paper.items() if isinstance(item, FillReport)]
    commissions = [row for row in income if row.kind == "COMMISSION"]
    assert sum(row.amount for row in commissions) == -sum(fill.commission for fill in fills)
    assert {row.trade_id for row in commissions} == {fill.trade_id for fill in fills}
    assert len({(row.kind, row.transaction_id) for row in income}) == len(income)


def test_dead_man_cancels_ordinary_orders_when_it_is_not_armed_again(trader: Trader) -> None:
    trader.submit(LONG)
    trader.submit(LIMIT)
    trader.submit(STOP)
    trader.do(trader.port.arm_dead_man("BTCUSDT", 120_000))

    trader.paper.advance(90)
    trader.do(trader.port.arm_dead_man("BTCUSDT", 120_000))
    trader.paper.advance(119)
    assert len(trader.do(trader.port.open_orders())) == 1
    trader.paper.advance(1)

    assert trader.do(trader.port.open_orders()) == []
    assert len(trader.do(trader.port.open_conditional_orders())) == 1


def test_dead_man_that_was_disarmed_cancels_nothing(trader: Trader) -> None:
    trader.submit(LIMIT)
    trader.do(trader.port.arm_dead_man("BTCUSDT", 5_000))
    trader.do(trader.port.arm_dead_man("BTCUSDT", 0))

    trader.paper.advance(6)

    assert len(trader.do(trader.port.open_orders())) == 1


def test_clock_is_measured_beside_the_callers_and_without_a_loop(trader: Trader) -> None:
    trader.paper.advance(61)
    trader.submit(LONG)

    assert len(trader.paper.aside) == 1
    trader.submit(replace(LONG, client_order_id="ae-2"))
    assert len(trader.paper.aside) == 1  # one at a time
    before = len(trader.paper.named("GET /fapi/v1/time"))
    trader.paper.settle()
    assert len(trader.paper.named("GET /fapi/v1/time")) == before + 1
    trader.submit(replace(LONG, client_order_id="ae-3"))
    assert trader.paper.aside == []
    drive(trader.port.close())
    assert trader.paper.closed == 1
