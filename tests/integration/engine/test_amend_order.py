"""A resting order gets another quantity and price, once, or it is told why not."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from orders.models import Order
from risk.models import LimitMetric, RiskLimit
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import (
    AmendOrder,
    CommandStatus,
    DomainCommand,
    PlaceOrder,
    SetEngineMode,
)
from tradeops.domain.enums import EngineState, OrderStatus, OrderType, Side, Source
from tradeops.domain.ids import client_order_id
from tradeops.engine.amend import resolve_amend
from tradeops.engine.context import risk_context
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import Ambiguous, NotFound, Rejected, Unavailable
from tradeops.journal.models import Command
from tradeops.kit.portal import drive

pytestmark = pytest.mark.django_db

D = Decimal
LIMIT = PlaceOrder(
    "BTCUSDT", Side.BUY, OrderType.LIMIT, quantity=D("0.01"), price=D(59000), leverage=10
)
MARKET = PlaceOrder("BTCUSDT", Side.BUY, quantity=D("0.01"), leverage=10)


@pytest.fixture
def desk() -> Desk:
    return open_desk()


@pytest.fixture
def resting(desk: Desk) -> UUID:
    return desk.run(LIMIT).pk


def amend(order_id: UUID, quantity: str = "0.02", price: str = "59500") -> AmendOrder:
    return AmendOrder(order_id, "BTCUSDT", D(quantity), D(price))


def shape(order_id: UUID) -> tuple[Decimal, Decimal | None]:
    order = Order.objects.get(pk=order_id)
    return order.quantity, order.price


def limit_position(value: str) -> None:
    RiskLimit.objects.create(
        metric=LimitMetric.MAX_POSITION_NOTIONAL, value=D(value), updated_at=START, updated_by="x"
    )


def test_resting_order_is_amended_by_both_values(desk: Desk, resting: UUID) -> None:
    command = desk.run(amend(resting))

    (sent,) = desk.port.amended
    assert (command.status, command.code) == (CommandStatus.ACK, "")
    assert (sent.client_order_id, sent.signed_at) == (client_order_id(resting), START)
    assert (sent.quantity, sent.price) == shape(resting) == (D("0.02"), D(59500))
    assert command.result["status"] == "ACKNOWLEDGED"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (lambda order_id: amend(order_id, "0.0205"), "PRECISION_VIOLATION"),
        (lambda order_id: amend(order_id, price="59500.05"), "PRECISION_VIOLATION"),
        (lambda order_id: amend(order_id, price="90000"), "PRICE_OUT_OF_RANGE"),
        (lambda order_id: amend(order_id, "5"), "INSUFFICIENT_BALANCE"),
        (lambda order_id: amend(UUID(int=1)), "NOT_FOUND"),
        (lambda order_id: replace(amend(order_id), symbol="ETHUSDT"), "VALIDATION_ERROR"),
    ],
)
def test_wrong_amendment_never_leaves(
    desk: Desk, resting: UUID, wanted: Callable[[UUID], DomainCommand], code: str
) -> None:
    command = desk.run(wanted(resting))

    assert (command.status, command.code) == (CommandStatus.FAILED, code)
    assert desk.port.amended == []
    assert shape(resting) == (D("0.01"), D(59000))


def test_only_limit_orders_that_are_open_are_amended(desk: Desk) -> None:
    stop = PlaceOrder(
        "BTCUSDT",
        Side.BUY,
        OrderType.STOP_MARKET,
        quantity=D("0.01"),
        leverage=10,
        trigger_price=D(61000),
    )
    waiting = desk.run(stop).pk
    desk.port.status = OrderStatus.FILLED
    filled = desk.run(LIMIT).pk

    assert desk.run(amend(waiting)).code == "VALIDATION_ERROR"
    assert desk.run(amend(filled)).code == "PRECONDITION_FAILED"
    assert desk.port.amended == []


def test_amended_order_is_judged_in_place_of_what_it_was(desk: Desk, resting: UUID) -> None:
    limit_position("1200")

    within = desk.run(amend(resting, "0.02", "60000"))
    beyond = desk.run(amend(resting, "0.021", "60000"))

    assert within.status == CommandStatus.ACK
    assert beyond.code == "RISK_REJECTED:max_position_notional"


def test_what_is_filled_already_counts_once(desk: Desk, resting: UUID) -> None:
    limit_position("1200")
    fill = replace(fill_report(0, 9, quantity="0.005"), client_order_id=client_order_id(resting))
    ingest(desk.account.pk, [fill], source=Source.STREAM, actor="test", now=START)

    assert desk.run(amend(resting, "0.005", "60000")).code == "MIN_QTY_VIOLATION"
    assert desk.run(amend(resting, "0.02", "60000")).status == CommandStatus.ACK
    assert desk.run(amend(resting, "0.021", "60000")).code.startswith("RISK_REJECTED")


def test_halt_refuses_to_amend_an_opening(desk: Desk, resting: UUID) -> None:
    desk.port.cancel_error = Unavailable("no way to the venue: the order rests on")
    desk.run(SetEngineMode("account", EngineState.HALTED, "drill"))

    assert desk.run(amend(resting)).code == "HALTED"
    assert desk.port.amended == []


def test_refused_amendment_leaves_the_order_as_it_is(desk: Desk, resting: UUID) -> None:
    desk.port.amend_error = Rejected("Margin is insufficient.", code=-2019)

    command = desk.run(amend(resting))

    assert (command.code, command.exchange_code) == ("INSUFFICIENT_BALANCE", -2019)
    assert shape(resting) == (D("0.01"), D(59000))


def test_order_that_filled_on_the_way_is_told(desk: Desk, resting: UUID) -> None:
    desk.port.amend_error = NotFound("Order does not exist.", code=-2013)
    known = desk.port.orders[client_order_id(resting)]
    desk.port.orders[known.client_order_id] = replace(
        known, status=OrderStatus.FILLED, filled_quantity=known.quantity
    )

    command = desk.run(amend(resting))

    assert (command.code, command.detail) == ("PRECONDITION_FAILED", "The order is FILLED.")
    assert Order.objects.get(pk=resting).status == OrderStatus.FILLED


def test_amendment_under_way_reserves_the_larger_shape(desk: Desk, resting: UUID) -> None:
    desk.port.amend_error = Ambiguous("timeout")
    desk.run(amend(resting, "0.03", "59500"))

    context = risk_context(desk.account, MARKET, mark_price=D(60000))

    assert context.pending_buy_quantity == D("0.03")
    assert shape(resting) == (D("0.01"), D(59000))


def unknown(desk: Desk, resting: UUID) -> Command:
    desk.port.amend_error = Ambiguous("timeout")
    command = desk.run(amend(resting))
    assert (command.status, command.outcome_unknown) == (CommandStatus.SENT, True)
    return command


def ask(desk: Desk, command: Command, *, after_s: float) -> bool:
    desk.clock.advance(after_s)
    desk.port.now = desk.clock.now()
    return drive(resolve_amend(command, desk.port, desk.clock))


def test_lost_answer_of_an_amendment_that_happened_is_found(desk: Desk, resting: UUID) -> None:
    command = unknown(desk, resting)
    name = client_order_id(resting)
    desk.port.orders[name] = replace(
        desk.port.orders[name], quantity=D("0.02"), price=D(59500), updated_at=desk.clock.now()
    )

    assert ask(desk, command, after_s=5)

    command.refresh_from_db()
    assert command.status == CommandStatus.ACK
    assert shape(resting) == (D("0.02"), D(59500))
    assert len(desk.port.amended) == 1


def test_amendment_that_never_arrived_fails_when_it_cannot_arrive(
    desk: Desk, resting: UUID
) -> None:
    command = unknown(desk, resting)

    assert not ask(desk, command, after_s=5)
    assert ask(desk, command, after_s=6)

    command.refresh_from_db()
    assert (command.status, command.code) == (CommandStatus.FAILED, "VENUE_UNAVAILABLE")
    assert shape(resting) == (D("0.01"), D(59000))
    assert len(desk.port.amended) == 1
