"""Django on threads that live on, over ASGI itself."""

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path

from tradeops.kit.asgi import ThreadedDjango
from tradeops.urls import urlpatterns as real_patterns

_seen: list[tuple[str, int]] = []


def _which(_request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    _seen.append((threading.current_thread().name, id(connection.connection)))
    return HttpResponse("ok")


def _stream(_request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(f"part {n};" for n in range(3))


def _crash(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("boom")


urlpatterns = [
    path("which", _which),
    path("stream", _stream),
    path("api/crash", _crash),
    *real_patterns,
]


@pytest.fixture
def application(transactional_db: None) -> Iterator[ThreadedDjango]:
    """One thread, so that a second request must find what the first left."""
    with override_settings(ROOT_URLCONF=__name__):
        application = ThreadedDjango(threads=1)
        yield application
        application._pool.submit(connections.close_all).result()


def _call(
    application: ThreadedDjango,
    method: str,
    path: str,
    chunks: tuple[bytes, ...] = (b"",),
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> tuple[int, dict[str, str], bytes]:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"testserver"), *headers],
        "client": ["127.0.0.1", 1],
        "server": ["127.0.0.1", 2],
        "scheme": "http",
    }
    incoming = [
        {"type": "http.request", "body": chunk, "more_body": n < len(chunks) - 1}
        for n, chunk in enumerate(chunks)
    ]
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(application(scope, receive, send))
    head = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], head, b"".join(part.get("body", b"") for part in sent[1:])


def test_requests_share_a_thread_and_its_connection(application: ThreadedDjango) -> None:
    _seen.clear()

    for _ in range(3):
        assert _call(application, "GET", "/which")[2] == b"ok"

    assert len(set(_seen)) == (1 if connection.vendor == "sqlite" else len(set(_seen)))
    assert {name for name, _ in _seen} == {"web_0"}


def test_request_finishes_in_the_thread_that_served_it(application: ThreadedDjango) -> None:
    finished: list[str] = []

    def note(**_kwargs: object) -> None:
        finished.append(threading.current_thread().name)

    request_finished.connect(note)
    try:
        _call(application, "GET", "/which")
        _call(application, "GET", "/stream")
        _call(application, "GET", "/api/crash")
    finally:
        request_finished.disconnect(note)

    assert finished == ["web_0"] * 3


def test_stream_arrives_whole(application: ThreadedDjango) -> None:
    assert _call(application, "GET", "/stream")[2] == b"part 0;part 1;part 2;"


def test_crash_is_a_problem(application: ThreadedDjango) -> None:
    status, head, body = _call(application, "GET", "/api/crash")

    assert status == 500
    assert head["content-type"] == "application/problem+json"
    assert json.loads(body)["request_id"] == head["x-request-id"]


def test_static_file_is_served(application: ThreadedDjango) -> None:
    status, head, body = _call(application, "GET", "/static/ninja/swagger-ui.css")

    assert status == 200
    assert head["content-type"].startswith("text/css")
    assert int(head["content-length"]) == len(body)


def test_body_without_announced_length_is_cut_off(application: ThreadedDjango) -> None:
    headers = (
        (b"authorization", f"Bearer {settings.AUTH_TOKEN}".encode()),
        (b"content-type", b"application/json"),
        (b"idempotency-key", b"k1"),
    )
    chunks = tuple(b"x" * 500_000 for _ in range(4))

    status, head, body = _call(application, "POST", "/api/v1/orders", chunks, headers)

    assert status == 413
    assert head["content-type"] == "application/problem+json"
    assert json.loads(body)["code"] == "PAYLOAD_TOO_LARGE"


def test_asker_that_leaves_before_the_body_is_forgotten(application: ThreadedDjango) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(_message: Any) -> None:
        raise AssertionError("nobody listens")

    scope = {"type": "http", "method": "POST", "path": "/which", "headers": []}
    asyncio.run(application(scope, gone, send))


def test_websocket_is_not_served_here(application: ThreadedDjango) -> None:
    async def receive() -> dict[str, Any]:
        return {}

    async def send(_message: Any) -> None: ...

    with pytest.raises(ValueError, match="websocket"):
        asyncio.run(application({"type": "websocket"}, receive, send))
