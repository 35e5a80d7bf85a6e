"""Order work of every kind: engine, real adapter and paper venue, without the other processes."""

import uuid
from collections.abc import Iterator
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from orders.models import Order
from positions.models import Position
from tests.integration.reconcile.fixtures import Desk
from tests.unit.risk.builders import BTCUSDT
from tradeops.domain.commands import (
    AmendOrder,
    CancelOrder,
    ChangeIsolatedMargin,
    CommandStatus,
    DomainCommand,
    PlaceOrder,
    SetMarginMode,
)
from tradeops.domain.enums import MarginMode, OrderType, Side, Source, TimeInForce, Venue
from tradeops.engine.brackets import forget_brackets
from tradeops.engine.execute import execute
from tradeops.engine.ingest import ingest
from tradeops.exchange.reports import Report
from tradeops.journal.command_store import Asker, enqueue
from tradeops.journal.models import Command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import drive
from tradeops.market import cache
from tradeops.market.models import Instrument

pytestmark = pytest.mark.once

D = Decimal


@pytest.fixture(autouse=True)
def _ready(desk: Desk) -> Iterator[None]:
    """The instrument is known, the wallet is, and the price stands at 60,000."""
    values = {item.name: getattr(BTCUSDT, item.name) for item in fields(BTCUSDT)}
    Instrument.objects.get_or_create(
        venue=Venue.BINANCE_USDM,
        symbol="BTCUSDT",
        defaults={**values, "updated_at": SYSTEM_CLOCK.now()},
    )
    set_price(desk, "60000")
    hear(desk, list(drive(desk.port.balances())))
    forget_brackets()
    yield
    forget_brackets()
    set_price(desk, "60000")


def set_price(desk: Desk, price: str) -> None:
    desk.venue.set_price("BTCUSDT", price)
    cache.remember_mark(drive(desk.port.mark_price("BTCUSDT")))


def hear(desk: Desk, reports: list[Report]) -> None:
    ingest(desk.pk, reports, source=Source.REST, actor="test", now=SYSTEM_CLOCK.now())


def run(desk: Desk, command: DomainCommand) -> Command:
    command_id = uuid.uuid4()
    enqueue(
        command,
        account_id=desk.pk,
        command_id=command_id,
        asker=Asker("user:1", Source.API),
        now=SYSTEM_CLOCK.now(),
    )
    drive(execute(command_id, port_of=lambda _id: desk.port, clock=SYSTEM_CLOCK, worker="w"))
    return Command.objects.get(pk=command_id)


def done(desk: Desk, command: DomainCommand) -> Command:
    found = run(desk, command)
    assert (found.status, found.code, found.detail) == (CommandStatus.ACK, "", "")
    return found


def order(kind: OrderType, side: Side = Side.BUY, **words: Any) -> PlaceOrder:
    size = {} if words.get("close_position") else {"quantity": D("0.01"), "leverage": 10}
    return PlaceOrder("BTCUSDT", side, kind, **{**size, **words})


LIMIT = order(OrderType.LIMIT, price=D(59000))
STOP_OUT = order(OrderType.STOP_MARKET, Side.SELL, trigger_price=D(58000), close_position=True)


def held(desk: Desk) -> Decimal:
    return sum((leg.quantity for leg in drive(desk.port.positions())), D(0))


@pytest.mark.parametrize("kind", [TimeInForce.GTC, TimeInForce.GTX])
def test_limit_order_rests(desk: Desk, kind: TimeInForce) -> None:
    command = done(desk, replace(LIMIT, time_in_force=kind))

    (resting,) = drive(desk.port.open_orders("BTCUSDT"))
    assert resting.time_in_force is kind
    assert Order.objects.get(pk=command.pk).venue_order_id == resting.venue_order_id


@pytest.mark.parametrize(
    "wanted",
    [
        order(OrderType.STOP, trigger_price=D(61000), price=D(61100)),
        order(OrderType.STOP_MARKET, Side.SELL, trigger_price=D(59000)),
        order(OrderType.TAKE_PROFIT, trigger_price=D(59000), price=D(59000)),
        order(OrderType.TAKE_PROFIT_MARKET, Side.SELL, trigger_price=D(61000)),
        order(OrderType.TRAILING_STOP_MARKET, Side.SELL, callback_rate=D("1.5")),
        order(OrderType.TRAILING_STOP_MARKET, callback_rate=D("0.5"), activation_price=D(59000)),
    ],
    ids=lambda item: f"{item.order_type} {item.side}",
)
def test_conditional_order_waits_with_its_words_and_is_cancelled(
    desk: Desk, wanted: PlaceOrder
) -> None:
    placed = done(desk, wanted)

    (waiting,) = drive(desk.port.open_conditional_orders("BTCUSDT"))
    row = Order.objects.get(pk=placed.pk)
    for found in (waiting, row):
        assert found.algo_id == waiting.algo_id
        assert found.order_type == wanted.order_type
        assert found.trigger_price == wanted.trigger_price
        assert found.price == wanted.price
        assert found.callback_rate == wanted.callback_rate
        assert found.activation_price == wanted.activation_price
        assert found.quantity == D("0.01")

    done(desk, CancelOrder(placed.pk))
    assert drive(desk.port.open_conditional_orders("BTCUSDT")) == []
    assert Order.objects.get(pk=placed.pk).status == "CANCELLED"


def test_closing_stop_ends_the_position(desk: Desk) -> None:
    done(desk, order(OrderType.MARKET))
    hear(desk, list(drive(desk.port.fills("BTCUSDT"))))
    placed = done(desk, STOP_OUT)
    assert run(desk, STOP_OUT).code == "STOP_EXISTS"

    set_price(desk, "57900")

    assert held(desk) == 0
    row = Order.objects.get(pk=placed.pk)
    hear(desk, [drive(desk.port.order("BTCUSDT", row.client_order_id, conditional=True))])
    hear(desk, list(drive(desk.port.fills("BTCUSDT"))))
    row.refresh_from_db()
    assert (row.status, row.filled_quantity, row.quantity) == ("FILLED", D("0.01"), D("0.01"))
    assert row.venue_order_id
    assert Position.objects.get(account_id=desk.pk).quantity == 0


def test_order_is_amended_and_again_by_the_same(desk: Desk) -> None:
    placed = done(desk, LIMIT)
    wanted = AmendOrder(placed.pk, "BTCUSDT", D("0.02"), D(58500))

    for _ in range(2):
        done(desk, wanted)

    (resting,) = drive(desk.port.open_orders("BTCUSDT"))
    row = Order.objects.get(pk=placed.pk)
    assert (resting.quantity, resting.price) == (row.quantity, row.price) == (D("0.02"), D(58500))


def test_amendment_that_the_venue_swallowed_is_not_sent_twice(desk: Desk) -> None:
    placed = done(desk, LIMIT)
    desk.venue.fault(kind="http_5xx_after", match="PUT /fapi/v1/order", count=1)

    command = run(desk, AmendOrder(placed.pk, "BTCUSDT", D("0.02"), D(58500)))

    assert (command.status, command.outcome_unknown) == (CommandStatus.SENT, True)
    (resting,) = drive(desk.port.open_orders("BTCUSDT"))
    assert resting.quantity == D("0.02")


def test_margin_mode_and_isolated_margin(desk: Desk) -> None:
    done(desk, SetMarginMode("BTCUSDT", MarginMode.ISOLATED))
    done(desk, order(OrderType.MARKET))
    hear(desk, list(drive(desk.port.fills("BTCUSDT"))))
    hear(desk, list(drive(desk.port.positions())))
    before = isolated(desk)

    assert run(desk, SetMarginMode("BTCUSDT", MarginMode.CROSS)).code == "PRECONDITION_FAILED"
    done(desk, ChangeIsolatedMargin("BTCUSDT", D(25)))
    assert isolated(desk) == before + 25
    done(desk, ChangeIsolatedMargin("BTCUSDT", D(-5)))
    assert isolated(desk) == before + 20
    assert run(desk, ChangeIsolatedMargin("BTCUSDT", D(-1000))).status == CommandStatus.FAILED


def isolated(desk: Desk) -> Decimal:
    found: Decimal | None = Position.objects.get(account_id=desk.pk).isolated_margin
    assert found is not None
    return found


def test_leverage_beyond_the_bracket_is_refused_here(desk: Desk) -> None:
    wanted = replace(order(OrderType.MARKET), leverage=25, quantity=D(1200))  # 72 million

    command = run(desk, wanted)

    (verdict,) = [item for item in command.verdicts if item["gate"] == "bracket"]
    assert verdict["numbers"]["max"] == "20"
    assert verdict["code"] == "LEVERAGE_OUT_OF_RANGE"
    assert desk.truth()["orders"] == []
