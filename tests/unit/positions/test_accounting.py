"""Average-price accounting, case by case."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from positions.domain.accounting import Execution, Leg, book, book_all, unrealized_pnl
from tradeops.domain.enums import Side

D = Decimal
START = datetime(2026, 11, 20, tzinfo=UTC)


def fill(trade_id: int, side: Side, quantity: str, price: str) -> Execution:
    return Execution(trade_id, side, D(price), D(quantity), START + timedelta(seconds=trade_id))


@pytest.mark.parametrize(
    ("fills", "quantity", "entry"),
    [
        ([(Side.BUY, "1", "100")], "1", "100"),
        ([(Side.SELL, "1", "100")], "-1", "100"),
        ([(Side.BUY, "1", "100"), (Side.BUY, "3", "108")], "4", "106"),
        ([(Side.BUY, "1", "100"), (Side.BUY, "2", "101")], "3", "100.66666667"),
        ([(Side.BUY, "2", "100"), (Side.SELL, "1", "150")], "1", "100"),
        ([(Side.BUY, "2", "100"), (Side.SELL, "2", "150")], "0", "0"),
        ([(Side.BUY, "2", "100"), (Side.SELL, "5", "150")], "-3", "150"),
        ([(Side.SELL, "2", "100"), (Side.BUY, "3", "90")], "1", "90"),
        ([(Side.SELL, "1", "100"), (Side.SELL, "1", "90")], "-2", "95"),
    ],
)
def test_position_after_fills(
    fills: list[tuple[Side, str, str]], quantity: str, entry: str
) -> None:
    leg = Leg()
    for number, (side, amount, price) in enumerate(fills, start=1):
        leg = book(leg, fill(number, side, amount, price))

    assert leg.quantity == D(quantity)
    assert leg.entry_price == D(entry)


def test_opened_at_is_the_fill_that_left_flat() -> None:
    leg = book_all(
        [
            fill(1, Side.BUY, "1", "100"),
            fill(2, Side.SELL, "1", "100"),
            fill(3, Side.BUY, "1", "100"),
            fill(4, Side.BUY, "1", "100"),
        ]
    )

    assert leg.opened_at == START + timedelta(seconds=3)


def test_trade_ids_decide_about_order() -> None:
    fills = [
        fill(1, Side.BUY, "1", "100"),
        fill(2, Side.SELL, "1", "100"),
        fill(3, Side.BUY, "1", "200"),
    ]

    assert book_all(fills) == book_all(reversed(fills))


@pytest.mark.parametrize(("quantity", "pnl"), [("2", "20"), ("-2", "-20")])
def test_unrealized_pnl_has_the_sign_of_the_position(quantity: str, pnl: str) -> None:
    assert unrealized_pnl(Leg(D(quantity), D("100")), D("110")) == D(pnl)
