"""Celery without its worker: messages from the real broker, run here one at a time.

A message is acknowledged after its task, as `acks_late` says, so what a killed process had taken
comes again. Beat's periods follow the run's own clock, which is why no worker could keep them.
"""

import base64
import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast

import redis

from tradeops.celery import QUEUES, app
from tradeops.schedule import PERIODS

logger = logging.getLogger(__name__)


class Broker:
    """The queues of a run. `before_ack` is called after each task with its name."""

    def __init__(self, url: str, before_ack: Callable[[str], None] = lambda _task: None) -> None:
        self._redis = redis.Redis.from_url(url)
        self._before_ack = before_ack

    def redeliver(self) -> None:
        """What the visibility timeout does with messages that nobody acknowledged."""
        for queue in QUEUES:
            while self._redis.lmove(_taken(queue), queue, "LEFT", "RIGHT"):
                pass

    def lose_everything(self) -> None:
        """What a broker does that fails over to an empty replica."""
        self._redis.delete(*QUEUES)

    def run_waiting(self) -> int:
        """Run what waits, and what that leads to; how many tasks ran."""
        ran = 0
        busy = True
        while busy:
            busy = False
            for queue in QUEUES:
                message = cast(
                    "bytes | None", self._redis.lmove(queue, _taken(queue), "RIGHT", "LEFT")
                )
                if message is not None:
                    busy = True
                    ran += 1
                    self._run(message)
                    self._redis.lrem(_taken(queue), 1, message)  # type: ignore[arg-type]
        return ran

    def _run(self, message: bytes) -> None:
        envelope = json.loads(message)
        _, kwargs, _ = json.loads(base64.b64decode(envelope["body"]))
        task = envelope["headers"]["task"]
        run_task(task, kwargs)
        self._before_ack(task)


def _taken(queue: str) -> str:
    return f"{queue}.taken"


def run_task(name: str, kwargs: dict[str, Any]) -> None:
    """Run a task here; what it raises is logged and ends nothing, as in a worker."""
    try:
        app.tasks[name](**kwargs)
    except Exception:
        logger.exception("task %s", name)


class Beat:
    """Runs what is due by the run's own clock."""

    def __init__(self, now: datetime) -> None:
        self._due = {period.name: now for period in PERIODS if period.queue != "market"}

    def tick(self, now: datetime) -> None:
        """Run each period that has come round, once."""
        for period in PERIODS:
            if period.name in self._due and self._due[period.name] <= now:
                self._due[period.name] = now + timedelta(seconds=period.seconds)
                run_task(period.task, dict(period.kwargs))
