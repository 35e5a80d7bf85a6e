"""Beat as a thread of a worker that was given `--with-beat`: one process less on one machine.

Where there are many machines, beat is a process of its own (`celery -A tradeops beat`).
"""

import logging
import os
import signal
import threading
from typing import Any

from celery import bootsteps
from celery.beat import Service

STOP_S = 5.0

logger = logging.getLogger(__name__)


class BeatStep(bootsteps.StartStopStep):
    """Starts and stops the scheduler of the settings with the worker."""

    def __init__(self, parent: Any, *, with_beat: bool = False, **options: Any) -> None:
        super().__init__(parent, **options)
        self.enabled = with_beat
        self._service: Any = None
        self._thread = threading.Thread(target=self._run, name="beat", daemon=True)
        self._is_stopping = False

    def start(self, parent: Any) -> None:
        """Begin to send what is due."""
        # A short interval, since a stop waits for the turn under way.
        scheduler = parent.app.conf.beat_scheduler
        self._service = Service(parent.app, max_interval=1, scheduler_cls=scheduler)
        self._thread.start()

    def stop(self, _parent: Any) -> None:
        """Send nothing more; returns when the turn under way has ended."""
        self._is_stopping = True
        if self._thread.is_alive():
            self._service.stop()
            self._thread.join(STOP_S)

    def terminate(self, parent: Any) -> None:
        """As `stop`."""
        self.stop(parent)

    def _run(self) -> None:
        try:
            self._service.start()
        except Exception:
            logger.exception("beat failed")
        finally:
            if not self._is_stopping:
                # A worker without its beat would sweep nothing: end, and be started again.
                os.kill(os.getpid(), signal.SIGTERM)
