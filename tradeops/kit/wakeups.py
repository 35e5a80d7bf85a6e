"""Wake a thread that waits for something that another process does.

One Redis subscription per process serves every waiter. A wake-up is a hint: the waiter reads the
database afterwards, and looks by itself now and then, so that a lost message costs time only.
"""

import logging
import threading
from collections import defaultdict

import redis
from django.conf import settings

from tradeops.kit.redis_client import redis_client

logger = logging.getLogger(__name__)

CHANNEL = "tradeops:wakeups"
_RETRY_S = 1.0


class WakeupHub:
    """Publishes and receives keys; thread-safe. Listening starts with the first waiter."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._waiters: defaultdict[str, set[threading.Event]] = defaultdict(set)
        self._listener: threading.Thread | None = None

    def notify(self, *keys: str) -> None:
        """Tell every process; failing is logged and harmless."""
        if not keys:
            return
        try:
            redis_client().publish(CHANNEL, " ".join(keys))
        except redis.RedisError as error:
            logger.warning("wake-up not published: %s", type(error).__name__)

    def register(self, key: str) -> threading.Event:
        """An event that is set at each later notification of `key`. Register before reading."""
        event = threading.Event()
        with self._lock:
            self._waiters[key].add(event)
            if self._listener is None:
                self._listener = threading.Thread(target=self._listen, name="wakeups", daemon=True)
                self._listener.start()
        return event

    def unregister(self, key: str, event: threading.Event) -> None:
        with self._lock:
            self._waiters[key].discard(event)
            if not self._waiters[key]:
                del self._waiters[key]

    def _listen(self) -> None:
        pause = threading.Event()
        while True:
            client = redis.Redis.from_url(self._url, socket_connect_timeout=2)
            try:
                with client.pubsub(ignore_subscribe_messages=True) as subscription:  # type: ignore[no-untyped-call]
                    subscription.subscribe(CHANNEL)
                    for message in subscription.listen():
                        for key in message["data"].decode().split():
                            self._wake(key)
            except (redis.RedisError, OSError, ValueError) as error:
                logger.warning("wake-up listener: %s", type(error).__name__)
            finally:
                client.close()
            pause.wait(_RETRY_S)

    def _wake(self, key: str) -> None:
        with self._lock:
            for event in self._waiters.get(key, ()):
                event.set()


_hub: WakeupHub | None = None
_hub_lock = threading.Lock()


def hub() -> WakeupHub:
    """The hub of this process."""
    global _hub  # noqa: PLW0603 – one subscription per process
    with _hub_lock:
        if _hub is None:
            _hub = WakeupHub(settings.REDIS_URL)
        return _hub
