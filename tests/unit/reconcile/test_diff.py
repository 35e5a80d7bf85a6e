"""The pure comparison: what is taken over, what is asked for, what is a drift."""

import dataclasses
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from tradeops.domain.enums import MarginMode, OrderStatus, OrderType, PositionSide, Side
from tradeops.domain.ids import client_order_id
from tradeops.exchange.reports import (
    BalanceReport,
    LeverageReport,
    OrderReport,
    PositionReport,
)
from tradeops.reconcile.domain.diff import (
    diff_orders,
    diff_positions,
    diff_settings,
    is_news,
    missing_order,
    order_mismatches,
    unbooked_symbols,
)
from tradeops.reconcile.domain.diff_money import diff_balances
from tradeops.reconcile.domain.sides import (
    DriftKind,
    LocalBalance,
    LocalOrder,
    LocalPosition,
    drift_id,
    is_active,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(minutes=5)
ORDER_ID = uuid.UUID("11111111-2222-4333-8444-555555555555")
D = Decimal


def local_order(**changes: object) -> LocalOrder:
    base = LocalOrder(
        order_id=ORDER_ID,
        client_order_id=client_order_id(ORDER_ID),
        venue_order_id="77",
        symbol="BTCUSDT",
        status=OrderStatus.ACKNOWLEDGED,
        quantity=D("0.5"),
        price=D(60000),
        filled_quantity=D(0),
        booked_quantity=D(0),
        updated_at=LONG_AGO,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def venue_order(**changes: object) -> OrderReport:
    base = OrderReport(
        symbol="BTCUSDT",
        venue_order_id="77",
        client_order_id=client_order_id(ORDER_ID),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        status=OrderStatus.ACKNOWLEDGED,
        quantity=D("0.5"),
        filled_quantity=D(0),
        price=D(60000),
        average_price=None,
        time_in_force=None,
        reduce_only=False,
        close_position=False,
        position_side=PositionSide.BOTH,
        updated_at=LONG_AGO,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def test_orders_equal_sides_yield_nothing() -> None:
    found = diff_orders([local_order()], [venue_order()], now=NOW)

    assert found.heals == ()
    assert found.lookups == ()
    assert order_mismatches([local_order()], [venue_order()], now=NOW) == ()


def test_orders_unknown_at_this_side_is_taken_over() -> None:
    theirs = venue_order(client_order_id="web_abc", venue_order_id="99")

    found = diff_orders([local_order()], [venue_order(), theirs], now=NOW)

    assert found.heals == (theirs,)
    assert found.lookups == ()


@pytest.mark.parametrize(
    "change",
    [
        {"status": OrderStatus.PARTIALLY_FILLED, "filled_quantity": D("0.1")},
        {"venue_order_id": "78"},
        {"quantity": D("0.4"), "updated_at": NOW},
        {"price": D(61000), "updated_at": NOW},
    ],
)
def test_orders_news_of_the_venue_is_taken_over(change: dict[str, object]) -> None:
    theirs = venue_order(**change)

    assert diff_orders([local_order()], [theirs], now=NOW).heals == (theirs,)


def test_orders_older_price_of_a_stale_snapshot_is_ignored() -> None:
    ours = local_order(price=D(61000), updated_at=NOW)

    found = diff_orders([ours], [venue_order()], now=NOW)

    assert found.heals == ()
    assert found.lookups == ()


def test_orders_not_listed_is_looked_up_once_it_is_quiet() -> None:
    quiet = local_order(updated_at=NOW - timedelta(seconds=5))
    active = local_order(updated_at=NOW - timedelta(seconds=4.9))

    assert diff_orders([quiet], [], now=NOW).lookups == (quiet,)
    assert diff_orders([active], [], now=NOW).lookups == ()


def test_orders_closed_here_and_not_listed_is_no_business() -> None:
    ended = local_order(status=OrderStatus.CANCELLED)

    assert diff_orders([ended], [], now=NOW).lookups == ()


def test_orders_ended_here_but_listed_there_is_looked_up() -> None:
    ended = local_order(status=OrderStatus.FILLED, filled_quantity=D("0.5"))

    found = diff_orders([ended], [venue_order()], now=NOW)

    assert found.heals == ()
    assert found.lookups == (ended,)


def test_orders_refused_here_but_listed_there_is_adopted() -> None:
    refused = local_order(status=OrderStatus.REJECTED)

    found = diff_orders([refused], [venue_order()], now=NOW)

    assert found.heals == (venue_order(),)


def test_mismatch_needs_both_sides_quiet() -> None:
    ended = local_order(status=OrderStatus.CANCELLED)

    (mismatch,) = order_mismatches([ended], [venue_order()], now=NOW)
    assert mismatch.kind is DriftKind.ORDER
    assert mismatch.subject == f"BTCUSDT:{client_order_id(ORDER_ID)}"
    assert mismatch.local["status"] == "CANCELLED"
    assert mismatch.venue["status"] == "ACKNOWLEDGED"

    just_now = dataclasses.replace(ended, updated_at=NOW)
    assert order_mismatches([just_now], [venue_order()], now=NOW) == ()
    assert order_mismatches([ended], [venue_order(updated_at=NOW)], now=NOW) == ()


def test_is_active_distrusts_times_far_in_the_future() -> None:
    assert is_active(NOW + timedelta(seconds=2), NOW)
    assert not is_active(NOW + timedelta(hours=1), NOW)


@pytest.mark.parametrize(
    ("status", "age_s", "is_missing"),
    [
        (OrderStatus.ACKNOWLEDGED, 60, True),
        (OrderStatus.PARTIALLY_FILLED, 60, True),
        (OrderStatus.ACKNOWLEDGED, 59, False),
        (OrderStatus.SUBMITTED, 3600, False),
        (OrderStatus.NEW, 3600, False),
    ],
)
def test_not_found_counts_for_acknowledged_orders_after_a_minute(
    status: OrderStatus, age_s: int, is_missing: bool
) -> None:
    order = local_order(status=status, updated_at=NOW - timedelta(seconds=age_s))

    assert (missing_order(order, now=NOW) is not None) is is_missing


def test_unbooked_symbols_names_orders_with_missing_fills() -> None:
    complete = local_order(filled_quantity=D("0.5"), booked_quantity=D("0.5"))
    behind = local_order(symbol="ETHUSDT", filled_quantity=D("0.5"), booked_quantity=D("0.2"))

    assert unbooked_symbols([complete, behind]) == {"ETHUSDT"}


def position(quantity: str, *, symbol: str = "BTCUSDT", **changes: object) -> LocalPosition:
    base = LocalPosition(symbol, PositionSide.BOTH, D(quantity), LONG_AGO, 10, MarginMode.CROSS)
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def leg(quantity: str, *, symbol: str = "BTCUSDT", **changes: object) -> PositionReport:
    base = PositionReport(
        symbol,
        PositionSide.BOTH,
        D(quantity),
        D(60000),
        LONG_AGO,
        margin_mode=MarginMode.CROSS,
        leverage=10,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def test_positions_equal_and_flat_sides_yield_nothing() -> None:
    assert diff_positions([position("0.5")], [leg("0.500")]) == ()
    assert diff_positions([position("0")], []) == ()


@pytest.mark.parametrize(
    ("ours", "theirs", "shown"),
    [
        ([position("0.5")], [leg("0.4")], ("0.5", "0.4")),
        ([position("0.5")], [], ("0.5", "0")),
        ([], [leg("-0.4")], ("0", "-0.4")),
    ],
)
def test_positions_differences_show_both_sides(
    ours: list[LocalPosition], theirs: list[PositionReport], shown: tuple[str, str]
) -> None:
    (found,) = diff_positions(ours, theirs)

    mismatch = found.mismatch()
    assert (mismatch.local["quantity"], mismatch.venue["quantity"]) == shown
    assert mismatch.subject == "BTCUSDT:BOTH"
    assert found.is_quiet(NOW)


def test_positions_difference_is_not_quiet_while_a_side_moves() -> None:
    (ours_moved,) = diff_positions([position("0.5", updated_at=NOW)], [leg("0.4")])
    (theirs_moved,) = diff_positions([position("0.5")], [leg("0.4", updated_at=NOW)])

    assert not ours_moved.is_quiet(NOW)
    assert not theirs_moved.is_quiet(NOW)


def test_settings_are_taken_over_for_symbols_with_a_row() -> None:
    told = [
        LeverageReport("BTCUSDT", 20, NOW, MarginMode.CROSS),
        LeverageReport("ETHUSDT", 5, NOW, MarginMode.CROSS),
    ]

    (heal,) = diff_settings([position("0.5")], told)

    assert (heal.symbol, heal.leverage) == ("BTCUSDT", 20)
    assert diff_settings([position("0.5", leverage=20)], told) == ()
    assert diff_settings([position("0.5")], [leg("0.5", leverage=None)]) == ()


def wallet(amount: str, updated_at: datetime = LONG_AGO) -> LocalBalance:
    return LocalBalance("USDT", D(amount), updated_at)


def told(amount: str, updated_at: datetime = LONG_AGO, asset: str = "USDT") -> BalanceReport:
    return BalanceReport(asset, D(amount), updated_at)


def test_balances_newer_or_first_figure_is_taken_over() -> None:
    assert diff_balances([wallet("10")], [told("11", NOW)], now=NOW).heals == (told("11", NOW),)
    assert diff_balances([], [told("11")], now=NOW).heals == (told("11"),)


def test_balances_equal_or_zero_or_unlisted_is_no_difference() -> None:
    found = diff_balances([wallet("10")], [told("10.00"), told("0", asset="BNB")], now=NOW)

    assert not found.differs
    assert not diff_balances([wallet("10")], [], now=NOW).differs


def test_balances_older_at_the_venue_is_a_mismatch_once_quiet() -> None:
    before = LONG_AGO - timedelta(seconds=1)

    (mismatch,) = diff_balances([wallet("10")], [told("9", before)], now=NOW).mismatches
    assert (mismatch.local, mismatch.venue) == (
        {"wallet_balance": "10"},
        {"wallet_balance": "9"},
    )
    assert not diff_balances([wallet("10", NOW)], [told("9", before)], now=NOW).differs


def test_drift_id_is_the_same_for_the_same_drift_only() -> None:
    (mismatch,) = (item.mismatch() for item in diff_positions([position("1")], []))
    other = dataclasses.replace(mismatch, subject="ETHUSDT:BOTH")

    assert drift_id(1, mismatch, NOW) == drift_id(1, mismatch, NOW)
    assert (
        len(
            {
                drift_id(1, mismatch, NOW),
                drift_id(2, mismatch, NOW),
                drift_id(1, other, NOW),
                drift_id(1, mismatch, LONG_AGO),
            }
        )
        == 4
    )


def test_is_news_of_an_unknown_order_is_true() -> None:
    assert is_news(None, venue_order())
