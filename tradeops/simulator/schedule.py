"""A seeded scheduler: processes that run one at a time and change places at every I/O.

A process is a greenlet, so that the product's own synchronous code (Django's ORM among it) can be
left in the middle. Time is virtual: whoever waits lets the clock jump to the next thing due. The
same seed gives the same order of everything.
"""

import heapq
from collections.abc import Callable
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from greenlet import getcurrent, greenlet

START = datetime(2026, 11, 20, 12, tzinfo=UTC)
MICROSECONDS = 1_000_000


class Crashed(BaseException):
    """The process is gone, as after SIGKILL. No `except Exception` of the product sees it."""


class Process:
    """One operating-system process of the simulated desk; `memory` is what dies with it."""

    def __init__(self, name: str, body: Callable[[], None]) -> None:
        self.name = name
        self.body = body
        self.is_dead = False
        self.ios_to_crash: int | None = None
        self.stall_s = 0.0  # how long it will hang where it pauses next (F62)
        self.stalled_until_us = 0
        self.memory: dict[str | int, Any] = {}
        self.thread: greenlet | None = None
        self.children: list[Process] = []
        self.turn = 0  # entries of the queue that were made for an older turn are void


class SimClock:
    """`domain.clock.Clock` of one machine: virtual time, and how far its wall clock is off."""

    def __init__(self, schedule: "Schedule") -> None:
        self._schedule = schedule
        self.offset = timedelta(0)

    def now(self) -> datetime:
        """Wall time of the desk's machine; it may jump."""
        return self._schedule.now() + self.offset

    def monotonic_s(self) -> float:
        """Never jumps."""
        return self._schedule.at_us / MICROSECONDS


class Schedule:
    """What runs next. All randomness of a run comes from `rng`, in the order of the run."""

    def __init__(self, rng: Random, note: Callable[[str, str], None]) -> None:
        self.rng = rng
        self.at_us = 0
        self.steps = 0
        self.current: Process | None = None
        self._note = note
        self._hub = getcurrent()
        self._queue: list[tuple[int, int, int, Process | Callable[[], None], int]] = []
        self._number = 0
        self._on_switch: list[Callable[[Process], None]] = []

    def now(self) -> datetime:
        """True time, which is the venue's."""
        return START + timedelta(microseconds=self.at_us)

    def on_switch(self, hook: Callable[[Process], None]) -> None:
        """Call `hook(process)` each time a process goes on."""
        self._on_switch.append(hook)

    def start(self, name: str, body: Callable[[], None], *, after_s: float = 0.0) -> Process:
        """Let a process begin after `after_s`."""
        process = Process(name, body)
        if self.current is not None:  # a thread of it: they die together
            self.current.children.append(process)
            process.memory = self.current.memory
        self._push(after_s, process)
        return process

    def call_later(self, after_s: float, action: Callable[[], None]) -> None:
        """Run a short action of the world itself (a delivery, a switch), never of a process."""
        self._push(after_s, action)

    def kill(self, process: Process) -> None:
        """End a process at its next breath; what it holds open is rolled back."""
        process.is_dead = True
        self.wake(process)

    def pause(self, seconds: float) -> None:
        """Suspend the current process; others run. Outside of processes nothing waits."""
        process = self.current
        if process is None:
            return
        if process.stall_s:
            self._stall(process)
        self._push(seconds, process)
        self._hub.switch()
        self.breathe()

    def _stall(self, process: Process) -> None:
        """Nobody wakes it before its time: it hangs with everything that it holds in mind."""
        process.stalled_until_us = self.at_us + round(process.stall_s * MICROSECONDS)
        process.stall_s = 0.0
        while self.at_us < process.stalled_until_us and not process.is_dead:
            self._push((process.stalled_until_us - self.at_us) / MICROSECONDS, process)
            self._hub.switch()

    # A pause that somebody may end early.
    wait = pause

    def wake(self, process: Process) -> None:
        """End a process's `wait` now."""
        if process is not self.current:
            self._push(0, process)

    def breathe(self) -> None:
        """Raise Crashed when the current process is to die here."""
        process = self.current
        if process is None:
            return
        if process.ios_to_crash is not None:
            process.ios_to_crash -= 1
            if process.ios_to_crash <= 0:
                process.is_dead = True
        if process.is_dead:
            raise Crashed(process.name)

    def run(self, *, until_s: float, stop: Callable[[], bool] = lambda: False) -> None:
        """Run what is due until `until_s`, or until `stop` says so (asked when time advances)."""
        end_us = round(until_s * MICROSECONDS)
        while self._queue and self._queue[0][0] <= end_us:
            due_us, _, _, subject, turn = heapq.heappop(self._queue)
            if isinstance(subject, Process) and turn != subject.turn:
                continue
            if due_us > self.at_us:
                self.at_us = due_us
                if stop():
                    self._push(0, subject)
                    return
            self.steps += 1
            if isinstance(subject, Process):
                self._resume(subject)
            else:
                subject()
        self.at_us = max(self.at_us, end_us)

    def end(self) -> None:
        """Kill whatever is left."""
        while self._queue:
            _, _, _, subject, turn = heapq.heappop(self._queue)
            if isinstance(subject, Process) and turn == subject.turn:
                subject.is_dead = True
                self._resume(subject)

    def _push(self, after_s: float, subject: Process | Callable[[], None]) -> None:
        self._number += 1
        turn = 0
        if isinstance(subject, Process):
            subject.turn += 1
            turn = subject.turn
        due_us = self.at_us + max(0, round(after_s * MICROSECONDS))
        entry = (due_us, self.rng.getrandbits(32), self._number, subject, turn)
        heapq.heappush(self._queue, entry)

    def _resume(self, process: Process) -> None:
        if process.thread is None:
            process.thread = greenlet(lambda: self._main_of(process), parent=self._hub)
            # The database connection lives in a context variable; all share the one connection.
            process.thread.gr_context = copy_context()
        self.current = process
        for hook in self._on_switch:
            hook(process)
        process.thread.switch()
        self.current = None

    def _main_of(self, process: Process) -> None:
        try:
            self.breathe()
            process.body()
        except Crashed:
            self._note(process.name, "crashed")
        finally:
            process.is_dead = True
            for child in process.children:
                if not child.is_dead:
                    self.kill(child)
