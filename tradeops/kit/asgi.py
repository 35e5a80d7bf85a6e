"""Django's synchronous stack on threads that live on.

Django's own handler changes thread several times a request (once for each synchronous middleware)
and Daphne gives each request a thread of its own, so that a database connection lasts one request.
Here one hop leads to a pool thread that runs everything, middleware to `request_finished`, and
keeps its connection.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, TypeVar

from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import FileResponse
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.urls import set_script_prefix

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
T = TypeVar("T")
# Each request that waits for its order holds one; readers must still find a free one.
THREADS = 64


class ThreadedDjango(ASGIHandler):
    """ASGI application for HTTP whose views and middleware are synchronous."""

    def __init__(self, threads: int = THREADS) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="web")

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:  # type: ignore[override]  # the stubs take TypedDicts
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is served here, not {scope['type']}")
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        # An asker that goes away does not stop an order: its answer is dropped, not the work.
        response = await self._in_thread(self._answer, scope, body)
        if not isinstance(response, StreamingHttpResponse):
            await self.send_response(response, send)
            return
        if not response.is_async:
            response.streaming_content = self._parts(iter(response))
        try:
            await self.send_response(response, send)
        finally:
            await self._in_thread(response.close)

    def _answer(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponseBase:
        """Everything Django does for one request, in one thread."""
        set_script_prefix(get_script_prefix(scope))
        signals.request_started.send(sender=type(self), scope=scope)
        response = self._respond(scope, body)
        response._handler_class = type(self)  # type: ignore[attr-defined]  # sender of the signal
        if isinstance(response, FileResponse):
            response.block_size = self.chunk_size
        if not response.streaming:
            response.close()  # sends request_finished in the thread that holds the connection
        return response

    def _respond(self, scope: dict[str, Any], body: IO[bytes]) -> HttpResponseBase:
        request, refusal = self.create_request(scope, body)
        if request is not None:
            return self.get_response(request)
        body.close()
        if refusal is None:
            raise RuntimeError("Django made neither a request nor a refusal")
        return refusal

    async def _parts(self, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
        while (part := await self._in_thread(next, parts, None)) is not None:
            yield part

    async def _in_thread(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
