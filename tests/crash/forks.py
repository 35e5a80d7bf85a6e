"""One run after another: copy the template, fork the venue, a worker that dies, its successor.

This process imports everything once and opens nothing, so that a fork has a running interpreter
and no connection of somebody else's: starting an interpreter would take longer than a run.
"""

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import redis
from django.conf import settings

from tests.crash.matrix import Case, every_case
from tests.crash.runs import ACCOUNT, MARK, SYMBOL, Run
from tests.crash.successor import recover
from tests.crash.template import Template
from tests.crash.venue import ForkedVenue
from tests.crash.worker import SURVIVED, act
from tradeops.celery import app

RUN_LIMIT_S = 90.0
LOG_LINES = 30
FOR_EVER_MS = 10**9
LATE = -1
Verdict = dict[str, Any]  # wrong: lines, ended: of the command under test, after_s: of its own time


def serve(folder: Path, postgres: str, cases: TextIO, results: TextIO) -> None:
    """Run each case named in `cases`; write what was wrong with it to `results`."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    app.loader.import_default_modules()
    template = Template(folder / "template", postgres)
    if _in_child(template.build) != 0:
        message = f"the template was not built:\n{template.log.read_text()}"
        raise RuntimeError(message)
    known = {str(case): case for case in every_case()}
    try:
        for name in cases:
            begun = time.monotonic()
            verdict = _one_run(known[name.strip()], template, folder)
            verdict |= {"case": name.strip(), "took_s": round(time.monotonic() - begun, 1)}
            results.write(json.dumps(verdict) + "\n")
            results.flush()
    finally:
        template.drop()


def _one_run(case: Case, template: Template, parent: Path) -> Verdict:
    folder = parent / str(case)
    folder.mkdir()
    state = folder / "venue.json"
    shutil.copy(template.venue_state, state)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    venue = ForkedVenue(folder, state)
    venue.start()
    try:
        venue.set_price(SYMBOL, MARK)
        if not case.stream:
            venue.fault(kind="ws_disconnect", match=ACCOUNT, ms=FOR_EVER_MS)
        database = template.copy()
        run = Run(case, folder, database, settings.REDIS_URL, template.account_id, venue)
        verdict = _crash_and_recover(run)
        template.discard(database)
    finally:
        venue.stop()
    if verdict["wrong"]:
        verdict["wrong"] += _log_ends(folder)
    else:
        shutil.rmtree(folder)
    return verdict


def _crash_and_recover(run: Run) -> Verdict:
    ended = _in_child(partial(act, run))
    if ended != -signal.SIGKILL:
        says = {SURVIVED: "was never at it", LATE: "hung"}.get(ended, f"ended with {ended}")
        return _failed(f"no crash at {run.case.point}: the worker {says}")
    verdict = run.folder / "verdict.json"
    if _in_child(partial(recover, run)) != 0 or not verdict.exists():
        return _failed("the successor broke")
    return dict(json.loads(verdict.read_text()))


def _failed(reason: str) -> Verdict:
    return {"wrong": [reason], "ended": "-", "after_s": 0}


def _in_child(job: Callable[[], None]) -> int:
    """Run a job in a fork; its exit code, minus the number of the signal that ended it, or LATE."""
    pid = os.fork()
    if pid == 0:
        _be_the_child(job)
    ended = None
    try:
        deadline = time.monotonic() + RUN_LIMIT_S
        while ended is None and time.monotonic() < deadline:
            time.sleep(0.005)
            ended = _exit_code(pid)
    finally:
        if ended is None:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
    return LATE if ended is None else ended


def _exit_code(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _be_the_child(job: Callable[[], None]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    code = 1
    try:
        job()
        code = 0
    except Exception:  # noqa: BLE001 - shown with the log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _log_ends(folder: Path) -> list[str]:
    lines = []
    for path in sorted(folder.glob("*.log")):
        ends = path.read_text(errors="replace").splitlines()[-LOG_LINES:]
        lines += [f"--- {path.name}", *ends]
    return lines
