"""Keys, signatures, clocks, limits and listen keys of the dialect."""

import json
from urllib.parse import quote, urlencode

import pytest

from tests.unit.paper.trader import BTC, START_MS, Bench, market
from tradeops.exchange.paper.wire.auth import sign
from tradeops.exchange.paper.wire.calls import Reply, Request
from tradeops.exchange.paper.wire.limits import Limits

ORDER = "/fapi/v1/order"
BALANCE = "/fapi/v3/balance"
LISTEN_KEY = "/fapi/v1/listenKey"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def send(
    bench: Bench,
    method: str,
    path: str,
    *,
    query: str = "",
    body: str = "",
    key: str | None = "key-of-a",
) -> Reply:
    return bench.wire.handle(Request(method, path, query, body, key), bench.now_ms)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [(None, 401, -2014), ("x", 401, -2014), ("bad key!", 401, -2014), ("unknown-key", 401, -2015)],
)
def test_key_is_checked_before_anything_else(
    bench: Bench, key: str | None, status: int, code: int
) -> None:
    reply = send(bench, "GET", BALANCE, key=key)

    assert (reply.status, reply.body["code"]) == (status, code)


def test_unknown_path_is_404(bench: Bench) -> None:
    assert send(bench, "GET", "/fapi/v1/nothing").status == 404
    assert send(bench, "PATCH", ORDER).status == 404


@pytest.mark.parametrize("missing", ["timestamp", "signature"])
def test_signed_request_needs_timestamp_and_signature(bench: Bench, missing: str) -> None:
    query = {"timestamp": f"timestamp={START_MS}", "signature": "signature=00"}
    del query[missing]

    reply = send(bench, "GET", BALANCE, query="&".join(query.values()))

    assert reply.body["code"] == -1102
    assert missing in reply.body["msg"]


@pytest.mark.parametrize("signature", ["00", "", "é", sign("secret-b", f"timestamp={START_MS}")])
def test_wrong_signature_is_refused(bench: Bench, signature: str) -> None:
    query = f"timestamp={START_MS}&signature={quote(signature)}"

    assert send(bench, "GET", BALANCE, query=query).body["code"] in (
        (-1022,) if signature else (-1102,)
    )


@pytest.mark.parametrize("where", ["query", "body", "both"])
def test_signature_covers_query_and_body_together(bench: Bench, where: str) -> None:
    payload = urlencode(market("BUY", "0.010") | {"timestamp": bench.now_ms})
    head, _, tail = payload.partition("&")
    query, body = {"query": (payload, ""), "body": ("", payload), "both": (head, tail)}[where]
    signature = f"&signature={sign('secret-a', query + body)}"
    query, body = (query + signature, body) if where == "query" else (query, body + signature)

    assert send(bench, "POST", ORDER, query=query, body=body).body["status"] == "FILLED"


@pytest.mark.parametrize("signed_text", ["encoded", "decoded"])
def test_signature_over_wire_bytes_or_decoded_text_is_accepted(
    bench: Bench, signed_text: str
) -> None:
    order = market("BUY", "0.010", newClientOrderId="a:b/c") | {"timestamp": bench.now_ms}
    encoded = urlencode(order)
    decoded = "&".join(f"{name}={value}" for name, value in order.items())
    covered = encoded if signed_text == "encoded" else decoded

    reply = send(bench, "POST", ORDER, body=f"{encoded}&signature={sign('secret-a', covered)}")

    assert reply.body["clientOrderId"] == "a:b/c"


@pytest.mark.parametrize(
    ("shift_ms", "window", "ok"),
    [
        (-5_000, None, True),
        (-5_001, None, False),
        (-3_000, 3_000, True),
        (-3_001, 3_000, False),
        (999, None, True),
        (1_000, None, False),
    ],
)
def test_timestamp_must_be_inside_the_window(
    bench: Bench, shift_ms: int, window: int | None, *, ok: bool
) -> None:
    extra = {} if window is None else {"recvWindow": window}

    reply = bench.trader().send("GET", BALANCE, timestamp=bench.now_ms + shift_ms, **extra)

    assert reply.status == (200 if ok else 400)
    assert ok or reply.body["code"] == -1021


@pytest.mark.parametrize("window", ["60001", "abc", "-1"])
def test_recv_window_is_a_number_up_to_a_minute(bench: Bench, window: str) -> None:
    assert bench.trader().code("GET", BALANCE, recvWindow=window) == -1102


def test_weight_is_counted_and_told(bench: Bench) -> None:
    first = bench.trader().send("GET", "/fapi/v1/openOrders")
    second = bench.trader().send("GET", "/fapi/v1/openOrders", symbol=BTC)

    assert first.headers["X-MBX-USED-WEIGHT-1M"] == "40"
    assert second.headers["X-MBX-USED-WEIGHT-1M"] == "41"


def test_weight_starts_anew_with_the_minute(bench: Bench) -> None:
    bench.trader().send("GET", "/fapi/v1/openOrders")
    bench.later(60_000)

    reply = bench.trader().send("GET", "/fapi/v1/openOrders", symbol=BTC)

    assert reply.headers["X-MBX-USED-WEIGHT-1M"] == "1"


def test_too_much_weight_is_429_then_418_until_the_ban_ends() -> None:
    bench = Bench(limits=Limits(weight_1m=2))
    statuses = [send(bench, "GET", "/fapi/v1/ping").status for _ in range(13)]

    assert statuses == [200] * 2 + [429] * 10 + [418]
    banned = send(bench, "GET", "/fapi/v1/ping").body
    assert banned["code"] == -1003
    assert f"banned until {START_MS + 120_000}" in banned["msg"]
    bench.later(119_999)
    assert send(bench, "GET", "/fapi/v1/ping").status == 418
    bench.later(1)
    assert send(bench, "GET", "/fapi/v1/ping").status == 200


def test_orders_are_counted_per_account_in_two_windows() -> None:
    bench = Bench(limits=Limits(orders_10s=2, orders_1m=3))
    order = market("BUY", "0.010")
    a = bench.trader("a")
    replies = [a.send("POST", ORDER, **order) for _ in range(3)]

    assert [r.status for r in replies] == [200, 200, 429]
    assert replies[1].headers["X-MBX-ORDER-COUNT-10S"] == "2"
    assert replies[2].body == {
        "code": -1015,
        "msg": "Too many new orders; current limit is 2 orders per TEN_SECONDS.",
    }
    assert bench.trader("b").send("POST", ORDER, **order).status == 200
    bench.later(10_000)
    assert a.send("POST", ORDER, **order).headers["X-MBX-ORDER-COUNT-1M"] == "3"
    assert "MINUTE" in a.send("POST", ORDER, **order).body["msg"]
    assert len(bench.member("a").fills) == 3


def test_batch_counts_five_in_ten_seconds_and_once_in_the_minute() -> None:
    bench = Bench(limits=Limits(orders_10s=9, orders_1m=9))
    batch = json.dumps([market("BUY", "0.001") for _ in range(2)])
    a = bench.trader("a")

    reply = a.send("POST", "/fapi/v1/batchOrders", batchOrders=batch)
    again = a.send("POST", "/fapi/v1/batchOrders", batchOrders=batch)

    assert reply.headers["X-MBX-ORDER-COUNT-10S"] == "5"
    assert reply.headers["X-MBX-ORDER-COUNT-1M"] == "1"
    assert again.status == 429
    assert len(bench.member("a").fills) == 2


def test_exchange_info_shows_the_limits_in_force() -> None:
    bench = Bench(limits=Limits(orders_10s=7))

    info = send(bench, "GET", "/fapi/v1/exchangeInfo", key=None).body

    limits = {(r["rateLimitType"], r["interval"]): r["limit"] for r in info["rateLimits"]}
    assert limits[("ORDERS", "SECOND")] == 7
    assert len(info["symbols"]) == 10


def test_listen_key_is_one_per_account_and_extended_by_post_and_put(bench: Bench) -> None:
    first = send(bench, "POST", LISTEN_KEY).body["listenKey"]
    bench.later(59 * 60_000)

    assert send(bench, "POST", LISTEN_KEY).body["listenKey"] == first
    assert send(bench, "POST", LISTEN_KEY, key="key-of-b").body["listenKey"] != first
    bench.later(59 * 60_000)
    assert send(bench, "PUT", LISTEN_KEY).body["listenKey"] == first
    bench.later(59 * 60_000)
    assert bench.wire.listen_keys.account_of(first) == "a"


def test_listen_key_ends_after_an_hour_with_a_last_frame(bench: Bench) -> None:
    key = send(bench, "POST", LISTEN_KEY).body["listenKey"]
    bench.frames()

    bench.later(60 * 60_000)
    (frame,) = bench.frames()

    assert frame.account == "a"
    assert frame.payload == {"e": "listenKeyExpired", "E": bench.now_ms, "listenKey": key}
    assert send(bench, "PUT", LISTEN_KEY).body["code"] == -1125
    assert send(bench, "POST", LISTEN_KEY).body["listenKey"] != key


def test_deleted_listen_key_is_gone(bench: Bench) -> None:
    key = send(bench, "POST", LISTEN_KEY).body["listenKey"]

    assert send(bench, "DELETE", LISTEN_KEY).body == {}
    assert bench.wire.listen_keys.account_of(key) is None
