"""The paper venue as a server: faults on the way, control routes, state, start errors."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.contract.paper.venue import BTC, Client, market, venue, without_marks
from tradeops.exchange.paper.wire.limits import Limits

ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"


def play(test: Callable[[Client], Awaitable[None]], **options: Any) -> None:
    """Run a test's coroutine against a fresh venue."""

    async def inside() -> None:
        async with venue(**options) as client:
            await test(client)

    asyncio.run(inside())


async def orders_of(client: Client) -> list[str]:
    async with client.session.get("/paper/truth", params={"account": client.name}) as reply:
        (account,) = (await reply.json())["accounts"]
        return [order["client_order_id"] for order in account["orders"]]


@pytest.mark.parametrize(
    ("kind", "executed"), [("http_5xx_before", []), ("http_5xx_after", ["ae-1"])]
)
def test_503_looks_the_same_whether_the_order_was_executed_or_not(
    kind: str, executed: list[str]
) -> None:
    async def test(client: Client) -> None:
        await client.control("faults", kind=kind, match=f"POST {ORDER}", count=1)

        status, body, _ = await client.raw("POST", ORDER, **market("ae-1"))

        assert (status, body["code"]) == (503, -1000)
        assert await orders_of(client) == executed
        assert (await client.raw("POST", ORDER, **market("ae-2")))[0] == 200

    play(test)


@pytest.mark.parametrize(
    ("kind", "executed"), [("timeout_before", []), ("timeout_after", ["ae-1"])]
)
def test_timeout_ends_the_connection_without_a_reply(kind: str, executed: list[str]) -> None:
    async def test(client: Client) -> None:
        await client.control("faults", kind=kind, match=f"POST {ORDER}", count=1, ms=50)

        with pytest.raises(aiohttp.ClientConnectionError):
            await client.raw("POST", ORDER, **market("ae-1"))

        assert await orders_of(client) == executed

    play(test)


def test_throttle_and_ban_carry_the_venues_words_and_change_nothing() -> None:
    async def test(client: Client) -> None:
        await client.control("faults", kind="throttle_429", count=1)
        status, body, _ = await client.raw("POST", ORDER, **market("ae-1"))
        assert (status, body["code"]) == (429, -1003)
        until = client.server.clock.now_ms() + 60_000
        await client.control("faults", kind="ban_418", count=1, until=until)
        status, body, _ = await client.raw("POST", ORDER, **market("ae-1"))
        assert status == 418
        assert f"banned until {until}." in body["msg"]
        assert await orders_of(client) == []

    play(test)


def test_fault_may_name_one_account() -> None:
    async def test(client: Client) -> None:
        other = Client(client.session, client.server, "second")
        await client.control("faults", kind="http_5xx_before", match=f"POST {ORDER} second")

        assert (await other.raw("POST", ORDER, **market("x")))[0] == 503
        assert (await client.raw("POST", ORDER, **market("x")))[0] == 200

    play(test)


def test_shifted_clock_refuses_signed_requests_until_it_is_back() -> None:
    async def test(client: Client) -> None:
        stamp = client.server.clock.now_ms()
        await client.control("clock", offset_ms=60_000)
        status, body, _ = await client.raw("GET", "/fapi/v3/balance", timestamp=stamp)
        assert (status, body["code"]) == (400, -1021)
        moved = await client.control("clock", set=stamp)
        assert abs(moved["now_ms"] - stamp) < 1_000
        assert (await client.raw("GET", "/fapi/v3/balance", timestamp=stamp))[0] == 200

    play(test)


def test_truth_tells_orders_refusals_fills_positions_and_balances() -> None:
    async def test(client: Client) -> None:
        await client.buy(newClientOrderId="ae-1")
        await client.raw("POST", ORDER, **market("ae-2") | {"quantity": "900"})

        async with client.session.get("/paper/truth") as reply:
            accounts = {a["name"]: a for a in (await reply.json())["accounts"]}

        assert set(accounts) == {"main", "second", "stranger"}
        main = accounts["main"]
        assert (main["api_key"], main["api_secret"]) == ("paper-main-key", "paper-main-secret")
        assert [o["client_order_id"] for o in main["orders"]] == ["ae-1"]
        assert [(r["client_order_id"], r["reason"]) for r in main["rejected"]] == [
            ("ae-2", "insufficient margin")
        ]
        assert [f["quantity"] for f in main["fills"]] == ["0.010"]
        assert [(p["symbol"], p["quantity"]) for p in main["positions"]] == [(BTC, "0.010")]
        assert main["balances"][0]["wallet"] == "9999.69999950"
        assert main["orders"][0]["received_at"].endswith("+00:00")

    play(test)


def test_funding_and_transfer_on_demand() -> None:
    async def test(client: Client) -> None:
        await client.buy("0.100")
        await client.control("funding", symbol=BTC, rate="0.001")
        await client.control("transfer", account="main", amount="500")

        (balance,) = await client.ok("GET", "/fapi/v3/balance")

        assert balance["balance"] == "10490.99999500"

    play(test)


def test_venue_closes_positions_on_demand() -> None:
    async def test(client: Client) -> None:
        await client.buy("0.100")
        await client.control("close", account="main", symbol=BTC, cause="adl", quantity="0.040")
        await client.control("close", account="main", symbol=BTC, cause="settlement")
        await client.buy("0.100")
        await client.control("liquidate", account="main", symbol=BTC)

        rows = await client.ok("GET", "/fapi/v1/forceOrders")
        async with client.session.get("/paper/truth", params={"account": "main"}) as reply:
            (main,) = (await reply.json())["accounts"]

        assert [row["clientOrderId"].split("-")[0] for row in rows] == [
            "adl_autoclose",
            "autoclose",
        ]
        assert main["positions"] == []
        ids = [order["client_order_id"].rstrip("0123456789") for order in main["orders"]]
        assert ids.count("settlement_autoclose-") == 1
        moved = sum(Decimal(entry["amount"]) for entry in main["income"])
        assert Decimal(main["balances"][0]["wallet"]) == 10000 + moved
        assert {entry["kind"] for entry in main["income"]} >= {"COMMISSION", "REALIZED_PNL"}

    play(test)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("close", {"account": "main", "symbol": BTC}),
        ("close", {"account": "main", "symbol": BTC, "cause": "earthquake"}),
        ("liquidate", {"account": "nobody", "symbol": BTC}),
        ("price", {"symbol": "NOPE", "price": "1"}),
        ("price", {"symbol": BTC, "price": "abc"}),
        ("price", {"symbol": BTC, "price": "0"}),
        ("faults", {"kind": "earthquake"}),
        ("tape", {"path": "/nowhere/at/all.gz"}),
        ("tape", {"speed": 0}),
        ("clock", {}),
        ("transfer", {"account": "nobody", "amount": "1"}),
    ],
)
def test_control_route_explains_what_it_cannot_do(path: str, body: dict[str, Any]) -> None:
    async def test(client: Client) -> None:
        async with client.session.post(f"/paper/{path}", json=body) as reply:
            assert reply.status == 400
            assert (await reply.json())["error"]

    play(test)


def test_price_released_follows_the_tape_again() -> None:
    async def test(client: Client) -> None:
        await client.control("price", symbol=BTC, price="50000")
        before = (await client.ok("GET", "/fapi/v1/premiumIndex", symbol=BTC))["markPrice"]
        await client.control("price", symbol=BTC, price=None)
        deadline = asyncio.get_running_loop().time() + 10
        after = before
        while after == before and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
            after = (await client.ok("GET", "/fapi/v1/premiumIndex", symbol=BTC))["markPrice"]

        assert before == "50000.00000000"
        assert after != before

    play(test, limits=Limits(weight_1m=100_000))


def test_everything_is_there_again_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "deep" / "state.json"
    seen: dict[str, Any] = {}

    async def first(client: Client) -> None:
        await client.ok("POST", "/fapi/v1/leverage", symbol=BTC, leverage=7)
        await client.ok("POST", "/fapi/v1/marginType", symbol="ETHUSDT", marginType="ISOLATED")
        await client.buy("0.100", newClientOrderId="filled")
        resting = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        await client.ok("POST", ORDER, **resting, price="59000", quantity="0.010")
        await client.raw("POST", ORDER, **market("refused") | {"quantity": "900"})
        stop = {"algoType": "CONDITIONAL", "symbol": BTC, "side": "SELL", "type": "STOP_MARKET"}
        await client.ok("POST", ALGO, **stop, triggerPrice="58500", closePosition="true")
        seen["key"] = await client.listen_key()
        async with client.session.get("/paper/truth") as reply:
            seen["truth"] = without_marks(await reply.json())

    async def second(client: Client) -> None:
        async with client.session.get("/paper/truth") as reply:
            assert without_marks(await reply.json()) == seen["truth"]
        assert await client.listen_key() == seen["key"]
        config = await client.ok("GET", "/fapi/v1/symbolConfig", symbol="ETHUSDT")
        assert config[0]["marginType"] == "ISOLATED"
        (resting,) = await client.ok("GET", "/fapi/v1/openOrders")
        await client.control("price", symbol=BTC, price="58000")
        row = await client.ok("GET", ORDER, symbol=BTC, orderId=resting["orderId"])
        assert row["status"] == "FILLED"
        (stop,) = await client.ok("GET", "/fapi/v1/allAlgoOrders", symbol=BTC)
        assert (stop["algoStatus"], stop["actualQty"]) == ("FINISHED", "0.110")
        newer = await client.buy()
        assert newer["orderId"] > resting["orderId"]

    play(first, state=state)
    play(second, state=state)
