"""A venue's story as reports: orders with their updates and fills, and what must come of it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import strategies as st

from tradeops.domain.enums import (
    LiquidityRole,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    TimeInForce,
    WorkingType,
)
from tradeops.domain.ids import client_order_id
from tradeops.exchange.reports import BalanceReport, FillReport, OrderReport, Report

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def at(milliseconds: int) -> datetime:
    return START + timedelta(milliseconds=milliseconds)


def order_report(
    number: int,
    *,
    side: Side = Side.BUY,
    quantity: str = "1",
    filled: str = "0",
    status: OrderStatus = OrderStatus.ACKNOWLEDGED,
    moment: int = 0,
    ours: bool = True,
) -> OrderReport:
    return OrderReport(
        symbol="BTCUSDT",
        venue_order_id=str(1000 + number),
        client_order_id=client_order_id(UUID(int=number)) if ours else f"web_{number}",
        side=side,
        order_type=OrderType.LIMIT,
        status=status,
        quantity=Decimal(quantity),
        filled_quantity=Decimal(filled),
        price=Decimal("60000"),
        average_price=None,
        time_in_force=TimeInForce.GTC,
        reduce_only=False,
        close_position=False,
        position_side=PositionSide.BOTH,
        updated_at=at(moment),
    )


def fill_report(
    number: int,
    trade_id: int,
    *,
    side: Side = Side.BUY,
    quantity: str = "1",
    price: str = "60000",
    moment: int = 0,
    ours: bool = True,
) -> FillReport:
    return FillReport(
        symbol="BTCUSDT",
        trade_id=str(trade_id),
        venue_order_id=str(1000 + number),
        client_order_id=client_order_id(UUID(int=number)) if ours else f"web_{number}",
        side=side,
        position_side=PositionSide.BOTH,
        price=Decimal(price),
        quantity=Decimal(quantity),
        commission=Decimal("0.03"),
        commission_asset="USDT",
        realized_pnl=Decimal(0),
        liquidity=LiquidityRole.TAKER,
        traded_at=at(moment),
    )


def algo_report(
    number: int,
    *,
    side: Side = Side.SELL,
    quantity: str = "1",
    status: OrderStatus = OrderStatus.ACKNOWLEDGED,
    triggered: bool = False,
    moment: int = 0,
    ours: bool = True,
) -> OrderReport:
    """A stop as the service of conditional orders tells it; "0" closes the position."""
    return replace(
        order_report(number, side=side, quantity=quantity, status=status, moment=moment, ours=ours),
        venue_order_id=str(1000 + number) if triggered else "",
        order_type=OrderType.STOP_MARKET,
        price=None,
        reduce_only=True,
        close_position=quantity == "0",
        algo_id=str(9000 + number),
        trigger_price=Decimal("59000"),
        working_type=WorkingType.MARK_PRICE,
        triggered_at=at(moment) if triggered else None,
    )


@dataclass(frozen=True, slots=True)
class Story:
    """Reports in the order in which they happened."""

    reports: tuple[Report, ...]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Up to four orders, each filled in up to three parts, some cancelled, some not ours."""
    reports: list[Report] = []
    moment = trade_id = 0
    wallet = Decimal(10_000)
    for number in range(1, draw(st.integers(1, 4)) + 1):
        side, ours = draw(st.sampled_from(Side)), draw(st.booleans())
        parts = draw(st.lists(st.integers(1, 5), min_size=0, max_size=3))
        rest = draw(st.integers(0, 2))
        total = sum(parts) + rest
        if total == 0:
            continue
        moment += 10
        base = order_report(number, side=side, quantity=str(total), moment=moment, ours=ours)
        reports.append(base)
        done = 0
        for part in parts:
            moment, trade_id, done = moment + 10, trade_id + 1, done + part
            price = str(draw(st.integers(50_000, 70_000)))
            reports.append(
                fill_report(
                    number,
                    trade_id,
                    side=side,
                    quantity=str(part),
                    price=price,
                    moment=moment,
                    ours=ours,
                )
            )
            status = OrderStatus.FILLED if done == total else OrderStatus.PARTIALLY_FILLED
            reports.append(
                replace(base, status=status, filled_quantity=Decimal(done), updated_at=at(moment))
            )
            wallet -= Decimal("0.03")
            reports.append(BalanceReport("USDT", wallet, at(moment)))
        if rest and draw(st.booleans()):
            moment += 10
            reports.append(
                replace(
                    base,
                    status=OrderStatus.CANCELLED,
                    filled_quantity=Decimal(done),
                    updated_at=at(moment),
                )
            )
    return Story(tuple(reports))


@st.composite
def stop_stories(draw: st.DrawFn) -> Story:
    """One or two stops, for a quantity or for the whole position: some rest, some are cancelled,
    some are refused when they trigger, some trigger and fill, some are trimmed by the venue."""
    reports: list[Report] = []
    moment = trade_id = 0
    for number in range(1, draw(st.integers(1, 2)) + 1):
        ours, total = draw(st.booleans()), draw(st.integers(1, 5))
        asked = draw(st.sampled_from(["0", str(total)]))
        moment += 10
        resting = algo_report(number, quantity=asked, moment=moment, ours=ours)
        reports.append(resting)
        end = draw(st.sampled_from([None, "CANCELLED", "EXPIRED", "REJECTED", "FILLED", "CUT"]))
        moment += 10
        if end is None:
            continue
        if end not in {"FILLED", "CUT"}:
            reports.append(replace(resting, status=OrderStatus(end), updated_at=at(moment)))
            continue
        reports.append(
            algo_report(number, quantity=asked, triggered=True, moment=moment, ours=ours)
        )
        base = replace(
            order_report(number, side=Side.SELL, quantity=str(total), moment=moment, ours=ours),
            order_type=OrderType.STOP_MARKET,
            price=None,
            reduce_only=True,
        )
        reports.append(base)
        done = draw(st.integers(1, total)) if end == "FILLED" else draw(st.integers(0, total - 1))
        for _ in range(done):
            moment, trade_id = moment + 10, trade_id + 1
            reports.append(
                fill_report(
                    number, trade_id, side=Side.SELL, quantity="1", moment=moment, ours=ours
                )
            )
        last = OrderStatus.FILLED if end == "FILLED" else OrderStatus.CANCELLED
        moment += 10
        reports.append(
            replace(
                base,
                status=last,
                quantity=Decimal(done if end == "FILLED" else total),
                filled_quantity=Decimal(done),
                updated_at=at(moment),
            )
        )
    return Story(tuple(reports))
