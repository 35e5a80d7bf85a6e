"""The message broker: a message is a hint that may be lost, late, or come twice (D1, F34, F46)."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tradeops.simulator.faults import Faults
from tradeops.simulator.schedule import Process, Schedule

_HOP_S = 0.004
_AGAIN_S = (2.0, 20.0)  # when an unacknowledged message comes back; 120 s in production


@dataclass(frozen=True, slots=True)
class Message:
    """A task to run; dropped when it is still waiting at `ends_us`."""

    task: str
    queue: str
    kwargs: Mapping[str, Any]
    headers: Mapping[str, str]
    ends_us: int | None = None


@dataclass(slots=True)
class Broker:
    """Queues with their waiting consumers."""

    schedule: Schedule
    faults: Faults
    _waiting: dict[str, deque[Message]] = field(default_factory=lambda: defaultdict(deque))
    _idle: dict[str, deque[Process]] = field(default_factory=lambda: defaultdict(deque))

    def send_task(
        self,
        name: str,
        args: Any = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str = "",
        expires: float | None = None,
        headers: Mapping[str, str] | None = None,
        **_options: Any,
    ) -> None:
        """Celery's `send_task`; raises OSError while the broker is gone."""
        del args
        self.schedule.breathe()
        if self.faults.broker_is_gone:
            raise OSError("simulated: the broker is gone")
        ends_us = None if expires is None else self.schedule.at_us + int(expires * 1_000_000)
        message = Message(name, queue, kwargs or {}, headers or {}, ends_us)
        for delay_s in self.faults.deliveries_of_message():
            self.schedule.call_later(_HOP_S + delay_s, lambda: self._deliver(message))

    def take(self, queue: str) -> Message:
        """The next message for the current worker; waits for one."""
        waiting, process = self._waiting[queue], self.schedule.current
        while True:
            while waiting:
                message = waiting.popleft()
                if message.ends_us is None or message.ends_us > self.schedule.at_us:
                    return message
            if process is None:
                raise RuntimeError("only a process takes messages")
            self._idle[queue].append(process)
            self.schedule.wait(3600)

    def give_back(self, message: Message) -> None:
        """The worker died with it: delivered again, as with late acknowledgement."""
        delay_s = self.schedule.rng.uniform(*_AGAIN_S)
        self.schedule.call_later(delay_s, lambda: self._deliver(message))

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits."""
        return not any(self._waiting.values())

    def _deliver(self, message: Message) -> None:
        self._waiting[message.queue].append(message)
        idle = self._idle[message.queue]
        while idle:
            process = idle.popleft()
            if not process.is_dead:
                self.schedule.wake(process)
                return
