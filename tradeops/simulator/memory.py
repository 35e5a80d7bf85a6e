"""Redis as far as the product uses it, in memory, on virtual time. It may be gone for a while."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import redis

from tradeops.domain.clock import Clock


class MemoryRedis:
    """Strings with expiry and hashes. While `is_gone` every call fails as a dead server does."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[str, tuple[str, float | None]] = {}
        self._hashes: dict[str, dict[str, str]] = {}
        self.is_gone = False

    def lose(self) -> None:
        """A restart without persistence."""
        self._values.clear()
        self._hashes.clear()

    def get(self, key: str) -> str | None:
        self._answer()
        value, ends_s = self._values.get(key, (None, None))
        if ends_s is not None and ends_s <= self._clock.monotonic_s():
            del self._values[key]
            return None
        return value

    def mget(self, keys: Sequence[str]) -> list[str | None]:
        return [self.get(key) for key in keys]

    def set(
        self,
        key: str,
        value: str,
        *,
        ex: float | None = None,
        px: int | None = None,
        nx: bool = False,
    ) -> bool | None:
        if nx and self.get(key) is not None:
            return None
        self._answer()
        lives_s = px / 1000 if px is not None else ex
        ends_s = None if lives_s is None else self._clock.monotonic_s() + lives_s
        self._values[key] = (str(value), ends_s)
        return True

    def pttl(self, key: str) -> int:
        if self.get(key) is None:
            return -2
        ends_s = self._values[key][1]
        return -1 if ends_s is None else round((ends_s - self._clock.monotonic_s()) * 1000)

    def delete(self, *keys: str) -> int:
        self._answer()
        return sum(self._values.pop(key, None) is not None for key in keys)

    def hset(self, key: str, *, mapping: Mapping[str, str]) -> int:
        self._answer()
        self._hashes.setdefault(key, {}).update(mapping)
        return len(mapping)

    def hmget(self, key: str, fields: Sequence[str]) -> list[str | None]:
        self._answer()
        return [self._hashes.get(key, {}).get(field) for field in fields]

    def publish(self, _channel: str, _message: str) -> int:
        self._answer()
        return 0

    def ping(self) -> bool:
        self._answer()
        return True

    def pipeline(self, **_options: Any) -> "_Pipeline":
        return _Pipeline(self)

    def _answer(self) -> None:
        if self.is_gone:
            raise redis.ConnectionError("simulated: Redis is gone")


class _Pipeline:
    def __init__(self, target: MemoryRedis) -> None:
        self._target = target
        self._calls: list[Callable[[], Any]] = []

    def __enter__(self) -> "_Pipeline":
        return self

    def __exit__(self, *_error: object) -> None: ...

    def __getattr__(self, name: str) -> Callable[..., "_Pipeline"]:
        method = getattr(self._target, name)

        def later(*args: Any, **options: Any) -> "_Pipeline":
            self._calls.append(lambda: method(*args, **options))
            return self

        return later

    def execute(self) -> list[Any]:
        return [call() for call in self._calls]
