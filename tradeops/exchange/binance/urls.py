"""Where each environment of Binance USDⓈ-M lives, and nowhere else (F68).

The environment is chosen by URL only; every host is checked against the allow-list of its
environment, so that a wrong setting cannot send a paper order to a real venue.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from tradeops.domain.enums import Environment


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Base URLs without a trailing slash.

    `routed` says whether streams stand under /private and /market (production since 2026-04-23)
    or all under /ws and /stream (futures testnet, seen live on 2026-09-12).
    """

    rest: str
    stream: str
    routed: bool = True

    def user_stream(self, listen_key: str) -> str:
        """URL of the private stream of one listen key."""
        key = quote(listen_key, safe="")
        if self.routed:
            return f"{self.stream}/private/ws?listenKey={key}"
        return f"{self.stream}/ws/{key}"

    def mark_stream(self, symbols: tuple[str, ...]) -> str:
        """URL of the combined one-second mark price stream of `symbols`."""
        names = "/".join(f"{quote(symbol.lower(), safe='')}@markPrice@1s" for symbol in symbols)
        route = "/market" if self.routed else ""
        return f"{self.stream}{route}/stream?streams={names}"


# Source: https://developers.binance.com/docs/derivatives/usds-margined-futures/general-info
# and websocket-market-streams/Important-WebSocket-Change-Notice, both read 2026-11.
_MAINNET = Endpoints(
    rest="https://fapi.binance.com",
    stream="wss://fstream.binance.com",
)
_TESTNET = Endpoints(
    rest="https://demo-fapi.binance.com",
    stream="wss://stream.binancefuture.com",
    routed=False,
)


def endpoints_for(environment: Environment, paper_url: str = "") -> Endpoints:
    """Return the endpoints of `environment`; `paper_url` counts in paper only.

    Raises ValueError when `paper_url` names anything but this machine, a private address or a
    container's bare name.
    """
    if environment is Environment.MAINNET:
        return _MAINNET
    if environment is Environment.TESTNET:
        return _TESTNET
    parts = urlsplit(paper_url)
    if parts.scheme not in {"http", "https"} or not _is_near(parts.hostname or ""):
        message = f"the paper venue must be a local or private http address, not {paper_url!r}"
        raise ValueError(message)
    if parts.username or parts.query or parts.fragment:
        message = "the paper venue's URL takes no user, query or fragment"
        raise ValueError(message)
    rest = paper_url.rstrip("/")
    stream = "ws" + rest.removeprefix("http")
    return Endpoints(rest=rest, stream=stream)


def _is_near(host: str) -> bool:
    if not host:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host  # localhost, or a name of a compose network
    return address.is_loopback or address.is_private
