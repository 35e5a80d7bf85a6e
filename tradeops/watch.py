"""Each long-lived process looks at itself every two seconds: may it still work?

Enters SAFE and leaves it again (`kit.safe_mode`), and tells the others in Redis what it runs and
how it is. Its database connection is its own: one that hangs or is refused says something.
"""

import json
import logging
import os
import shutil
import signal
import socket
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tradeops.deployment import fingerprint, gaps, judge, link_to_database, probe, read_word
from tradeops.domain.reasons import Reason
from tradeops.kit import safe_mode
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db_faults import reason_of
from tradeops.kit.redis_client import redis_client
from tradeops.kit.safe_mode import Trouble
from tradeops.observability.asking import Panel

logger = logging.getLogger(__name__)

EVERY_S = 2.0
HANGS_AFTER_S = 10.0
FADES_AFTER_S = 15
PROCESS_KEYS = "tradeops:process:"
MIB = 1024 * 1024
OF_THE_DATABASE = (
    Reason.DATABASE_GONE,
    Reason.DATABASE_READ_ONLY,
    Reason.DATABASE_FULL,
    Reason.DATABASE_DAMAGED,
)
OF_THE_BUILD = (
    Reason.SCHEMA_BEHIND,
    Reason.SCHEMA_AHEAD,
    Reason.BUILD_FOREIGN,
    Reason.DATABASE_FOREIGN,
)


class Watch:
    """Looks after one process. `ends` says whether it ends when its build no longer fits.

    A worker does, so that its supervisor starts it again with whatever is deployed; the web process
    stays to say why it refuses.
    """

    def __init__(self, kind: str, *, ends: bool) -> None:
        self._kind = kind
        self._ends = ends
        self._here = fingerprint()
        self._panel = Panel({"database": self._look_at_database})

    def start(self) -> None:
        """Look now and then until the process ends."""
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                self.look()
            except Exception:
                logger.exception("watch")
            pause.wait(EVERY_S)

    def look(self) -> None:
        """One look at everything, and one word to the others."""
        (answer,) = self._panel.ask(limit_s=HANGS_AFTER_S).values()
        if answer.hangs:  # it leaves SAFE by itself when it answers after all
            safe_mode.enter(Reason.DATABASE_GONE, f"No answer for {HANGS_AFTER_S:.0f} s.")
        elif answer.error is not None:
            logger.error("watch", exc_info=answer.error)
        self._look_at_disk()
        self._tell(SYSTEM_CLOCK.now())
        stopped = safe_mode.stopped_by()
        if self._ends and stopped is not None and stopped.reason in OF_THE_BUILD:
            logger.critical("ending: %s", stopped)
            self._ends = False
            os.kill(os.getpid(), signal.SIGTERM)

    def _look_at_database(self) -> None:
        link = link_to_database()
        try:
            misfits = self._misfits(link)
            if any(item.reason in OF_THE_DATABASE for item in safe_mode.troubles()):
                probe(link)
        except DatabaseError as error:
            reason = reason_of(error)
            if reason is None:  # a lock, a timeout: says nothing lasting
                logger.warning("watch: %s", error)
            else:
                _change(OF_THE_DATABASE, [Trouble(reason, str(error).strip())])
            return
        finally:
            link.close()
            connections["default"].close()  # Django's migration loader may have opened it
        _change(OF_THE_DATABASE, [])
        if misfits is not None:
            _change(OF_THE_BUILD, misfits)

    def _misfits(self, link: BaseDatabaseWrapper) -> list[Trouble] | None:
        """None while the database says nothing of itself (a test empties it)."""
        word = read_word(link)
        if word is None:
            return None
        gone = gaps(link)
        return [*gone, *judge(word, is_current=not gone)]

    def _look_at_disk(self) -> None:
        free = free_mib()
        low = free is not None and free < settings.MIN_FREE_MIB
        _change([Reason.DISK_LOW], [Trouble(Reason.DISK_LOW, f"{free} MiB are free.")] * low)

    def _tell(self, now: datetime) -> None:
        word = {
            "kind": self._kind,
            "pid": os.getpid(),
            "at": now.isoformat(),
            "schema": self._here.schema,
            "build": self._here.build,
            "troubles": {item.reason: item.detail for item in safe_mode.troubles()},
        }
        key = f"{PROCESS_KEYS}{socket.gethostname()}:{os.getpid()}"
        try:
            redis_client().set(key, json.dumps(word), ex=FADES_AFTER_S)
        except redis.RedisError as error:
            logger.warning("process word not written: %s", type(error).__name__)


def _change(family: Sequence[Reason], found: Sequence[Trouble]) -> None:
    """Of these reasons, exactly `found` hold from now on."""
    for item in found:
        safe_mode.enter(item.reason, item.detail)
    for reason in set(family) - {item.reason for item in found}:
        safe_mode.leave(reason)


def free_mib() -> int | None:
    """Free room where the data lies: SQLite's file, else the run's folder; None: cannot be seen."""
    database = settings.DATABASES["default"]
    is_file = database["ENGINE"].endswith("sqlite3")
    folder = Path(str(database["NAME"])).parent if is_file else settings.TRADEOPS_HOME
    try:
        return int(shutil.disk_usage(folder).free // MIB)
    except OSError:
        return None


def processes() -> list[dict[str, Any]]:
    """What each process of this deployment said last.

    Raises:
        RedisError: when it cannot be asked.
    """
    client = redis_client()
    keys = sorted(client.scan_iter(match=f"{PROCESS_KEYS}*", count=1000))
    words: Any = client.mget(keys) if keys else []
    return [json.loads(word) for word in words if word]
