"""The process that comes after: it recovers what the dead one left, then is judged."""

import json
import logging
import time
from collections.abc import Callable

from tests.crash import checks
from tests.crash.broker import Beat, Broker, run_task
from tests.crash.runs import AheadClock, Run, enter
from tests.crash.worker import order_under_test, serve_streams
from tradeops.journal.models import Event
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.reconcile.services.reconcile_now import reconcile_now
from tradeops.streams import worker as streams

logger = logging.getLogger(__name__)

# I10 says 120 s after the faults stopped.
RECOVERED_WITHIN_S = 120
QUIET_FOR_S = 12
PACE_S = 0.01  # of real time, in which the stream's thread keeps up with a second that passes
FASTER = 50.0


def recover(run: Run) -> None:
    """Work until the account is at rest; write to `verdict.json` how it ended and what is wrong."""
    clock = enter(run, "successor")
    begun = SYSTEM_CLOCK.now()
    wrong = _recover(run, clock)
    passed_s = round((SYSTEM_CLOCK.now() - begun).total_seconds())
    verdict = {"wrong": wrong, "ended": checks.ending(run), "after_s": passed_s}
    (run.folder / "verdict.json").write_text(json.dumps(verdict))


def _recover(run: Run, clock: AheadClock) -> list[str]:
    # The streams worker keeps its lease and signs of life by real time, of which little passes.
    for name in ("RENEW_S", "VITALS_S"):
        setattr(streams, name, getattr(streams, name) / FASTER)
    broker = Broker(run.redis_url)
    broker.redeliver()
    watch = checks.Watch(run)
    if run.case.point in {"CP1", "CP2", "CP3"}:  # the client got no answer
        run.ask("order", order_under_test(run))
    serve_streams(run)
    beat = Beat(SYSTEM_CLOCK.now())

    def step() -> None:
        broker.run_waiting()
        now = SYSTEM_CLOCK.now()
        beat.tick(now)
        broker.run_waiting()
        watch.look(now)
        time.sleep(PACE_S)
        clock.advance(1)

    left = _until_at_rest(run, step)
    if left:
        return [*watch.wrong, *(f"not recovered after {RECOVERED_WITHIN_S} s: {x}" for x in left)]
    wrong = [*watch.wrong, *checks.at_rest(run), *_second_comparison(run)]
    run_task("tradeops.engine.tasks.sweep", {})
    return [*wrong, *checks.outcome(run)]


def _until_at_rest(run: Run, step: Callable[[], None]) -> list[str]:
    """Let time pass until nothing has been open for a while; what is still open at the end."""
    quiet_s = 0
    left: list[str] = []
    for _ in range(RECOVERED_WITHIN_S + QUIET_FOR_S):
        step()
        left = checks.unfinished(run)
        quiet_s = 0 if left else quiet_s + 1
        if quiet_s >= QUIET_FOR_S:
            return []
    return left


def _second_comparison(run: Run) -> list[str]:
    """I18: what was compared just now has nothing to say."""
    for _ in range(2):
        before = list(Event.objects.values_list("pk", flat=True))
        result = reconcile_now(run.account_id, scope="all", trigger="schedule")
        if result.error:
            return [f"I18: the comparison failed: {result.error}"]
    new = Event.objects.exclude(pk__in=before).exclude(type__startswith="WebSocket")
    return [f"I18: a second comparison wrote {event.type}" for event in new]
