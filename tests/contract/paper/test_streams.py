"""Streams of the paper venue over real sockets: routes, order of frames, wrapping, faults."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.contract.paper.venue import BTC, Client, venue
from tradeops.exchange.paper.wire.auth import sign


def play(test: Callable[[Client], Awaitable[None]]) -> None:
    """Run a test's coroutine against a fresh venue."""

    async def inside() -> None:
        async with venue() as client:
            await test(client)

    asyncio.run(inside())


FILL = ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE"]


@pytest.mark.parametrize(
    "path", ["/private/ws?listenKey={}", "/private/ws/{}", "/ws/{}", "/ws?listenKey={}"]
)
def test_a_fill_reaches_the_user_socket_in_order(path: str) -> None:
    async def test(client: Client) -> None:
        async with client.socket(path.format(await client.listen_key())) as user:
            placed = await client.buy(newClientOrderId="ae-1")

            frames = [await user.next() for _ in FILL]

            assert [f["e"] for f in frames] == FILL
            assert [frames[n]["o"]["X"] for n in (0, 2)] == ["NEW", "FILLED"]
            assert {frames[n]["o"]["i"] for n in (0, 2)} == {placed["orderId"]}
            assert "n" not in frames[0]["o"]
            assert frames[2]["o"]["n"] == "0.30000050"
            assert frames[3]["a"]["B"][0]["wb"] == "9999.69999950"
            assert frames[3]["a"]["P"][0]["pa"] == "0.010"

    play(test)


def test_combined_user_stream_is_wrapped_in_the_listen_key() -> None:
    async def test(client: Client) -> None:
        key = await client.listen_key()
        async with client.socket(f"/private/stream?listenKey={key}") as user:
            await client.buy()

            frame = await user.next()

            assert (frame["stream"], frame["data"]["e"]) == (key, FILL[0])

    play(test)


def test_events_parameter_is_an_allow_list() -> None:
    async def test(client: Client) -> None:
        key = await client.listen_key()
        async with client.socket(f"/private/ws?listenKey={key}&events=ACCOUNT_UPDATE") as user:
            await client.buy()

            assert (await user.next())["e"] == "ACCOUNT_UPDATE"
            assert await user.is_silent()

    play(test)


def test_other_accounts_and_unknown_keys_hear_nothing() -> None:
    async def test(client: Client) -> None:
        other = Client(client.session, client.server, "second")
        async with (
            client.socket(f"/private/ws?listenKey={await other.listen_key()}") as foreign,
            client.socket("/private/ws?listenKey=nonsense") as unknown,
        ):
            await client.buy()

            assert await foreign.is_silent()
            assert await unknown.is_silent()

    play(test)


def test_wrong_route_is_acknowledged_and_silent() -> None:
    async def test(client: Client) -> None:
        async with client.socket("/public/ws") as wrong, client.socket("/market/ws") as right:
            ask: dict[str, Any] = {
                "method": "SUBSCRIBE",
                "params": ["btcusdt@aggTrade"],
                "id": "x-1",
            }
            assert await wrong.ask(**ask) == {"result": None, "id": "x-1"}
            assert await right.ask(**ask) == {"result": None, "id": "x-1"}
            await client.buy()

            assert (await right.next())["e"] == "aggTrade"
            assert await wrong.is_silent()
            listed = await right.ask(method="LIST_SUBSCRIPTIONS", id=2)
            assert listed["result"] == ["btcusdt@aggTrade"]
            await right.ask(method="UNSUBSCRIBE", params=["btcusdt@aggTrade"], id=3)
            await client.buy()
            assert await right.is_silent()

    play(test)


def test_market_streams_carry_marks_quotes_and_depth() -> None:
    async def test(client: Client) -> None:
        async with (
            client.socket("/market/stream?streams=btcusdt@markPrice@1s") as marks,
            client.socket("/public/ws/btcusdt@bookTicker") as quotes,
            client.socket("/public/ws/btcusdt@depth@100ms") as depths,
        ):
            # The beat that sends the mark has begun to watch the book for the depth listener, too.
            mark = await marks.next()
            await client.control("price", symbol=BTC, price="61000")
            first, second = await quotes.next(), await quotes.next()
            depth = await depths.next()

            assert mark["stream"] == "btcusdt@markPrice@1s"
            assert mark["data"]["p"] == "60000.00000000"
            assert [Decimal(first["b"]), Decimal(second["b"])] == [60000, 61000]
            levels = {Decimal(price): Decimal(quantity) for price, quantity in depth["b"]}
            assert levels[Decimal(60000)] == 0 < levels[Decimal(61000)]
            assert depth["pu"] < depth["U"] <= depth["u"]

    play(test)


def test_muted_stream_stays_open_and_loses_what_happened() -> None:
    async def test(client: Client) -> None:
        async with client.socket(f"/private/ws?listenKey={await client.listen_key()}") as user:
            await client.control("faults", kind="ws_mute", match="main")
            await client.buy()
            assert await user.is_silent()
            async with client.session.delete("/paper/faults") as reply:
                assert (await reply.json())["faults"] == []
            second = await client.buy()

            assert (await user.next())["o"]["i"] == second["orderId"]

    play(test)


def test_duplicated_and_dropped_frames() -> None:
    async def test(client: Client) -> None:
        async with client.socket(f"/private/ws?listenKey={await client.listen_key()}") as user:
            await client.control(
                "faults", kind="ws_duplicate", match="main ORDER_TRADE_UPDATE", count=1
            )
            await client.control("faults", kind="ws_drop", match="main TRADE_LITE")
            await client.buy()

            seen = [(await user.next())["e"] for _ in range(4)]

            assert seen == [FILL[0], FILL[0], FILL[2], FILL[3]]

    play(test)


def test_delayed_and_reordered_frames() -> None:
    async def test(client: Client) -> None:
        async with client.socket(f"/private/ws?listenKey={await client.listen_key()}") as user:
            await client.control("faults", kind="ws_delay", match="main TRADE_LITE", count=1, ms=1)
            await client.buy()
            assert [(await user.next())["e"] for _ in FILL] == FILL
            await client.control("faults", kind="ws_reorder", match="main TRADE_LITE", count=1)
            await client.buy()

            seen = [(await user.next())["e"] for _ in FILL]

            assert seen == [FILL[0], FILL[2], FILL[1], FILL[3]]

    play(test)


def test_mangled_frame_is_read_as_it_is_and_the_next_is_whole() -> None:
    async def test(client: Client) -> None:
        async with client.socket(f"/private/ws?listenKey={await client.listen_key()}") as user:
            await client.control("faults", kind="ws_truncate", match="main ORDER", count=1)
            await client.buy()

            broken = await user.ws.receive(timeout=10)

            with pytest.raises(ValueError, match=r"."):
                json.loads(broken.data)
            assert [(await user.next())["e"] for _ in FILL[1:]] == FILL[1:]

    play(test)


def test_connection_ends_in_place_of_a_frame_and_comes_back() -> None:
    async def test(client: Client) -> None:
        path = f"/private/ws?listenKey={await client.listen_key()}"
        async with client.socket(path) as user:
            await client.control("faults", kind="ws_close", match="main ACCOUNT_UPDATE", count=1)
            await client.buy()
            assert [(await user.next())["e"] for _ in FILL[:3]] == FILL[:3]
            assert await user.is_closed()
        async with client.socket(path) as again:
            await client.buy()
            assert (await again.next())["e"] == FILL[0]

    play(test)


def test_disconnect_cuts_the_sockets_and_refuses_new_ones_while_it_lasts() -> None:
    async def test(client: Client) -> None:
        path = f"/private/ws?listenKey={await client.listen_key()}"
        async with client.socket(path) as user, client.socket("/ws/btcusdt@aggTrade") as market:
            fault = await client.control("faults", kind="ws_disconnect", match="main", ms=60_000)
            assert await user.is_closed()
            with pytest.raises(Exception, match="503"):
                await client.session.ws_connect(path)
            await client.session.delete(f"/paper/faults?id={fault['fault_id']}")
            await client.buy()
            assert (await market.next())["e"] == "aggTrade"
        async with client.socket(path) as again:
            await client.buy()
            assert (await again.next())["e"] == FILL[0]

    play(test)


def test_expired_listen_key_says_so_and_then_nothing() -> None:
    async def test(client: Client) -> None:
        key = await client.listen_key()
        async with client.socket(f"/private/ws?listenKey={key}") as user:
            await client.control("faults", kind="listen_key_expire", match="main")
            assert (await user.next())["listenKey"] == key
            await client.buy()
            assert await user.is_silent()

            fresh = await client.listen_key()
            assert fresh != key
            async with client.socket(f"/private/ws?listenKey={fresh}") as again:
                await client.buy()
                assert (await again.next())["e"] == FILL[0]

    play(test)


def test_websocket_api_places_queries_and_cancels() -> None:
    async def test(client: Client) -> None:
        def signed(**params: Any) -> dict[str, Any]:
            full = params | {
                "apiKey": "paper-main-key",
                "timestamp": client.server.clock.now_ms(),
            }
            text = "&".join(f"{k}={v}" for k, v in sorted(full.items()))
            return full | {"signature": sign("paper-main-secret", text)}

        async with client.socket("/ws-fapi/v1") as api:
            order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
            placed = await api.ask(
                id="1", method="order.place", params=signed(**order, price="59000", quantity="0.01")
            )
            assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
            assert placed["rateLimits"][0]["limit"] == 2400
            number = placed["result"]["orderId"]
            status = await api.ask(
                id="2", method="order.status", params=signed(symbol=BTC, orderId=number)
            )
            assert status["result"]["status"] == "NEW"
            gone = await api.ask(
                id="3", method="order.cancel", params=signed(symbol=BTC, orderId=number)
            )
            assert gone["result"]["status"] == "CANCELED"
            wrong = await api.ask(id="4", method="order.place", params={"symbol": BTC})
            assert (wrong["status"], wrong["error"]["code"]) == (400, -1102)
            bad = signed(symbol=BTC, orderId=number) | {"orderId": 5}
            assert (await api.ask(id="5", method="order.status", params=bad))["error"][
                "code"
            ] == -1022
            assert (await api.ask(id="6", method="nothing", params={}))["error"]["code"] == -5000
            balance = await api.ask(id="7", method="v2/account.balance", params=signed())
            assert balance["result"][0]["balance"] == "10000.00000000"

    play(test)
