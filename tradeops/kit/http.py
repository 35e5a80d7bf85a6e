"""Errors as RFC 9457 problems, answers without a second validation, keys and tags of requests."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse
from ninja import Schema

from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.observability.logs import log_error

PROBLEM_TYPE = "application/problem+json"
ALIAS_PATHS = ("/api/trade", "/api/positions")
RETRY_AFTER_S = 1

# A refused value is 422, whatever rule it breaks; 403 is about who asks. What may be asked again
# unchanged later is 409 (state of the desk) or 503 (state of the venue).
HTTP_STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.VALIDATION_ERROR: 422,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.METHOD_NOT_ALLOWED: 405,
    ErrorCode.PAYLOAD_TOO_LARGE: 413,
    ErrorCode.PRECONDITION_REQUIRED: 428,
    ErrorCode.PRECONDITION_FAILED: 412,
    ErrorCode.SYMBOL_NOT_ALLOWED: 422,
    ErrorCode.LEVERAGE_OUT_OF_RANGE: 422,
    ErrorCode.MIN_NOTIONAL_VIOLATION: 422,
    ErrorCode.MIN_QTY_VIOLATION: 422,
    ErrorCode.MAX_QTY_VIOLATION: 422,
    ErrorCode.PRECISION_VIOLATION: 422,
    ErrorCode.PRICE_OUT_OF_RANGE: 422,
    ErrorCode.INSUFFICIENT_BALANCE: 422,
    ErrorCode.POSITION_NOT_FOUND: 404,
    ErrorCode.POSITION_MODE: 409,
    ErrorCode.STOP_EXISTS: 409,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.IDEMPOTENCY_KEY_REQUIRED: 400,
    ErrorCode.IDEMPOTENCY_CONFLICT: 422,
    ErrorCode.IDEMPOTENCY_IN_FLIGHT: 409,
    ErrorCode.MAX_ORDER_NOTIONAL: 422,
    ErrorCode.MAX_POSITION_NOTIONAL: 422,
    ErrorCode.HALTED: 409,
    ErrorCode.PAUSED: 409,
    ErrorCode.SAFE: 409,
    ErrorCode.FEED_DEGRADED: 409,
    ErrorCode.QUARANTINED: 409,
    ErrorCode.CIRCUIT_OPEN: 409,
    ErrorCode.CLOCK_DRIFT: 409,
    ErrorCode.ACCESS_REFUSED: 409,
    ErrorCode.ACCOUNT_UNAVAILABLE: 409,
    ErrorCode.PRICE_UNAVAILABLE: 503,
    ErrorCode.VENUE_REJECTED: 422,
    ErrorCode.VENUE_UNAVAILABLE: 503,
    ErrorCode.OUTCOME_UNKNOWN: 504,
    ErrorCode.LOST: 504,
    ErrorCode.EXPIRED: 503,
    ErrorCode.SUPERSEDED: 409,
    ErrorCode.NOT_CANCELLABLE: 409,
    ErrorCode.INTERNAL_ERROR: 500,
}
_CODE_OF_STATUS = {
    401: ErrorCode.UNAUTHENTICATED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    413: ErrorCode.PAYLOAD_TOO_LARGE,
    429: ErrorCode.RATE_LIMITED,
}
_TITLES = {
    ErrorCode.IDEMPOTENCY_KEY_REQUIRED: "Idempotency-Key header required",
    ErrorCode.MAX_ORDER_NOTIONAL: "Risk limit: order notional",
    ErrorCode.MAX_POSITION_NOTIONAL: "Risk limit: position notional",
}


class Reader(Protocol):
    """What routes below the accounts need to know of an asker; None means every account."""

    @property
    def account_ids(self) -> frozenset[int] | None: ...


def reader_of(request: HttpRequest) -> Reader:
    """Who asks: what the API's guard found."""
    reader: Reader = request.auth  # type: ignore[attr-defined]  # set by ninja
    return reader


class ApiError(TradeOpsError):
    """A refusal that also knows the fields at fault and headers of its answer.

    `errors` are `{"pointer", "code", "detail"}` with RFC 6901 pointers into the body.
    """

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(code, detail)
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.status = status


def code_of_status(status: int) -> ErrorCode:
    """The code of an error that Django or a library made, from its HTTP status."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ErrorCode.INTERNAL_ERROR
    return _CODE_OF_STATUS.get(status, ErrorCode.VALIDATION_ERROR)


def request_id_of(request: HttpRequest) -> str:
    """The id that the middleware gave the request; empty outside of it."""
    return str(getattr(request, "request_id", ""))


def problem(
    *,
    code: ErrorCode,
    detail: str,
    instance: str,
    request_id: str,
    status: int | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    exchange: tuple[int, str] | None = None,
) -> dict[str, Any]:
    """The RFC 9457 body. `exchange` is the venue's own code and message.

    Source: https://www.rfc-editor.org/rfc/rfc9457 (2026-11), contract.md "Errors".
    """
    body: dict[str, Any] = {
        "type": f"urn:tradeops:error:{code}",
        "title": _TITLES.get(code, code.value.replace("_", " ").capitalize()),
        "status": status or HTTP_STATUS[code],
        "detail": detail,
        "instance": instance,
        "code": code.value,
        "request_id": request_id,
        "errors": list(errors),
    }
    if exchange is not None:
        body["exchange"] = {"code": exchange[0], "msg": exchange[1]}
    if instance in ALIAS_PATHS:
        body |= {"success": False, "error": code.value, "details": detail}
    return body


def problem_response(
    request: HttpRequest,
    code: ErrorCode,
    detail: str,
    *,
    status: int | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The problem as an answer; logged once, here."""
    body = problem(
        code=code,
        detail=detail,
        instance=request.path,
        request_id=request_id_of(request),
        status=status,
        errors=errors,
    )
    log_error(code=code, detail=detail, status=body["status"])
    return json_response(body, status=body["status"], headers=headers)


def json_response(
    body: Mapping[str, Any] | Schema, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The body as JSON; a problem by its media type. A Schema is written as it stands.

    Mappings are written in the order of their names: a stored answer comes back from PostgreSQL in
    another order than it had.
    """
    if isinstance(body, Schema):
        content = body.model_dump_json()
    else:
        content = json.dumps(body, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    media_type = "application/json" if status < HTTPStatus.BAD_REQUEST else PROBLEM_TYPE
    return HttpResponse(
        content, status=status, content_type=media_type, headers=dict(headers or {})
    )


def request_hash(body: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON: equal for bodies that differ in order and blanks only."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
