"""python-binance with its URLs set to a paper venue, and the official connector's configuration."""

import warnings
from typing import Any

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import (
    DerivativesTradingUsdsFutures,
)

from tests.support.paper import PaperServer

with warnings.catch_warnings():
    # python-binance still uses the names websockets calls legacy; the lock file pins a version
    # that has them.
    warnings.simplefilter("ignore", DeprecationWarning)
    from binance import AsyncClient, BinanceSocketManager, Client
    from binance.exceptions import BinanceAPIException

__all__ = [
    "AsyncClient",
    "BinanceAPIException",
    "BinanceSocketManager",
    "Client",
    "async_client_class",
    "official_client",
    "socket_manager",
    "sync_client_class",
]


def client_urls(paper: PaperServer) -> dict[str, str]:
    """Every URL a futures program may touch, so that no call can leave this machine."""
    return {
        "API_URL": f"{paper.url}/api",
        "MARGIN_API_URL": f"{paper.url}/sapi",
        "FUTURES_URL": f"{paper.url}/fapi",
        "FUTURES_DATA_URL": f"{paper.url}/futures/data",
        "WS_API_URL": f"{paper.ws_url}/ws-api/v3",
        "WS_FUTURES_URL": f"{paper.ws_url}/ws-fapi/v1",
    }


def sync_client_class(paper: PaperServer) -> type[Client]:
    return type("PaperClient", (Client,), client_urls(paper))


def async_client_class(paper: PaperServer) -> type[AsyncClient]:
    return type("PaperAsyncClient", (AsyncClient,), client_urls(paper))


def socket_manager(paper: PaperServer, client: AsyncClient) -> BinanceSocketManager:
    urls = {"FSTREAM_URL": f"{paper.ws_url}/"}
    manager_class: type[BinanceSocketManager] = type("PaperManager", (BinanceSocketManager,), urls)
    return manager_class(client)


def official_client(paper: PaperServer, account: str = "main") -> Any:
    """The connector; untyped, since its annotations contradict what it returns."""
    key, secret = f"paper-{account}-key", f"paper-{account}-secret"
    return DerivativesTradingUsdsFutures(
        config_rest_api=ConfigurationRestAPI(
            api_key=key, api_secret=secret, base_path=paper.url, timeout=5_000, retries=0
        ),
        config_ws_api=ConfigurationWebSocketAPI(
            api_key=key, api_secret=secret, stream_url=f"{paper.ws_url}/ws-fapi/v1"
        ),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=paper.ws_url),
    )
