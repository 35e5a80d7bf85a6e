"""Lists, pages, one order's story, and what each of them costs."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ExchangeAccount
from orders.schemas import FillPage, OrderDetailOut, OrderPage
from positions.schemas import PositionList
from tests.integration.api.booking import PRICE, START, pay_in, place
from tests.integration.api.client import Api, assert_problem
from tests.integration.api.conftest import KeyMaker
from tradeops.domain.enums import OrderStatus
from tradeops.exchange.reports import MarkPriceReport
from tradeops.market.cache import store_marks

ORDERS = 7


def _pages(api: Api, path: str) -> list[list[dict[str, Any]]]:
    pages, cursor = [], ""
    while True:
        body = api.get(f"{path}&cursor={cursor}" if cursor else path).json()
        pages.append(body["items"])
        if body["next"] is None:
            return pages
        cursor = body["next"]


@pytest.fixture
def orders(account: ExchangeAccount) -> list[str]:
    """Seven orders, two of them at the same instant; ids newest first."""
    moments = [START + timedelta(seconds=s) for s in (0, 1, 2, 2, 3, 4, 5)]
    made = [place(account, at=at, trade_id=n) for n, at in enumerate(moments)]
    made.sort(key=lambda order: order.pk)
    made.sort(key=lambda order: order.submitted_at, reverse=True)
    return [str(order.pk) for order in made]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_hold_every_order_once_newest_first(api: Api, orders: list[str], limit: int) -> None:
    pages = _pages(api, f"/api/v1/orders?limit={limit}")

    assert [item["id"] for page in pages for item in page] == orders
    assert all(len(page) == limit for page in pages[:-1])


def test_pages_of_fills_hold_every_fill_once(api: Api, orders: list[str]) -> None:
    pages = _pages(api, "/api/v1/fills?limit=2")

    assert sorted(item["trade_id"] for page in pages for item in page) == list("0123456")


def test_new_order_does_not_shift_the_next_page(
    api: Api, account: ExchangeAccount, orders: list[str]
) -> None:
    first = api.get("/api/v1/orders?limit=3").json()
    place(account, at=START + timedelta(minutes=1))

    second = api.get(f"/api/v1/orders?limit=4&cursor={first['next']}").json()

    assert [item["id"] for item in first["items"] + second["items"]] == orders


def test_filters_narrow_the_list(
    api: Api, account: ExchangeAccount, second: ExchangeAccount
) -> None:
    filled = place(account, trade_id=1)
    resting = place(account, at=START + timedelta(minutes=1))
    elsewhere = place(second, at=START + timedelta(minutes=2))

    def ids(query: str) -> set[str]:
        return {item["id"] for item in api.get(f"/api/v1/orders?{query}").json()["items"]}

    assert ids("status=FILLED") == {str(filled.pk)}
    assert ids("status=FILLED&status=ACKNOWLEDGED&account=main") == {
        str(filled.pk),
        str(resting.pk),
    }
    assert ids("account=second") == {str(elsewhere.pk)}
    assert ids("symbol=ETHUSDT") == set()
    assert ids("since=2026-11-20T12:01:00Z") == {str(resting.pk), str(elsewhere.pk)}
    assert ids("until=2026-11-20T12:01:00Z") == {str(filled.pk)}


def test_foreign_rows_are_in_no_list(
    make_key: KeyMaker, account: ExchangeAccount, second: ExchangeAccount
) -> None:
    mine = place(account, trade_id=1)
    foreign = place(second, trade_id=1)
    pay_in(second, "7")
    api = Api(make_key("read", "cancel"))

    assert [row["id"] for row in api.get("/api/v1/orders").json()["items"]] == [str(mine.pk)]
    assert len(api.get("/api/v1/fills").json()["items"]) == 1
    assert [row["account"] for row in api.get("/api/v1/positions").json()["items"]] == ["main"]
    assert api.get("/api/v1/balances").json()["items"] == []
    assert api.get("/api/positions").json()[0]["positionAmt"] == "0.008"
    assert_problem(api.get(f"/api/v1/orders/{foreign.pk}"), 404, "NOT_FOUND")
    assert_problem(api.send("DELETE", f"/api/v1/orders/{foreign.pk}"), 404, "NOT_FOUND")


def test_order_explains_itself(api: Api, account: ExchangeAccount) -> None:
    order = place(account, trade_id=1)

    detail = OrderDetailOut.model_validate(api.get(f"/api/v1/orders/{order.pk}").json())

    assert detail.average_price == PRICE
    assert [fill.trade_id for fill in detail.fills] == ["1"]
    assert [(gate.gate, gate.passed, gate.numbers) for gate in detail.gates] == [
        ("engine", True, {"a": "1"})
    ]
    assert [step.type for step in detail.events] == [
        "OrderPlaced",
        "OrderUpdated",
        "TradeExecuted",
    ]


def test_positions_carry_marks_and_profit(api: Api, account: ExchangeAccount) -> None:
    place(account, trade_id=1)
    without = PositionList.model_validate(api.get("/api/v1/positions").json()).items[0]
    store_marks([MarkPriceReport("BTCUSDT", Decimal(61868), START)])

    (position,) = api.get("/api/v1/positions").json()["items"]

    assert without.mark_price is None
    assert without.unrealized_pnl is None
    assert position["direction"] == "LONG"
    assert position["quantity"] == "0.008"
    assert position["entry_price"] == "61768.2"
    assert position["mark_price"] == "61868"
    assert position["unrealized_pnl"] == "0.7984"
    (alias,) = api.get("/api/positions").json()
    assert alias == {
        "symbol": "BTCUSDT",
        "positionAmt": "0.008",
        "entryPrice": "61768.2",
        "markPrice": "61868",
        "leverage": alias["leverage"],
        "unRealizedProfit": "0.7984",
        "marginType": alias["marginType"],
    }


def test_events_follow_their_numbers(api: Api, account: ExchangeAccount) -> None:
    place(account, trade_id=1)

    first = api.get("/api/v1/events?limit=2").json()
    rest = api.get(f"/api/v1/events?after={first['next']}").json()

    assert [item["seq"] for item in first["items"] + rest["items"]] == [1, 2, 3]
    assert rest["next"] is None
    assert api.get("/api/v1/events?after=3").json()["items"] == []


def test_balances_are_exact(api: Api, account: ExchangeAccount) -> None:
    pay_in(account, "10482.17000001")

    (balance,) = api.get("/api/v1/balances").json()["items"]

    assert (balance["asset"], balance["wallet_balance"]) == ("USDT", "10482.17000001")


@pytest.mark.parametrize(
    ("path", "queries"),
    [
        ("/api/v1/orders", 1),
        ("/api/v1/orders?account=main&status=FILLED", 2),
        ("/api/v1/fills", 1),
        ("/api/v1/positions", 1),
        ("/api/v1/balances", 1),
        ("/api/v1/accounts", 1),
        ("/api/v1/instruments", 1),
        ("/api/v1/limits", 1),
        ("/api/v1/events", 2),
        ("/api/positions", 1),
    ],
)
def test_list_costs_the_same_however_long_it_is(
    api: Api, account: ExchangeAccount, path: str, queries: int
) -> None:
    for number in range(ORDERS):
        place(account, at=START + timedelta(seconds=number), trade_id=number)

    with CaptureQueriesContext(connection) as captured:
        assert api.get(path).status_code == 200

    assert len(captured) == queries, [query["sql"] for query in captured]


def test_one_order_costs_three_queries(api: Api, account: ExchangeAccount) -> None:
    order = place(account, trade_id=1)

    with CaptureQueriesContext(connection) as captured:
        api.get(f"/api/v1/orders/{order.pk}")

    assert len(captured) == 3


def test_pages_fit_their_published_shape(api: Api, orders: list[str]) -> None:
    OrderPage.model_validate(api.get("/api/v1/orders").json())
    FillPage.model_validate(api.get("/api/v1/fills").json())


def test_quantities_are_text(api: Api, account: ExchangeAccount) -> None:
    place(account, status=OrderStatus.ACKNOWLEDGED)

    (order,) = api.get("/api/v1/orders").json()["items"]

    assert (order["quantity"], order["filled_quantity"]) == ("0.008", "0")
    assert order["average_price"] is None
    assert order["submitted_at"] == "2026-11-20T12:00:00Z"
