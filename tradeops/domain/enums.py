"""Closed vocabularies of trading terms. Venue spellings are translated inside each adapter."""

from enum import StrEnum


class Environment(StrEnum):
    PAPER = "paper"
    TESTNET = "testnet"
    MAINNET = "mainnet"


class Venue(StrEnum):
    BINANCE_USDM = "binance_usdm"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"
    LIQUIDATION = "LIQUIDATION"
    OTHER = "OTHER"


# Triggered by a price; a service of their own at Binance (binance.md §3).
CONDITIONAL_TYPES = frozenset(
    {
        OrderType.STOP,
        OrderType.STOP_MARKET,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_MARKET,
        OrderType.TRAILING_STOP_MARKET,
    }
)


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    GTD = "GTD"
    OTHER = "OTHER"


class OrderStatus(StrEnum):
    """R1.7 order states; see `orders.domain.lifecycle` for the lattice."""

    NEW = "NEW"
    SUBMITTED = "SUBMITTED"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class LiquidityRole(StrEnum):
    MAKER = "MAKER"
    TAKER = "TAKER"


class MarginMode(StrEnum):
    CROSS = "CROSS"
    ISOLATED = "ISOLATED"


class PositionMode(StrEnum):
    ONE_WAY = "ONE_WAY"
    HEDGE = "HEDGE"


class PositionSide(StrEnum):
    """Which leg a fill belongs to: BOTH in one-way mode, LONG/SHORT in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class WorkingType(StrEnum):
    MARK_PRICE = "MARK_PRICE"
    CONTRACT_PRICE = "CONTRACT_PRICE"


class EngineState(StrEnum):
    """R1.7 engine states; HALTED is the closed kill switch of D-flows."""

    BOOTING = "BOOTING"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    SAFE = "SAFE"
    HALTED = "HALTED"


class DriftDecision(StrEnum):
    """What an operator may do with a drift."""

    ADOPT = "adopt"
    IGNORE = "ignore"
    FLATTEN = "flatten"
    REBUILD = "rebuild"


class StreamState(StrEnum):
    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    RECONNECTING = "RECONNECTING"


class Source(StrEnum):
    """Who brought a fact: kept on each event."""

    API = "API"
    ADMIN = "ADMIN"
    DESK = "DESK"
    CLI = "CLI"
    ENGINE = "ENGINE"
    STREAM = "STREAM"
    REST = "REST"
    SYSTEM = "SYSTEM"
