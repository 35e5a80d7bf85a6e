"""Stream frames about conditional orders, amendments and margin calls."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.exchange.test_frames import AT, AT_MS, JSON, order_update
from tradeops.domain.enums import (
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)
from tradeops.exchange.binance.frames import parse_frame
from tradeops.exchange.reports import FillReport, MarginCallReport, OrderReport

TRIGGERED_AT = datetime(2025, 10, 1, 19, 42, 42, tzinfo=UTC)


def algo_update(**changes: Any) -> dict[str, Any]:
    order = {
        "caid": "ae-1", "aid": 2148719, "at": "CONDITIONAL", "o": "STOP_MARKET", "s": "BTCUSDT",
        "S": "SELL", "ps": "BOTH", "f": "GTC", "q": "0.010", "X": "NEW", "ai": "", "tp": "58000",
        "p": "0", "V": "EXPIRE_MAKER", "wt": "MARK_PRICE", "pm": "NONE", "cp": False, "pP": False,
        "R": True, "tt": 0, "gtd": 0, "rm": "Reduce Only reject",
    }  # fmt: skip
    return {"e": "ALGO_UPDATE", "T": AT_MS, "E": AT_MS + 1, "o": order | changes}


def report_of(frame: dict[str, Any]) -> OrderReport:
    (report,) = parse_frame(frame)
    assert isinstance(report, OrderReport)
    return report


def test_algo_update_new_is_the_whole_conditional_order() -> None:
    assert report_of(algo_update()) == OrderReport(
        symbol="BTCUSDT",
        venue_order_id="",
        client_order_id="ae-1",
        side=Side.SELL,
        order_type=OrderType.STOP_MARKET,
        status=OrderStatus.ACKNOWLEDGED,
        quantity=Decimal("0.010"),
        filled_quantity=Decimal(0),
        price=None,
        average_price=None,
        time_in_force=TimeInForce.GTC,
        reduce_only=True,
        close_position=False,
        position_side=PositionSide.BOTH,
        updated_at=AT,
        reason="",
        algo_id="2148719",
        trigger_price=Decimal(58000),
        working_type=WorkingType.MARK_PRICE,
    )


@pytest.mark.parametrize(
    ("changes", "status", "venue_order_id", "reason"),
    [
        ({"X": "TRIGGERING", "tt": AT_MS - 1200}, OrderStatus.ACKNOWLEDGED, "", ""),
        ({"X": "TRIGGERED", "ai": "889"}, OrderStatus.ACKNOWLEDGED, "889", ""),
        ({"X": "FINISHED", "ai": "889", "aq": "0.010"}, OrderStatus.ACKNOWLEDGED, "889", ""),
        ({"X": "FINISHED", "ai": "889", "aq": "0"}, OrderStatus.ACKNOWLEDGED, "889", ""),
        ({"X": "FINISHED", "aq": "0.004"}, OrderStatus.ACKNOWLEDGED, "", ""),
        ({"X": "FINISHED"}, OrderStatus.CANCELLED, "", "Reduce Only reject"),
        ({"X": "FINISHED", "ai": "0", "aq": "0"}, OrderStatus.CANCELLED, "", "Reduce Only reject"),
        ({"X": "CANCELED"}, OrderStatus.CANCELLED, "", "Reduce Only reject"),
        ({"X": "CANCELED", "ai": "889"}, OrderStatus.ACKNOWLEDGED, "889", ""),
        ({"X": "EXPIRED"}, OrderStatus.EXPIRED, "", "Reduce Only reject"),
        ({"X": "REJECTED", "rm": "No margin\n" * 99}, OrderStatus.REJECTED, "", "No margin"),
        ({"X": "WORD_OF_2027"}, OrderStatus.ACKNOWLEDGED, "", ""),
    ],
)
def test_algo_update_state_never_ends_an_order_that_may_have_filled(
    changes: dict[str, Any], status: OrderStatus, venue_order_id: str, reason: str
) -> None:
    report = report_of(algo_update(**changes))

    assert (report.status, report.venue_order_id) == (status, venue_order_id)
    assert report.reason.startswith(reason)
    assert bool(report.reason) == bool(reason)
    assert report.filled_quantity == 0


def test_algo_update_tells_when_it_triggered_and_how_it_trails() -> None:
    trailing = algo_update(
        o="TRAILING_STOP_MARKET", tp="0", cr="1.5", X="TRIGGERED", ai="7", tt=AT_MS - 1200, ia=True
    )

    report = report_of(trailing)

    assert report.triggered_at == TRIGGERED_AT
    assert (report.callback_rate, report.trigger_price) == (Decimal("1.5"), None)


def test_closing_stop_has_no_quantity_of_its_own() -> None:
    report = report_of(algo_update(cp=True, q="0", f="GTE_GTC"))

    assert report.close_position
    assert report.quantity == 0


def test_order_of_a_triggered_stop_is_the_same_order_under_the_same_id() -> None:
    fill, order = parse_frame(
        order_update(c="ae-1", i=889, o="MARKET", ot="STOP_MARKET", sp="58000")
    )

    assert isinstance(fill, FillReport)
    assert isinstance(order, OrderReport)
    assert order.client_order_id == fill.client_order_id == "ae-1"
    assert (order.order_type, order.venue_order_id) == (OrderType.STOP_MARKET, "889")
    assert (order.trigger_price, order.working_type) == (
        Decimal(58000),
        WorkingType.CONTRACT_PRICE,
    )
    assert order.algo_id == ""


def test_amendment_is_an_order_report_without_a_fill() -> None:
    (report,) = parse_frame(order_update(x="AMENDMENT", X="NEW", q="0.020", p="60000", l="0", t=0))

    assert isinstance(report, OrderReport)
    assert (report.quantity, report.price) == (Decimal("0.020"), Decimal(60000))
    assert report.working_type is None


def test_good_till_date_is_kept_and_zero_is_none() -> None:
    dated = parse_frame(order_update(f="GTD", gtd=AT_MS))[-1]

    assert isinstance(dated, OrderReport)
    assert dated.good_till == AT
    assert report_of(order_update(x="NEW")).good_till is None


@pytest.mark.parametrize(
    ("client_id", "reason"),
    [
        ("autoclose-1634267", "liquidation"),
        ("adl_autoclose", "auto-deleveraging"),
        ("adl_autoclose-77", "auto-deleveraging"),
        ("settlement_autoclose-9", "settlement"),
        ("delivery_autoclose-9", "delivery"),
        ("web_autoclose", ""),
    ],
)
def test_orders_of_the_venue_itself_say_so(client_id: str, reason: str) -> None:
    assert report_of(order_update(c=client_id, x="NEW")).reason == reason


def test_margin_call_names_each_leg() -> None:
    leg = {
        "s": "ETHUSDT", "ps": "LONG", "pa": "1.327", "mt": "CROSSED", "iw": "0",
        "mp": "187.17127", "up": "-1.166074", "mm": "1.614445",
    }  # fmt: skip
    other = leg | {"s": "BTCUSDT", "ps": "SHORT", "pa": "-2"}

    calls = parse_frame({"e": "MARGIN_CALL", "E": AT_MS, "cw": "3.16812045", "p": [leg, other]})

    assert calls[0] == MarginCallReport(
        symbol="ETHUSDT",
        position_side=PositionSide.LONG,
        quantity=Decimal("1.327"),
        mark_price=Decimal("187.17127"),
        unrealized_pnl=Decimal("-1.166074"),
        maintenance_margin=Decimal("1.614445"),
        received_at=AT,
    )
    assert isinstance(calls[1], MarginCallReport)
    assert (calls[1].symbol, calls[1].quantity) == ("BTCUSDT", Decimal(-2))


@given(st.dictionaries(st.sampled_from([*algo_update()["o"], "cr", "aq"]), JSON, max_size=5))
def test_algo_update_with_arbitrary_fields_never_raises(changes: dict[str, Any]) -> None:
    assert parse_frame(algo_update(**changes))


@given(st.sampled_from(["p", "E"]), JSON)
def test_margin_call_with_arbitrary_fields_never_raises(key: str, value: Any) -> None:
    assert parse_frame({"e": "MARGIN_CALL", "E": AT_MS, "p": [], key: value})
