"""The class of every Celery task."""

import logging
from typing import Any

from celery.contrib.django.task import DjangoTask

from tradeops.kit import safe_mode

logger = logging.getLogger(__name__)


class SafeTask(DjangoTask):
    """Does nothing while this process is SAFE: a message is a hint, the work is in the database."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task, or drop the message."""
        trouble = safe_mode.stopped_by()
        if trouble is not None:
            logger.warning("%s dropped: %s", self.name, trouble.reason)
            return None
        return super().__call__(*args, **kwargs)
