"""One asyncio loop in a background thread, so that synchronous code can use asynchronous clients.

Connections live as long as the process; a call costs one thread hop. Celery tasks and management
commands reach venues and the channel layer through it.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class Portal:
    """Runs coroutines on its own loop; thread-safe."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="portal", daemon=True).start()

    def call(self, coroutine: Coroutine[Any, Any, T], *, timeout_s: float | None = None) -> T:
        """Run to the end and return its result; raises what it raises, TimeoutError when late."""
        return self.start(coroutine).result(timeout_s)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run without waiting."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)


_portal: Portal | None = None
_lock = threading.Lock()


def portal() -> Portal:
    """The portal of this process."""
    global _portal  # noqa: PLW0603 – one loop per process
    with _lock:
        if _portal is None:
            _portal = Portal()
        return _portal


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Finish a coroutine that never suspends.

    Engine code is written as coroutines so that the fault simulator can interleave it at each venue
    call; in a worker those calls block in `Portal.call` and nothing is left to suspend for.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine suspended: it awaited something other than a blocking port")
