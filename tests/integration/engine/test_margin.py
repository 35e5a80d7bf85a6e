"""Margin mode, isolated margin, leverage brackets and position mode."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from positions.models import Position
from tests.integration.engine.desk import START, Desk, open_desk
from tests.integration.engine.reports import fill_report
from tradeops.domain.commands import (
    ChangeIsolatedMargin,
    CommandStatus,
    PlaceOrder,
    SetLeverage,
    SetMarginMode,
)
from tradeops.domain.enums import (
    MarginMode,
    OrderType,
    PositionMode,
    PositionSide,
    Side,
    Source,
)
from tradeops.engine.brackets import forget_brackets
from tradeops.engine.ingest import ingest
from tradeops.engine.margin import check_position_mode
from tradeops.exchange.errors import Ambiguous, Rejected
from tradeops.exchange.reports import LeverageBracket, LeverageReport, Report
from tradeops.kit.portal import drive

pytestmark = pytest.mark.django_db

D = Decimal
ISOLATE = SetMarginMode("BTCUSDT", MarginMode.ISOLATED)
ADD = ChangeIsolatedMargin("BTCUSDT", D(100))
BRACKETS = [
    LeverageBracket("BTCUSDT", 1, 20, D(0), D(5000), D("0.004"), D(0)),
    LeverageBracket("BTCUSDT", 2, 10, D(5000), D(50000), D("0.01"), D(30)),
    LeverageBracket("BTCUSDT", 3, 2, D(50000), D(100000), D("0.1"), D(4530)),
]


@pytest.fixture
def desk() -> Iterator[Desk]:
    forget_brackets()
    yield open_desk()
    forget_brackets()


def hold(desk: Desk, quantity: str, *, mode: MarginMode = MarginMode.CROSS) -> None:
    facts: list[Report] = [
        fill_report(77, 5, quantity=quantity, ours=False),
        LeverageReport("BTCUSDT", 10, START, margin_mode=mode),
    ]
    ingest(desk.account.pk, facts, source=Source.STREAM, actor="test", now=START)


def test_margin_mode_is_set_where_nothing_is_held(desk: Desk) -> None:
    command = desk.run(ISOLATE)

    assert command.status == CommandStatus.ACK
    assert desk.port.margin_calls == [("BTCUSDT", MarginMode.ISOLATED)]
    assert Position.objects.get(symbol="BTCUSDT").margin_mode == MarginMode.ISOLATED


def test_margin_mode_of_what_is_held_is_refused_without_a_call(desk: Desk) -> None:
    hold(desk, "0.01")

    assert desk.run(ISOLATE).code == "PRECONDITION_FAILED"
    assert desk.port.margin_calls == []


def test_margin_mode_with_an_open_order_is_refused_without_a_call(desk: Desk) -> None:
    limit = PlaceOrder(
        "BTCUSDT", Side.BUY, OrderType.LIMIT, quantity=D("0.01"), price=D(59000), leverage=10
    )
    desk.run(limit)

    assert desk.run(ISOLATE).code == "PRECONDITION_FAILED"
    assert desk.port.margin_calls == []


def test_margin_mode_that_the_venue_refuses_stays(desk: Desk) -> None:
    desk.port.margin_error = Rejected("Margin type cannot be changed.", code=-4047)

    command = desk.run(ISOLATE)

    assert (command.code, command.exchange_code) == ("VENUE_REJECTED", -4047)
    assert not Position.objects.exists()


def test_margin_is_added_once(desk: Desk) -> None:
    hold(desk, "0.01", mode=MarginMode.ISOLATED)

    command = desk.run(ADD)

    assert (command.status, command.code) == (CommandStatus.ACK, "")
    assert desk.port.margin_calls == [("BTCUSDT", D(100))]


def test_lost_answer_about_margin_is_told_and_not_repeated(desk: Desk) -> None:
    hold(desk, "0.01", mode=MarginMode.ISOLATED)
    desk.port.margin_error = Ambiguous("timeout")

    command = desk.run(ADD)
    desk.sweep_after(60)

    assert (command.status, command.code) == (CommandStatus.FAILED, "OUTCOME_UNKNOWN")
    assert "before you ask again" in command.detail
    assert len(desk.port.margin_calls) == 1


@pytest.mark.parametrize(
    ("mode", "wanted", "code"),
    [
        (None, ADD, "POSITION_NOT_FOUND"),
        (MarginMode.CROSS, ADD, "PRECONDITION_FAILED"),
        (MarginMode.ISOLATED, ChangeIsolatedMargin("BTCUSDT", D(0)), "VALIDATION_ERROR"),
        (MarginMode.ISOLATED, ChangeIsolatedMargin("BTCUSDT", D(10000)), "INSUFFICIENT_BALANCE"),
        (
            MarginMode.ISOLATED,
            ChangeIsolatedMargin("BTCUSDT", D(1), PositionSide.LONG),
            "POSITION_NOT_FOUND",
        ),
    ],
)
def test_margin_that_cannot_move_is_refused_without_a_call(
    desk: Desk, mode: MarginMode | None, wanted: ChangeIsolatedMargin, code: str
) -> None:
    if mode is not None:
        hold(desk, "0.01", mode=mode)

    assert desk.run(wanted).code == code
    assert desk.port.margin_calls == []


def test_leverage_is_bounded_by_the_bracket_of_what_would_be_held(desk: Desk) -> None:
    desk.port.brackets = list(BRACKETS)

    def buy(quantity: str, leverage: int) -> str:
        return desk.run(
            PlaceOrder("BTCUSDT", Side.BUY, quantity=D(quantity), leverage=leverage)
        ).code

    assert buy("0.01", 21) == "LEVERAGE_OUT_OF_RANGE"
    assert buy("0.1", 20) == "LEVERAGE_OUT_OF_RANGE"
    assert buy("0.08", 20) == ""
    assert buy("0.01", 20) == "LEVERAGE_OUT_OF_RANGE"
    assert desk.port.bracket_calls == 1


def test_leverage_of_a_position_follows_its_bracket(desk: Desk) -> None:
    desk.port.brackets = list(BRACKETS)
    hold(desk, "0.1")

    assert desk.run(SetLeverage("BTCUSDT", 20)).code == "LEVERAGE_OUT_OF_RANGE"
    assert desk.port.leverage_calls == []
    assert desk.run(SetLeverage("BTCUSDT", 9)).status == CommandStatus.ACK


def test_brackets_that_cannot_be_read_stop_no_order(desk: Desk) -> None:
    desk.port.bracket_error = Ambiguous("timeout")

    command = desk.run(PlaceOrder("BTCUSDT", Side.BUY, quantity=D("0.01"), leverage=25))

    assert command.status == CommandStatus.ACK


def test_hedge_mode_holds_openings_that_do_not_name_their_leg(desk: Desk) -> None:
    hold(desk, "0.05")
    buy = PlaceOrder("BTCUSDT", Side.BUY, quantity=D("0.01"), leverage=10)
    long_leg = PlaceOrder(
        "BTCUSDT", Side.BUY, quantity=D("0.01"), leverage=10, position_side=PositionSide.LONG
    )
    out = PlaceOrder("BTCUSDT", Side.SELL, quantity=D("0.01"), reduce_only=True)
    desk.port.mode = PositionMode.HEDGE

    drive(check_position_mode(desk.port, desk.account.pk, START))
    held = [desk.run(order).code for order in (buy, long_leg, out)]
    desk.port.mode = PositionMode.ONE_WAY
    drive(check_position_mode(desk.port, desk.account.pk, START))

    assert held == ["POSITION_MODE", "", ""]
    assert desk.run(buy).code == ""
    names = [name for name in desk.event_names() if name.startswith("Quarantine")]
    assert names == ["QuarantineStarted", "QuarantineCompleted"]
