"""Two real beats and one real worker: each period runs once (F50)."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from celery.beat import Service
from celery.contrib.testing.worker import start_worker
from celery.signals import before_task_publish
from django.db import connections
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from tradeops.celery import app
from tradeops.kit.lease_clock import DATABASE_CLOCK
from tradeops.streams.models import PeriodLease

NAME = "look at feeds, sent by two beats"
PERIOD_S = 1


class Beat(threading.Thread):
    """A scheduler of the settings, on a thread as in `--with-beat`."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.service = Service(app, max_interval=1, scheduler_cls=app.conf.beat_scheduler)

    def run(self) -> None:
        try:
            self.service.start()
        finally:
            connections.close_all()

    def end(self) -> None:
        self.service.stop()
        self.join(10)


class Post:
    """Counts the messages that name the period, by the thread that sent them."""

    def __init__(self) -> None:
        self.sent: Counter[str] = Counter()

    def count(self, headers: dict[str, object], **_kwargs: object) -> None:
        if headers.get("periodic_task_name") == NAME:
            self.sent[threading.current_thread().name] += 1


@pytest.fixture
def post() -> Iterator[Post]:
    counted = Post()
    before_task_publish.connect(counted.count, weak=False)
    yield counted
    before_task_publish.disconnect(counted.count)


@pytest.fixture
def beats(committed_db: None) -> Iterator[list[Beat]]:
    every, _ = IntervalSchedule.objects.get_or_create(
        every=PERIOD_S, period=IntervalSchedule.SECONDS
    )
    PeriodicTask.objects.all().delete()
    PeriodicTask.objects.create(
        name=NAME, task="tradeops.streams.tasks.watch_feeds", interval=every, queue="notify"
    )
    with ExitStack() as stack:
        stack.enter_context(
            start_worker(
                app,
                pool="threads",
                concurrency=2,
                queues=["notify"],
                perform_ping_check=False,
                loglevel="WARNING",
            )
        )
        started = [Beat(), Beat()]
        for beat in started:
            beat.start()
            stack.callback(beat.end)
        yield started


def test_two_beats_start_each_period_once(beats: list[Beat], post: Post) -> None:
    began_ms = DATABASE_CLOCK.read().ms
    deadline = time.monotonic() + 60
    while len(post.sent) < len(beats) or min(post.sent.values()) < 4:
        assert time.monotonic() < deadline, post.sent
        time.sleep(0.1)

    runs = PeriodLease.objects.get(pk=NAME).runs
    passed_s = (DATABASE_CLOCK.read().ms - began_ms) / 1000
    # Never closer together than 0.8 of a period, however many messages there were.
    assert 1 <= runs <= passed_s / (0.8 * PERIOD_S) + 2
    assert runs < post.sent.total()
