"""An order from command to outcome, against a venue that behaves and one that does not."""

from datetime import timedelta
from decimal import Decimal

import pytest

from orders.models import Order
from positions.models import Position
from risk.models import LimitMetric, RiskLimit
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import (
    ClosePosition,
    CommandStatus,
    PauseEngine,
    PlaceOrder,
    ResumeEngine,
)
from tradeops.domain.enums import OrderStatus, OrderType, Side, Source
from tradeops.domain.ids import client_order_id
from tradeops.engine.ingest import ingest
from tradeops.exchange.errors import Ambiguous, Rejected, Throttled, Unavailable
from tradeops.journal.command_store import claim
from tradeops.journal.models import Command

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


def test_accepted_order_is_acknowledged_and_journalled(desk: Desk) -> None:
    command = desk.run(BUY_50_AT_10X)

    order = Order.objects.get(pk=command.pk)
    assert command.status == CommandStatus.ACK
    assert command.result["client_order_id"] == client_order_id(command.pk)
    assert (order.status, order.quantity, order.leverage) == (
        OrderStatus.ACKNOWLEDGED,
        D("0.008"),
        10,
    )
    assert [item["gate"] for item in order.verdicts][:3] == ["engine", "symbol", "leverage"]
    assert desk.event_names() == [
        "BalanceChanged",
        "CommandSubmitted",
        "PositionChanged",
        "OrderPlaced",
        "OrderUpdated",
        "CommandCompleted",
    ]


def test_request_carries_our_id_and_the_time_of_the_commit(desk: Desk) -> None:
    command = desk.run(BUY_50_AT_10X)

    (request,) = desk.port.submitted
    assert request.client_order_id == f"ae-{command.pk.hex}"
    assert request.signed_at == command.sent_at == START
    assert request.quantity == D("0.008")


def test_leverage_is_set_once_and_only_when_different(desk: Desk) -> None:
    desk.run(BUY_50_AT_10X)
    desk.run(BUY_50_AT_10X)
    desk.run(PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=5))

    assert desk.port.leverage_calls == [("BTCUSDT", 10), ("BTCUSDT", 5)]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (PlaceOrder("DOGEBTC", Side.BUY, amount=D(50), leverage=10), "SYMBOL_NOT_ALLOWED"),
        (PlaceOrder("BTCUSDT", Side.BUY, amount=D(50), leverage=26), "LEVERAGE_OUT_OF_RANGE"),
        (PlaceOrder("BTCUSDT", Side.BUY, notional=D(59), leverage=1), "MIN_QTY_VIOLATION"),
        (PlaceOrder("BTCUSDT", Side.BUY, amount=D(20000), leverage=10), "INSUFFICIENT_BALANCE"),
        (PlaceOrder("BTCUSDT", Side.BUY, quantity=D("0.0015")), "PRECISION_VIOLATION"),
    ],
)
def test_refused_order_never_reaches_the_venue(desk: Desk, command: PlaceOrder, code: str) -> None:
    row = desk.run(command)

    assert (row.status, row.code) == (CommandStatus.FAILED, code)
    assert row.verdicts
    assert desk.port.submitted == []
    assert desk.port.leverage_calls == []
    assert not Order.objects.exists()
    assert "RiskGuardRejected" in desk.event_names()


def test_limit_of_the_narrowest_scope_applies(desk: Desk) -> None:
    common = {"metric": LimitMetric.MAX_ORDER_NOTIONAL, "updated_at": START, "updated_by": "x"}
    RiskLimit.objects.create(value=D("1"), **common)
    RiskLimit.objects.create(account=desk.account, symbol="BTCUSDT", value=D("480"), **common)

    assert desk.run(BUY_50_AT_10X).status == CommandStatus.ACK
    refused = desk.run(PlaceOrder("BTCUSDT", Side.BUY, amount=D(60), leverage=10))
    assert refused.code == "RISK_REJECTED:max_order_notional"


def test_pending_orders_count_against_the_position_limit(desk: Desk) -> None:
    RiskLimit.objects.create(
        metric=LimitMetric.MAX_POSITION_NOTIONAL,
        value=D("1000"),
        updated_at=START,
        updated_by="x",
    )

    codes = [desk.run(BUY_50_AT_10X).code for _ in range(3)]

    assert codes == ["", "", "RISK_REJECTED:max_position_notional"]


def test_pause_refuses_openings_and_lets_closing_pass(desk: Desk) -> None:
    hold(desk, "0.05")
    desk.run(PauseEngine("account", "lunch"))

    refused = desk.run(BUY_50_AT_10X)
    closed = desk.run(ClosePosition("BTCUSDT", D(1), "done"))
    desk.run(ResumeEngine("account", "back"))
    admitted = desk.run(BUY_50_AT_10X)

    assert refused.code == "PAUSED"
    assert closed.status == CommandStatus.ACK
    assert admitted.status == CommandStatus.ACK
    assert desk.port.submitted[0].reduce_only
    assert desk.port.submitted[0].side is Side.SELL
    assert desk.port.submitted[0].quantity == D("0.05")


def test_half_of_a_position_is_rounded_down_to_the_step(desk: Desk) -> None:
    hold(desk, "0.005")

    desk.run(ClosePosition("BTCUSDT", D("0.5"), "half"))

    assert desk.port.submitted[0].quantity == D("0.002")


def test_closing_nothing_is_refused(desk: Desk) -> None:
    assert desk.run(ClosePosition("BTCUSDT", D(1), "x")).code == "POSITION_NOT_FOUND"


def test_proven_refusal_fails_with_the_venues_code(desk: Desk) -> None:
    desk.port.submit_error = Rejected("Margin is insufficient.", code=-2019)

    command = desk.run(BUY_50_AT_10X)

    order = Order.objects.get()
    assert (command.status, command.code) == (CommandStatus.FAILED, "INSUFFICIENT_BALANCE")
    assert (command.exchange_code, order.exchange_code) == (-2019, -2019)
    assert order.status == OrderStatus.REJECTED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Throttled("too many", code=-1003, retry_after_s=30), "RATE_LIMITED"),
        (Unavailable("no connection"), "VENUE_UNAVAILABLE"),
    ],
)
def test_what_was_surely_not_done_fails(desk: Desk, error: Exception, code: str) -> None:
    desk.port.submit_error = error

    assert desk.run(BUY_50_AT_10X).code == code


def test_inactive_account_opens_nothing(desk: Desk) -> None:
    desk.account.is_active = False
    desk.account.save()

    assert desk.run(BUY_50_AT_10X).code == "PAUSED"


def test_stale_opening_expires_and_stale_closing_does_not(desk: Desk) -> None:
    hold(desk, "0.5")
    opening, closing = desk.ask(BUY_50_AT_10X), desk.ask(ClosePosition("BTCUSDT", D(1), "x"))
    desk.clock.advance(11)
    desk.port.now = desk.clock.now()

    assert desk.execute(opening).code == "EXPIRED"
    assert desk.execute(closing).status == CommandStatus.ACK


def test_second_worker_does_nothing(desk: Desk) -> None:
    command_id = desk.ask(BUY_50_AT_10X)
    assert claim(command_id, worker="other", now=START) is not None

    command = desk.execute(command_id)

    assert command.status == CommandStatus.NEW
    assert desk.port.submitted == []


def test_lapsed_claim_is_taken_over_by_the_next(desk: Desk) -> None:
    command_id = desk.ask(ClosePosition("BTCUSDT", D(1), "x"))
    hold(desk, "0.5")
    claim(command_id, worker="dead", now=START)
    desk.clock.advance(16)
    desk.port.now = desk.clock.now()

    command = desk.execute(command_id)

    assert command.status == CommandStatus.ACK
    assert (command.claimed_by, command.attempts) == ("worker", 2)


def test_leverage_failure_orders_nothing(desk: Desk) -> None:
    desk.port.leverage_error = Ambiguous("timeout")

    command = desk.run(BUY_50_AT_10X)

    assert (command.status, command.code) == (CommandStatus.FAILED, "VENUE_UNAVAILABLE")
    assert desk.port.submitted == []


def test_missing_fills_of_a_filled_order_are_fetched(desk: Desk) -> None:
    desk.port.status = OrderStatus.FILLED
    command = desk.run(BUY_50_AT_10X)
    desk.port.trades = [fill_report(0, 9, quantity="0.008", ours=False)]

    desk.sweep_after(2)

    order = Order.objects.get(pk=command.pk)
    assert order.filled_quantity == D("0.008")
    assert Position.objects.get(symbol="BTCUSDT").quantity == D("0.008")


def test_limit_order_keeps_price_and_time_in_force(desk: Desk) -> None:
    order = PlaceOrder(
        "BTCUSDT",
        Side.BUY,
        order_type=OrderType.LIMIT,
        quantity=D("0.01"),
        price=D("59000"),
    )

    desk.run(order)

    (request,) = desk.port.submitted
    assert (request.price, request.time_in_force) == (D("59000"), "GTC")


def test_internal_error_before_sending_leaves_the_command_to_be_retried(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeops.engine.place.decide", _explode)
    command_id = desk.ask(ClosePosition("BTCUSDT", D(1), "x"))
    hold(desk, "0.5")

    for _ in range(5):
        desk.execute(command_id)
        desk.clock.advance(16)
    command = Command.objects.get(pk=command_id)

    assert (command.status, command.code) == (CommandStatus.FAILED, "INTERNAL_ERROR")
    assert command.attempts == 5
    assert desk.port.submitted == []


def _explode(*_args: object) -> None:
    raise ZeroDivisionError


def test_hints_of_old_new_commands_are_published_again(desk: Desk) -> None:
    desk.ask(BUY_50_AT_10X)

    assert desk.sweep_after(timedelta(seconds=2).total_seconds()).republished == 0
    assert desk.sweep_after(2).republished == 1
