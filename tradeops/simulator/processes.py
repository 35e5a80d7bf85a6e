"""The processes of a desk that Celery runs, as loops over the code that runs in production."""

import logging
from collections.abc import Callable

from celery import current_app

from tradeops.engine import tasks as engine_tasks
from tradeops.schedule import PERIODS
from tradeops.simulator.broker import Broker
from tradeops.simulator.schedule import Crashed, Schedule

logger = logging.getLogger(__name__)

QUEUES = ("orders", "reconcile")  # the hourly synchronisation of instruments is left out
_RETRY_S = 0.5
Note = Callable[[str, str], None]


def worker(schedule: Schedule, broker: Broker, queue: str, note: Note) -> None:
    """A Celery worker of one queue: late acknowledgement, errors logged."""
    process = schedule.current
    name = process.name if process else queue
    while True:
        message = broker.take(queue)
        engine_tasks.WORKER = name
        task = current_app.tasks[message.task]
        task.push_request(headers=dict(message.headers))
        try:
            task(**message.kwargs)
        except Crashed:
            broker.give_back(message)
            raise
        except Exception as error:
            logger.debug("task %s", message.task, exc_info=True)
            note(name, f"{message.task} failed: {type(error).__name__}: {error}")
        finally:
            task.pop_request()


def beat(schedule: Schedule, broker: Broker, *, slower: int) -> None:
    """Sends what is due, `slower` times as seldom; begins anew when it is started again."""
    periods = {period.name: period for period in PERIODS if period.queue in QUEUES}
    every_s = {name: period.seconds * slower for name, period in periods.items()}
    due = {name: seconds * schedule.rng.random() for name, seconds in every_s.items()}
    began_us = schedule.at_us
    while True:
        name = min(due, key=lambda key: (due[key], key))
        period = periods[name]
        passed_s = (schedule.at_us - began_us) / 1_000_000
        schedule.pause(max(0.0, due[name] - passed_s))
        try:
            broker.send_task(
                period.task,
                kwargs=dict(period.kwargs),
                queue=period.queue,
                expires=max(every_s[name], 2),
                headers={"periodic_task_name": period.name},
            )
        except OSError:
            schedule.pause(_RETRY_S)
        due[name] += every_s[name]
