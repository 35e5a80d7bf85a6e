"""A process says every two seconds that it lives; the word fades after fifteen."""

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

import redis

from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.redis_client import redis_client

logger = logging.getLogger(__name__)

EVERY_S = 2.0
FADES_AFTER_S = 15


def heartbeat_key(name: str) -> str:
    """Redis key of a process kind: `tradeops:heartbeat:orders`."""
    return f"tradeops:heartbeat:{name}"


def start_heartbeat(name: str, details: Callable[[], Mapping[str, Any]]) -> threading.Event:
    """Beat in a daemon thread until the returned event is set; `details` must be JSON-ready."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.is_set():
            word = {"pid": os.getpid(), "at": SYSTEM_CLOCK.now().isoformat(), **details()}
            try:
                redis_client().set(heartbeat_key(name), json.dumps(word), ex=FADES_AFTER_S)
            except redis.RedisError as error:
                logger.warning("heartbeat not written: %s", type(error).__name__)
            stop.wait(EVERY_S)

    threading.Thread(target=beat, name=f"heartbeat-{name}", daemon=True).start()
    return stop


def heartbeats(names: list[str]) -> dict[str, dict[str, Any]]:
    """The last word of each process kind that still counts."""
    try:
        words = redis_client().mget([heartbeat_key(name) for name in names])
    except redis.RedisError:
        return {}
    pairs: Any = zip(names, words, strict=True)
    return {name: json.loads(word) for name, word in pairs if word is not None}
