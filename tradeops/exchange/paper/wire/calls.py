"""Requests, replies and parameters as the wire dialect sees them. Pure: no socket, no clock."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from tradeops.exchange.paper.instruments import InstrumentSpec
from tradeops.exchange.paper.venue import Member, Venue
from tradeops.exchange.paper.wire.errors import BAD_SYMBOL, WireError, illegal, missing

# Longer numbers than any real one are refused before Decimal sees them (1e400, 500 digits).
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_INTEGER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came over the wire. `query` and `body` are raw, still encoded."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    api_key: str | None = None
    ip: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Reply:
    """One HTTP reply: status, JSON body, headers."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)


class Security(Enum):
    """What a route asks of the caller."""

    NONE = "none"
    KEY = "key"
    SIGNED = "signed"


class ParamError(Exception):
    """A parameter is missing or malformed; carries the error reply. Caught by the router only."""

    def __init__(self, error: WireError) -> None:
        super().__init__(error.message)
        self.error = error


Params: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A checked request: who asks, with which parameters, when (ms of the venue's clock)."""

    venue: Venue
    params: Params
    now_ms: int
    account: Member | None = None

    @property
    def member(self) -> Member:
        """The calling account. Raises: LookupError on a public route."""
        if self.account is None:
            raise LookupError("public route has no account")
        return self.account

    def text(self, name: str) -> str:
        """A mandatory parameter. Raises: ParamError (-1102)."""
        value = self.params.get(name, "")
        if not value:
            raise ParamError(missing(name))
        return value

    def symbol(self) -> str:
        """The mandatory, listed symbol. Raises: ParamError (-1102, -1121)."""
        symbol = self.text("symbol").upper()
        if symbol not in self.venue.symbols:
            raise ParamError(BAD_SYMBOL)
        return symbol

    def optional_symbol(self) -> str | None:
        """The symbol when given. Raises: ParamError (-1121)."""
        return self.symbol() if self.params.get("symbol") else None

    def spec(self) -> InstrumentSpec:
        """Trading rules of the mandatory symbol. Raises: ParamError."""
        return self.venue.spec(self.symbol())

    def decimal(self, name: str, default: Decimal | None = None) -> Decimal:
        """A decimal parameter. Raises: ParamError (-1102 without default, -1100)."""
        value = self.params.get(name, "")
        if not value:
            if default is None:
                raise ParamError(missing(name))
            return default
        if _NUMBER.fullmatch(value) is None:
            raise ParamError(illegal(name))
        return Decimal(value)

    def integer(self, name: str, default: int | None = None) -> int:
        """An integer parameter. Raises: ParamError (-1102)."""
        value = self.params.get(name, "")
        if not value and default is not None:
            return default
        if _INTEGER.fullmatch(value) is None:
            raise ParamError(missing(name))
        return int(value)

    def flag(self, name: str) -> bool:
        """A boolean parameter, false when absent. Raises: ParamError (-1102)."""
        value = self.params.get(name, "false").lower()
        if value not in ("true", "false"):
            raise ParamError(missing(name))
        return value == "true"

    def one_of(
        self, name: str, allowed: tuple[str, ...], error: WireError, default: str = ""
    ) -> str:
        """A parameter from a closed list. Raises: ParamError (-1102 without default, `error`)."""
        value = self.params.get(name, "") or default
        if not value:
            raise ParamError(missing(name))
        if value not in allowed:
            raise ParamError(error)
        return value


Handler: TypeAlias = Callable[[Call], Any]


def parse_params(query: str, body: str) -> Params:
    """Decode query and body together; the body wins when both name a parameter."""
    pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True)
    return dict(pairs)
