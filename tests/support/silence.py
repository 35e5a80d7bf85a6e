"""A server that takes connections and never says a word."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pytest_django import Settings

from tradeops.kit.redis_client import redis_client


@contextmanager
def silent_redis(settings: Settings) -> Iterator[None]:
    """Redis hangs inside the block; whoever asked it has got an error before the block ends."""
    real = settings.REDIS_URL
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.REDIS_URL = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        redis_client.cache_clear()
        yield
    for thread in threading.enumerate():
        if thread.name.startswith("ask-"):
            thread.join()
    settings.REDIS_URL = real
    redis_client.cache_clear()
