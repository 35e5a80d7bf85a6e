"""The REST API: mounts every slice's routes and turns every refusal into a problem."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from redis import RedisError

from accounts.api import router as accounts
from accounts.auth import Needs, Scope
from risk.api import router as limits
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.engine.api.aliases import router as aliases
from tradeops.engine.api.control import router as control
from tradeops.engine.api.limits import router as limit_changes
from tradeops.engine.api.orders import router as orders
from tradeops.engine.api.positions import router as positions
from tradeops.journal.api import router as journal
from tradeops.kit.http import ApiError, code_of_status, problem_response
from tradeops.kit.json_body import RepeatedNameError, StrictParser
from tradeops.market.api import router as market
from tradeops.reconcile.api import router as drifts
from tradeops.system import router as system

VERSION = "1.0.0"

api = NinjaAPI(
    title="tradeops",
    version=VERSION,
    description="Operations backend for crypto-futures desks. Decimals are strings both ways, "
    "times RFC 3339 UTC. Errors are RFC 9457 problems with a code of a closed list.",
    urls_namespace="api",
    auth=Needs(Scope.READ),
    docs_url="/v1/docs",
    openapi_url="/v1/openapi.json",
    parser=StrictParser(),
)
for router in (
    orders,
    positions,
    accounts,
    market,
    limits,
    limit_changes,
    journal,
    drifts,
    control,
    system,
):
    api.add_router("/v1", router)
api.add_router("", aliases)


def refused(request: HttpRequest, error: TradeOpsError) -> HttpResponse:
    """A refusal of ours."""
    if isinstance(error, ApiError):
        return problem_response(
            request,
            error.code,
            error.detail,
            status=error.status,
            errors=error.errors,
            headers=error.headers,
        )
    return problem_response(request, error.code, error.detail)


def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    """A request that does not fit its schema: 422 with each field at fault."""
    found = list(_faults(error.errors))
    codes = {fault["code"] for fault in found}
    # One rule with a code of its own (leverage, symbol) is named; anything more is validation.
    code = ErrorCode.VALIDATION_ERROR
    if len(codes) == 1 and (only := codes.pop()) in set(ErrorCode):
        code = ErrorCode(only)
    detail = found[0]["detail"] if len(found) == 1 else f"{len(found)} fields are not usable."
    return problem_response(request, code, detail, errors=found)


def _faults(errors: Sequence[Any]) -> Iterator[dict[str, str]]:
    for error in errors:
        source, *rest = [str(part) for part in error["loc"]]
        # ("body", <argument>, field…): the argument's name is ours, not the asker's.
        where = rest[1:] if source == "body" else [source, *rest[-1:]]
        named = error.get("ctx", {}).get("field")  # a rule about the whole that blames one
        if named and source == "body":
            where = [named]
        yield {
            "pointer": "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in where),
            "code": str(error["type"]),
            "detail": str(error["msg"]),
        }


def unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """A body that is no JSON, or JSON that can be read in two ways."""
    status = error.status_code
    cause = error.__cause__
    detail = str(cause if isinstance(cause, RepeatedNameError) else error)
    return problem_response(request, code_of_status(status), detail, status=status)


def too_large(request: HttpRequest, _error: RequestDataTooBig) -> HttpResponse:
    """A body whose length nobody announced, and which goes on and on."""
    return problem_response(
        request, ErrorCode.PAYLOAD_TOO_LARGE, "The body is larger than this server reads."
    )


def not_found(request: HttpRequest, _error: Http404) -> HttpResponse:
    """A path that a route refused."""
    return problem_response(request, ErrorCode.NOT_FOUND, "There is nothing at this address.")


def unknown_asker(request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    """A guard that found nobody."""
    return problem_response(request, ErrorCode.UNAUTHENTICATED, "Send a valid token.")


def no_redis(request: HttpRequest, _error: RedisError) -> HttpResponse:
    """What lives in Redis only (tickets) must wait for it; orders do not."""
    return problem_response(
        request,
        ErrorCode.INTERNAL_ERROR,
        "A part of this deployment is not reached: ask again soon.",
        status=503,
        headers={"Retry-After": "5"},
    )


def over_quota(request: HttpRequest, _error: Throttled) -> HttpResponse:
    """Too many writes; the headers are on the request (see ProblemMiddleware)."""
    return problem_response(
        request, ErrorCode.RATE_LIMITED, "Too many writes: Retry-After says when there is room."
    )


_HANDLERS: dict[type[Exception], Any] = {
    TradeOpsError: refused,
    ValidationError: invalid,
    HttpError: unreadable,
    AuthenticationError: unknown_asker,
    Throttled: over_quota,
    RequestDataTooBig: too_large,
    RedisError: no_redis,
    Http404: not_found,
}
for kind, handler in _HANDLERS.items():
    api.add_exception_handler(kind, handler)
