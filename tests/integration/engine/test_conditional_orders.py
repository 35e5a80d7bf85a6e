"""Stops, targets and trailing orders from command to the venue."""

from decimal import Decimal
from typing import Any

import pytest

from orders.models import Order
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import (
    CancelAll,
    CancelOrder,
    CommandStatus,
    PlaceOrder,
    SetEngineMode,
)
from tradeops.domain.enums import (
    EngineState,
    OrderStatus,
    OrderType,
    Side,
    Source,
    TimeInForce,
    WorkingType,
)
from tradeops.domain.ids import client_order_id
from tradeops.engine.context import risk_context
from tradeops.engine.ingest import ingest

pytestmark = pytest.mark.django_db

D = Decimal
BUY_50_AT_10X = PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=10)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


def hold(desk: Desk, quantity: str) -> None:
    """Give the account a long position through a fill of somebody else's order."""
    fills = [fill_report(77, 5, quantity=quantity, ours=False)]
    ingest(desk.account.pk, fills, source=Source.STREAM, actor="test", now=START)


def order(kind: OrderType, side: Side = Side.BUY, **fields: Any) -> PlaceOrder:
    if not fields.get("close_position"):
        fields.setdefault("quantity", D("0.01"))
        fields.setdefault("leverage", 10)
    return PlaceOrder("BTCUSDT", side, kind, **fields)


def stop_out(kind: OrderType = OrderType.STOP_MARKET, trigger: str = "58000") -> PlaceOrder:
    return order(kind, Side.SELL, trigger_price=D(trigger), close_position=True)


OPENINGS = [
    order(OrderType.STOP, trigger_price=D(61000), price=D(61100)),
    order(OrderType.STOP_MARKET, trigger_price=D(61000)),
    order(OrderType.STOP_MARKET, Side.SELL, trigger_price=D(59000)),
    order(OrderType.TAKE_PROFIT, trigger_price=D(59000), price=D(59000)),
    order(OrderType.TAKE_PROFIT_MARKET, Side.SELL, trigger_price=D(61000)),
    order(OrderType.TRAILING_STOP_MARKET, callback_rate=D("1.5"), activation_price=D(59000)),
    order(OrderType.TRAILING_STOP_MARKET, Side.SELL, callback_rate=D("0.1")),
]


@pytest.mark.parametrize("wanted", OPENINGS, ids=lambda item: f"{item.order_type} {item.side}")
def test_conditional_order_rests_at_the_venue_with_all_its_words(
    desk: Desk, wanted: PlaceOrder
) -> None:
    command = desk.run(wanted)

    assert (command.status, command.code) == (CommandStatus.ACK, "")
    (sent,) = desk.port.submitted
    row = Order.objects.get(pk=command.pk)
    for words in (sent, row):
        assert words.order_type == wanted.order_type
        assert words.client_order_id == client_order_id(command.pk)
        assert (words.trigger_price, words.price) == (wanted.trigger_price, wanted.price)
        assert words.callback_rate == wanted.callback_rate
        assert words.activation_price == wanted.activation_price
        assert words.working_type == WorkingType.MARK_PRICE
        assert words.quantity == D("0.01")
    assert sent.time_in_force == (TimeInForce.GTC if wanted.price else None)
    assert row.status == OrderStatus.ACKNOWLEDGED


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (order(OrderType.STOP_MARKET, trigger_price=D(60000)), "PRICE_OUT_OF_RANGE"),
        (order(OrderType.STOP_MARKET, Side.SELL, trigger_price=D(61000)), "PRICE_OUT_OF_RANGE"),
        (order(OrderType.TAKE_PROFIT_MARKET, trigger_price=D(61000)), "PRICE_OUT_OF_RANGE"),
        (
            order(OrderType.STOP, trigger_price=D(61000), price=D("61000.05")),
            "PRECISION_VIOLATION",
        ),
        (order(OrderType.STOP, trigger_price=D(61000), price=D(70000)), "PRICE_OUT_OF_RANGE"),
        (order(OrderType.STOP_MARKET), "VALIDATION_ERROR"),
        (order(OrderType.STOP, trigger_price=D(61000)), "VALIDATION_ERROR"),
        (order(OrderType.TRAILING_STOP_MARKET), "VALIDATION_ERROR"),
        (order(OrderType.LIQUIDATION), "VALIDATION_ERROR"),
        (stop_out(), "POSITION_NOT_FOUND"),
        (
            order(OrderType.STOP_MARKET, trigger_price=D(61000), quantity=D(10)),
            "INSUFFICIENT_BALANCE",
        ),
    ],
)
def test_wrong_conditional_order_never_leaves(desk: Desk, wanted: PlaceOrder, code: str) -> None:
    command = desk.run(wanted)

    assert (command.status, command.code) == (CommandStatus.FAILED, code)
    assert desk.port.submitted == []
    assert not Order.objects.exists()


def test_trigger_on_the_contracts_own_price_is_left_to_the_venue(desk: Desk) -> None:
    wanted = order(
        OrderType.STOP_MARKET, trigger_price=D(59990), working_type=WorkingType.CONTRACT_PRICE
    )

    assert desk.run(wanted).status == CommandStatus.ACK
    assert desk.port.submitted[0].working_type is WorkingType.CONTRACT_PRICE


def test_closing_stop_needs_no_size_and_sends_none(desk: Desk) -> None:
    hold(desk, "0.5")

    command = desk.run(stop_out())

    assert (command.status, command.code) == (CommandStatus.ACK, "")
    (sent,) = desk.port.submitted
    assert (sent.close_position, sent.quantity, sent.reduce_only) == (True, D(0), False)
    assert Order.objects.get(pk=command.pk).close_position


def test_second_closing_stop_is_refused_and_a_target_is_not(desk: Desk) -> None:
    hold(desk, "0.5")
    first = desk.run(stop_out())

    second = desk.run(stop_out(trigger="57000"))
    target = desk.run(stop_out(OrderType.TAKE_PROFIT_MARKET, "63000"))

    assert second.code == "STOP_EXISTS"
    assert str(first.pk) in second.detail
    assert target.status == CommandStatus.ACK
    assert len(desk.port.submitted) == 2


def test_protective_stops_pass_a_halt_and_openings_do_not(desk: Desk) -> None:
    hold(desk, "0.5")
    desk.run(SetEngineMode("account", EngineState.HALTED, "drill"))

    closing = desk.run(stop_out())
    reducing = desk.run(
        order(OrderType.STOP_MARKET, Side.SELL, trigger_price=D(58000), reduce_only=True)
    )
    opening = desk.run(OPENINGS[1])
    pretended = desk.run(
        order(OrderType.STOP_MARKET, Side.BUY, trigger_price=D(62000), reduce_only=True)
    )

    assert [closing.status, reducing.status] == [CommandStatus.ACK, CommandStatus.ACK]
    assert [opening.code, pretended.code] == ["HALTED", "HALTED"]


def test_resting_opening_stop_reserves_exposure_and_a_closing_one_none(desk: Desk) -> None:
    hold(desk, "0.05")
    before = risk_context(desk.account, BUY_50_AT_10X, mark_price=D(60000))
    closing = desk.run(stop_out())
    opening = desk.run(OPENINGS[1])

    after = risk_context(desk.account, BUY_50_AT_10X, mark_price=D(60000))

    assert [closing.status, opening.status] == [CommandStatus.ACK, CommandStatus.ACK]
    assert (after.pending_buy_quantity, after.pending_sell_quantity) == (D("0.01"), D(0))
    # The order also brought the position's leverage from 1x to 10x, which frees its margin.
    margin_of_position = D("0.05") * 60000
    assert before.available_balance == 10000 - margin_of_position
    assert after.available_balance == 10000 - margin_of_position / 10 - D("0.01") * 61000 / 10


def test_conditional_orders_are_cancelled_in_their_own_id_space(desk: Desk) -> None:
    stop = desk.run(OPENINGS[1])
    plain = desk.run(order(OrderType.LIMIT, price=D(59000)))

    desk.run(CancelOrder(stop.pk))
    desk.run(CancelOrder(plain.pk))

    assert desk.port.cancelled == [client_order_id(stop.pk), client_order_id(plain.pk)]
    assert desk.port.cancelled_conditional == [True, False]


def test_cancelling_all_reaches_both_kinds(desk: Desk) -> None:
    stop = desk.run(OPENINGS[1])
    plain = desk.run(order(OrderType.LIMIT, price=D(59000)))

    everything = desk.run(CancelAll(""))

    assert everything.result["cancelled"] == "2"
    assert dict(zip(desk.port.cancelled, desk.port.cancelled_conditional, strict=True)) == {
        client_order_id(stop.pk): True,
        client_order_id(plain.pk): False,
    }


def test_limit_order_with_an_end_carries_it(desk: Desk) -> None:
    end = START.replace(hour=13)
    wanted = order(OrderType.LIMIT, price=D(59000), time_in_force=TimeInForce.GTD, good_till=end)

    command = desk.run(wanted)

    assert command.status == CommandStatus.ACK
    assert desk.port.submitted[0].good_till == end
    assert Order.objects.get(pk=command.pk).good_till == end


def test_limit_order_that_ends_too_soon_is_refused(desk: Desk) -> None:
    soon = START.replace(minute=10)
    wanted = order(OrderType.LIMIT, price=D(59000), time_in_force=TimeInForce.GTD, good_till=soon)

    assert desk.run(wanted).code == "VALIDATION_ERROR"
    assert desk.port.submitted == []
