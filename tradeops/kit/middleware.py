"""Errors below `/api/` are problems, whoever made them; a SAFE process refuses to change anything.

Django answers in its own words (404 page, CSRF refusal, 405, too large bodies, 500); programs get
RFC 9457 for each of them.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from tradeops.kit import safe_mode
from tradeops.kit.db_faults import reason_of
from tradeops.kit.http import PROBLEM_TYPE, code_of_status, problem_response

ASK_AGAIN_S = 5
_READS = ("GET", "HEAD", "OPTIONS")
_PROGRAM_PATHS = ("/api/", "/desk/api/")
_OF_THE_BODY = ("Content-Type", "Content-Length", "Content-Encoding", "Content-Language")
_DETAILS = {
    HTTPStatus.FORBIDDEN: "This request is not allowed; a desk request needs its CSRF token.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address does not answer to this method.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than this server reads.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something failed here; the request id finds it in the log.",
}


class ProblemMiddleware:
    """Stands right below the request middleware; refuses announced bodies that are too large.

    Also puts `request.answer_headers` (rate limits) on the answer, whoever makes it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        stopped = safe_mode.stopped_by()
        if stopped is not None and request.method not in _READS:
            return _refuse(request, stopped)
        if not request.path.startswith(_PROGRAM_PATHS):
            return self._get_response(request)
        if _announced_length(request) > (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0):
            return _problem(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        response = self._get_response(request)
        for name, value in getattr(request, "answer_headers", {}).items():
            response.headers.setdefault(name, value)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return response
        if response.headers.get("Content-Type") == PROBLEM_TYPE:
            return response
        translated = _problem(request, response.status_code)
        for name, value in response.headers.items():
            if name not in _OF_THE_BODY:
                translated.headers.setdefault(name, value)
        translated.cookies = response.cookies
        return translated

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A database that fails lastingly has a number."""
        reason = reason_of(error)
        if reason is not None:
            return _refuse(request, safe_mode.Trouble(reason, ""))
        # An empty pool and the like say nothing by themselves; the watch has looked.
        stopped = safe_mode.stopped_by() if isinstance(error, DatabaseError) else None
        return None if stopped is None else _refuse(request, stopped)


def _refuse(request: HttpRequest, trouble: safe_mode.Trouble) -> HttpResponse:
    refusal = safe_mode.StoppedError(trouble)
    later = {"Retry-After": str(ASK_AGAIN_S)}
    if request.path.startswith(_PROGRAM_PATHS):
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return problem_response(request, refusal.code, refusal.detail, status=status, headers=later)
    text = f"{refusal.detail}\n"
    return HttpResponse(text, status=503, content_type="text/plain", headers=later)


def _announced_length(request: HttpRequest) -> int:
    text = str(request.META.get("CONTENT_LENGTH") or "0")
    return int(text) if text.isdecimal() else 0


def _problem(request: HttpRequest, status: int) -> HttpResponse:
    detail = _DETAILS.get(HTTPStatus(status), "The request could not be read.")
    return problem_response(request, code_of_status(status), detail, status=status)
