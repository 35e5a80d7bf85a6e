"""Environments by URL only, and no way from one into another (F68)."""

import pytest

from tradeops.domain.enums import Environment
from tradeops.exchange.binance.urls import endpoints_for


def test_endpoints_for_mainnet_and_testnet_ignore_the_paper_url() -> None:
    mainnet = endpoints_for(Environment.MAINNET, "http://127.0.0.1:8100")
    testnet = endpoints_for(Environment.TESTNET, "http://127.0.0.1:8100")

    assert mainnet.rest == "https://fapi.binance.com"
    assert mainnet.user_stream("k/1") == "wss://fstream.binance.com/private/ws?listenKey=k%2F1"
    assert mainnet.mark_stream(("BTCUSDT", "ETHUSDT")) == (
        "wss://fstream.binance.com/market/stream?streams=btcusdt@markPrice@1s/ethusdt@markPrice@1s"
    )
    assert testnet.rest == "https://demo-fapi.binance.com"
    assert testnet.user_stream("k") == "wss://stream.binancefuture.com/ws/k"
    assert testnet.mark_stream(("BTCUSDT",)) == (
        "wss://stream.binancefuture.com/stream?streams=btcusdt@markPrice@1s"
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8100",
        "http://127.0.0.1:8100/",
        "http://localhost:8100",
        "http://[::1]:8100",
        "http://10.1.2.3:8100",
        "https://paper:8100",
    ],
)
def test_endpoints_for_paper_accepts_what_is_near(url: str) -> None:
    endpoints = endpoints_for(Environment.PAPER, url)

    assert endpoints.rest == url.rstrip("/")
    assert endpoints.stream == url.rstrip("/").replace("http", "ws", 1)
    assert endpoints.routed


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8100",
        "ftp://127.0.0.1",
        "https://fapi.binance.com",
        "https://demo-fapi.binance.com",
        "http://8.8.8.8:8100",
        "http://paper.example.com",
        "http://127.0.0.1@fapi.binance.com",
        "http://user@127.0.0.1:8100",
        "http://127.0.0.1:8100/?a=b",
        "http://",
    ],
)
def test_endpoints_for_paper_refuses_everything_else(url: str) -> None:
    with pytest.raises(ValueError, match="paper venue"):
        endpoints_for(Environment.PAPER, url)
