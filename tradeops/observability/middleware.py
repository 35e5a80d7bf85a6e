"""Outermost middleware: a request id on every answer and one access line."""

import re
import uuid
from collections.abc import Callable
from time import monotonic

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tradeops.observability.logs import log_access

_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)


class RequestMiddleware:
    """Sets `request.request_id`; logs `request.principal_name`, which the API's auth sets."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = monotonic()
        given = request.headers.get("X-Request-ID", "")
        request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # ours to add
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            response = self._get_response(request)
            response["X-Request-ID"] = request_id
            log_access(
                method=request.method or "",
                path=request.path,
                status=response.status_code,
                latency_ms=round((monotonic() - started) * 1000),
                principal=getattr(request, "principal_name", ""),
            )
        finally:
            structlog.contextvars.clear_contextvars()
        return response
