"""Errors of the Binance USD-M dialect: numeric codes, messages and HTTP statuses.

Source: binance.md 7 and the documented error replies of developers.binance.com, August 2026.
"""

from dataclasses import dataclass
from typing import Any

from tradeops.exchange.paper.orders import Reason, Refusal

BAD_REQUEST = 400
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class WireError:
    """An error reply. Also raised-free: handlers return it in place of a result."""

    code: int
    message: str
    status: int = BAD_REQUEST

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body of the reply."""
        return {"code": self.code, "msg": self.message}


def missing(name: str) -> WireError:
    """-1102 for a mandatory parameter that is absent, empty or malformed."""
    return WireError(
        -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str) -> WireError:
    """-1100 for a parameter with characters it may not have."""
    return WireError(-1100, f"Illegal characters found in parameter '{name}'.")


BAD_SIGNATURE = WireError(-1022, "Signature for this request is not valid.")
OUTSIDE_WINDOW = WireError(-1021, "Timestamp for this request is outside of the recvWindow.")
AHEAD_OF_SERVER = WireError(
    -1021, "Timestamp for this request was 1000ms ahead of the server's time."
)
KEY_FORMAT = WireError(-2014, "API-key format invalid.", UNAUTHORIZED)
KEY_UNKNOWN = WireError(-2015, "Invalid API-key, IP, or permissions for action.", UNAUTHORIZED)
UNKNOWN_LISTEN_KEY = WireError(-1125, "This listenKey does not exist.")
BAD_SYMBOL = WireError(-1121, "Invalid symbol.")
BAD_SIDE = WireError(-1117, "Invalid side.")
BAD_TYPE = WireError(-1116, "Invalid orderType.")
BAD_TIME_IN_FORCE = WireError(-1115, "Invalid timeInForce.")
ALGO_ONLY = WireError(
    -4120,
    "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
)
NOT_ENOUGH_WITH_ID = missing("origClientOrderId")

# Reason -> (code, message). `%s` takes the refusal's detail.
_REASONS: dict[Reason, tuple[int, str]] = {
    Reason.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Reason.INSUFFICIENT_MARGIN: (-2019, "Margin is insufficient."),
    Reason.INSUFFICIENT_CROSS: (-4050, "Cross balance insufficient."),
    Reason.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Reason.BAD_CLIENT_ID: (-4015, "Client order id length should be less than 36 chars"),
    Reason.QUANTITY_NOT_POSITIVE: (-4003, "Quantity less than or equal to zero."),
    Reason.QUANTITY_TOO_SMALL: (-4004, "Quantity less than min quantity."),
    Reason.QUANTITY_TOO_LARGE: (-4005, "Quantity greater than max quantity."),
    Reason.QUANTITY_OFF_STEP: (-4023, "Quantity not increased by step size."),
    Reason.PRICE_NOT_POSITIVE: (-4001, "Price less than 0."),
    Reason.PRICE_TOO_HIGH: (-4002, "Price greater than max price."),
    Reason.PRICE_TOO_LOW: (-4013, "Price less than min price."),
    Reason.PRICE_ABOVE_BAND: (-4016, "Limit price can't be higher than %s."),
    Reason.PRICE_BELOW_BAND: (-4024, "Limit price can't be lower than %s."),
    Reason.PRICE_OFF_TICK: (-4014, "Price not increased by tick size."),
    Reason.PRECISION: (-1111, "Precision is over the maximum defined for this asset."),
    Reason.NOTIONAL_TOO_SMALL: (
        -4164,
        "Order's notional must be no smaller than %s (unless you choose reduce only)",
    ),
    Reason.MAX_POSITION: (-2027, "Exceeded the maximum allowable position at current leverage."),
    Reason.MAX_ORDERS: (-2025, "Reach max open order limit."),
    Reason.MARKET_OUT_OF_BAND: (
        -4131,
        "The counterparty's best price does not meet the PERCENT_PRICE filter limit.",
    ),
    Reason.REDUCE_ONLY: (-2022, "ReduceOnly Order is rejected."),
    Reason.REDUCE_ONLY_IN_HEDGE: (-1106, "Parameter 'reduceonly' sent when not required."),
    Reason.POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Reason.FOK_UNFILLED: (
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected.",
    ),
    Reason.POST_ONLY_TAKES: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    Reason.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Reason.NO_SUCH_ORDER: (-2013, "Order does not exist."),
    Reason.BAD_LEVERAGE: (-4028, "Leverage %s is not valid"),
    Reason.LEVERAGE_CUT_ISOLATED: (
        -4161,
        "Leverage reduction is not supported in Isolated Margin Mode with open positions",
    ),
    Reason.MARGIN_TYPE_UNCHANGED: (-4046, "No need to change margin type."),
    Reason.MARGIN_TYPE_OPEN_ORDERS: (
        -4047,
        "Margin type cannot be changed if there exists open orders.",
    ),
    Reason.MARGIN_TYPE_POSITION: (-4048, "Margin type cannot be changed if there exists position."),
    Reason.POSITION_MODE_UNCHANGED: (-4059, "No need to change position side."),
    Reason.POSITION_MODE_OPEN_ORDERS: (
        -4067,
        "Position side cannot be changed if there exists open orders.",
    ),
    Reason.POSITION_MODE_POSITION: (
        -4068,
        "Position side cannot be changed if there exists position.",
    ),
    Reason.NOT_ISOLATED: (-4054, "Cannot add position margin: position is 0."),
    Reason.NO_POSITION: (-4054, "Cannot add position margin: position is 0."),
    Reason.MARGIN_AMOUNT: (-4055, "Amount must be positive."),
    Reason.MARGIN_CUT: (-4051, "Isolated balance insufficient."),
    Reason.AMEND_UNCHANGED: (-5027, "No need to modify the order."),
    Reason.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Reason.MAX_STOPS: (-4045, "Reach max stop order limit."),
    Reason.NOTHING_TO_CLOSE: (
        -4509,
        "Time in Force (TIF) GTE can only be used with open positions.",
    ),
    Reason.CLOSE_EXISTS: (
        -4130,
        (
            "An open stop or take profit order with GTE and closePosition in the direction is "
            "existing."
        ),
    ),
}


def refused(refusal: Refusal) -> WireError:
    """The error reply for a refusal of the core."""
    code, message = _REASONS[refusal.reason]
    return WireError(code, message.replace("%s", refusal.detail))
