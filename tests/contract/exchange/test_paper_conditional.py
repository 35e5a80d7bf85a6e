"""Conditional orders on the paper venue, by the real adapter and without an event loop.

The clock is frozen and the venue is in this process, so prices trigger exactly when a test says so.
"""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.contract.exchange.trader import LONG, STOP, Trader, of
from tradeops.domain.enums import (
    CONDITIONAL_TYPES,
    OrderStatus,
    OrderType,
    TimeInForce,
    WorkingType,
)
from tradeops.exchange.errors import NotFound
from tradeops.exchange.port import OrderRequest

ALGO_POST = "POST /fapi/v1/algoOrder"

CONDITIONAL: list[tuple[OrderRequest, Decimal, Decimal, dict[str, str]]] = [
    (STOP, Decimal(58_001), Decimal(57_999), {"triggerPrice": "58000"}),
    (
        replace(
            STOP,
            order_type=OrderType.STOP,
            price=Decimal(57_000),
            time_in_force=TimeInForce.GTC,
        ),
        Decimal(58_001),
        Decimal(57_999),
        {"triggerPrice": "58000", "price": "57000", "timeInForce": "GTC"},
    ),
    (
        replace(STOP, order_type=OrderType.TAKE_PROFIT_MARKET, trigger_price=Decimal(62_000)),
        Decimal(61_999),
        Decimal(62_001),
        {"triggerPrice": "62000"},
    ),
    (
        replace(
            STOP,
            order_type=OrderType.TAKE_PROFIT,
            trigger_price=Decimal(62_000),
            price=Decimal(61_900),
            time_in_force=TimeInForce.GTC,
        ),
        Decimal(61_999),
        Decimal(62_001),
        {"triggerPrice": "62000", "price": "61900", "timeInForce": "GTC"},
    ),
    (
        replace(
            STOP,
            order_type=OrderType.TRAILING_STOP_MARKET,
            trigger_price=None,
            callback_rate=Decimal("1.0"),
        ),
        Decimal(59_500),
        Decimal(59_399),
        {"callbackRate": "1"},
    ),
]


@pytest.mark.parametrize(
    ("request_", "near", "beyond", "own_words"),
    CONDITIONAL,
    ids=[case[0].order_type.value for case in CONDITIONAL],
)
def test_conditional_order_waits_triggers_and_fills_under_one_id(
    trader: Trader,
    request_: OrderRequest,
    near: Decimal,
    beyond: Decimal,
    own_words: dict[str, str],
) -> None:
    trader.submit(LONG)
    placed = trader.submit(request_)

    assert (placed.status, placed.venue_order_id) == (OrderStatus.ACKNOWLEDGED, "")
    assert placed.algo_id
    (sent,) = trader.paper.named(ALGO_POST)
    assert sent == own_words | {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": request_.order_type.value,
        "quantity": "0.01",
        "reduceOnly": "true",
        "workingType": "MARK_PRICE",
        "clientAlgoId": "ae-stop",
    }
    (listed,) = trader.do(trader.port.open_conditional_orders("BTCUSDT"))
    assert listed == placed
    assert trader.do(trader.port.open_orders()) == []

    trader.paper.quote(near)
    assert trader.stop_view().triggered_at is None
    trader.paper.items()
    trader.paper.advance(1)
    trader.paper.quote(beyond)

    told = of(trader.paper.items(), "ae-stop")
    view = trader.stop_view()
    assert (view.status, view.filled_quantity) == (OrderStatus.FILLED, Decimal("0.010"))
    assert view.order_type is request_.order_type
    assert view.algo_id == placed.algo_id
    assert view.triggered_at == trader.paper.clock.now()
    # Every frame is of this one order, and only the ordinary order's own frame ends it.
    assert {report.order_type for report in told} == {request_.order_type}
    assert {report.algo_id for report in told} == {placed.algo_id, ""}
    assert {report.venue_order_id for report in told} == {"", view.venue_order_id}
    final = [report for report in told if report.status is OrderStatus.FILLED]
    assert final
    assert {report.algo_id for report in final} == {""}
    assert trader.do(trader.port.open_conditional_orders()) == []
    assert trader.do(trader.port.positions()) == []


def test_trailing_stop_starts_at_its_activation_price(trader: Trader) -> None:
    trader.submit(LONG)
    trader.submit(
        replace(
            STOP,
            order_type=OrderType.TRAILING_STOP_MARKET,
            trigger_price=None,
            callback_rate=Decimal("0.5"),
            activation_price=Decimal(62_000),
        )
    )

    trader.paper.quote(Decimal(59_000))
    assert trader.stop_view().triggered_at is None
    trader.paper.quote(Decimal(62_500))
    trader.paper.quote(Decimal(62_100))

    (sent,) = trader.paper.named(ALGO_POST)
    assert sent["activatePrice"] == "62000"
    assert trader.stop_view().status is OrderStatus.FILLED


def test_working_type_decides_which_price_triggers(trader: Trader) -> None:
    trader.submit(LONG)
    trader.submit(replace(STOP, working_type=WorkingType.CONTRACT_PRICE))

    trader.paper.venue.on_mark("BTCUSDT", Decimal(57_000), Decimal(57_000), Decimal(0))
    trader.paper.advance(1)
    assert trader.stop_view().triggered_at is None
    trader.paper.quote(Decimal(57_900))

    assert trader.stop_view().status is OrderStatus.FILLED


def test_closing_stop_closes_what_is_there_and_admits_no_second(trader: Trader) -> None:
    trader.submit(LONG)
    closing = replace(STOP, quantity=Decimal(0), reduce_only=False, close_position=True)
    placed = trader.submit(closing)

    assert (placed.close_position, placed.quantity) == (True, Decimal(0))
    assert trader.refused(replace(closing, client_order_id="ae-2")) == -4130
    trader.submit(replace(LONG, client_order_id="ae-more", quantity=Decimal("0.005")))
    trader.paper.quote(Decimal(57_900))

    view = trader.stop_view()
    assert (view.status, view.quantity) == (OrderStatus.FILLED, Decimal("0.015"))
    assert view.close_position
    assert trader.do(trader.port.positions()) == []


def test_stop_that_would_trigger_at_once_is_refused(trader: Trader) -> None:
    trader.submit(LONG)

    assert trader.refused(replace(STOP, trigger_price=Decimal(61_000))) == -2021
    with pytest.raises(NotFound):
        trader.stop_view()


def test_waiting_stop_is_cancelled_once_and_then_not_found(trader: Trader) -> None:
    trader.submit(LONG)
    placed = trader.submit(STOP)

    cancelled = trader.do(trader.port.cancel("BTCUSDT", "ae-stop", conditional=True))
    assert (cancelled.status, cancelled.algo_id) == (OrderStatus.CANCELLED, placed.algo_id)
    assert of(trader.paper.items(), "ae-stop")[-1].status is OrderStatus.CANCELLED
    with pytest.raises(NotFound):
        trader.do(trader.port.cancel_by_venue_id("BTCUSDT", placed.algo_id, conditional=True))
    assert trader.stop_view() == trader.do(
        trader.port.order_by_venue_id("BTCUSDT", placed.algo_id, conditional=True)
    )
    assert trader.stop_view().status is OrderStatus.CANCELLED


def test_triggered_limit_that_rests_is_cancelled_as_the_order_it_became(trader: Trader) -> None:
    trader.submit(LONG)
    resting = replace(
        STOP, order_type=OrderType.STOP, price=Decimal(59_000), time_in_force=TimeInForce.GTC
    )
    placed = trader.submit(resting)
    trader.paper.quote(Decimal(57_900))
    view = trader.stop_view()
    assert (view.status, bool(view.venue_order_id)) == (OrderStatus.ACKNOWLEDGED, True)

    cancelled = trader.do(trader.port.cancel("BTCUSDT", "ae-stop", conditional=True))

    assert (cancelled.status, cancelled.algo_id) == (OrderStatus.CANCELLED, placed.algo_id)
    assert cancelled.order_type is OrderType.STOP
    assert trader.stop_view().status is OrderStatus.CANCELLED
    assert trader.do(trader.port.open_orders()) == []


@pytest.mark.parametrize("kind", sorted({OrderType.MARKET, OrderType.LIMIT} | CONDITIONAL_TYPES))
def test_every_order_type_reaches_the_venue_under_our_id(trader: Trader, kind: OrderType) -> None:
    """F6: the venue knows no id but ours."""
    trader.submit(LONG)
    above = kind in {OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_MARKET}
    request = replace(
        STOP,
        order_type=kind,
        price=Decimal(61_000) if kind.value in {"LIMIT", "STOP", "TAKE_PROFIT"} else None,
        time_in_force=TimeInForce.GTC if kind.value in {"LIMIT", "STOP", "TAKE_PROFIT"} else None,
        trigger_price=Decimal(62_000) if above else Decimal(58_000),
        callback_rate=Decimal(1) if kind is OrderType.TRAILING_STOP_MARKET else None,
    )
    if kind not in CONDITIONAL_TYPES:
        request = replace(request, trigger_price=None, working_type=None)
    if kind is OrderType.TRAILING_STOP_MARKET:
        request = replace(request, trigger_price=None)

    assert trader.submit(request).client_order_id == "ae-stop"
    member = trader.paper.venue.members["main"]
    ordinary = {order.client_order_id for order in member.books.by_id.values()}
    conditional = {algo.wanted.client_algo_id for algo in member.algos.by_id.values()}
    assert ordinary | conditional == {"ae-long", "ae-stop"}
