"""Ask several parts side by side and do not wait for one that hangs."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a part returned or raised; neither: it did not answer in time."""

    value: T | None = None
    error: Exception | None = None
    hangs: bool = False


class Panel(Generic[T]):
    """Parts by name. `after` runs in the thread of each part when it has ended.

    A part that hangs keeps its thread until it answers, and is not asked again before: however
    often somebody looks, there is one thread for each part.
    """

    def __init__(
        self, parts: Mapping[str, Callable[[], T]], *, after: Callable[[], None] = lambda: None
    ) -> None:
        self._parts = parts
        self._after = after
        self._lock = threading.Lock()
        self._stuck: dict[str, threading.Thread] = {}

    def ask(self, *, limit_s: float) -> dict[str, Answer[T]]:
        """Every part's answer after `limit_s` seconds at the latest."""
        answers: dict[str, Answer[T]] = {}
        asked = {name: self._start(name, answers) for name in self._parts if self._is_free(name)}
        deadline = monotonic() + limit_s
        for name, thread in asked.items():
            thread.join(max(0.0, deadline - monotonic()))
            if thread.is_alive():
                with self._lock:
                    self._stuck[name] = thread
        return {name: answers.get(name, Answer(hangs=True)) for name in self._parts}

    def _is_free(self, name: str) -> bool:
        with self._lock:
            thread = self._stuck.get(name)
            if thread is not None and not thread.is_alive():
                del self._stuck[name]
            return name not in self._stuck

    def _start(self, name: str, answers: dict[str, Answer[T]]) -> threading.Thread:
        def run() -> None:
            try:
                answers[name] = Answer(self._parts[name]())
            except Exception as error:  # noqa: BLE001 - told to the asker
                answers[name] = Answer(error=error)
            finally:
                self._after()

        # A daemon: what hangs must not keep the process from ending.
        thread = threading.Thread(target=run, name=f"ask-{name}", daemon=True)
        thread.start()
        return thread
