"""The one error type with its closed list of codes; HTTP statuses are given in `tradeops.api`."""

from collections.abc import Mapping
from enum import StrEnum


class ErrorCode(StrEnum):
    VALIDATION_ERROR = "VALIDATION_ERROR"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    PRECONDITION_REQUIRED = "PRECONDITION_REQUIRED"
    PRECONDITION_FAILED = "PRECONDITION_FAILED"
    SYMBOL_NOT_ALLOWED = "SYMBOL_NOT_ALLOWED"
    LEVERAGE_OUT_OF_RANGE = "LEVERAGE_OUT_OF_RANGE"
    MIN_NOTIONAL_VIOLATION = "MIN_NOTIONAL_VIOLATION"
    MIN_QTY_VIOLATION = "MIN_QTY_VIOLATION"
    MAX_QTY_VIOLATION = "MAX_QTY_VIOLATION"
    PRECISION_VIOLATION = "PRECISION_VIOLATION"
    PRICE_OUT_OF_RANGE = "PRICE_OUT_OF_RANGE"
    INSUFFICIENT_BALANCE = "INSUFFICIENT_BALANCE"
    POSITION_NOT_FOUND = "POSITION_NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    IDEMPOTENCY_KEY_REQUIRED = "IDEMPOTENCY_KEY_REQUIRED"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    IDEMPOTENCY_IN_FLIGHT = "IDEMPOTENCY_IN_FLIGHT"
    MAX_ORDER_NOTIONAL = "RISK_REJECTED:max_order_notional"
    MAX_POSITION_NOTIONAL = "RISK_REJECTED:max_position_notional"
    HALTED = "HALTED"
    PAUSED = "PAUSED"
    SAFE = "SAFE"
    FEED_DEGRADED = "FEED_DEGRADED"
    QUARANTINED = "QUARANTINED"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    CLOCK_DRIFT = "CLOCK_DRIFT"
    ACCESS_REFUSED = "ACCESS_REFUSED"
    ACCOUNT_UNAVAILABLE = "ACCOUNT_UNAVAILABLE"
    PRICE_UNAVAILABLE = "PRICE_UNAVAILABLE"
    VENUE_REJECTED = "VENUE_REJECTED"
    VENUE_UNAVAILABLE = "VENUE_UNAVAILABLE"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    LOST = "LOST"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    NOT_CANCELLABLE = "NOT_CANCELLABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class TradeOpsError(Exception):
    """A refusal with a code, a sentence for people and numbers for programs.

    `details` holds JSON-ready values; never secrets.
    """

    def __init__(
        self, code: ErrorCode, detail: str, *, details: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.details: dict[str, str] = dict(details or {})
