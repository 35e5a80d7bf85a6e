"""Periodic looks at the feeds."""

import logging

from celery import current_app, shared_task

from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.streams.lease import silence_ms
from tradeops.streams.services import vitals
from tradeops.streams.services.feed_watch import FeedWatch, in_the_market
from tradeops.streams.services.owner_identity import is_gone

logger = logging.getLogger(__name__)

RECONCILE_TASK = "tradeops.reconcile.tasks.reconcile_degraded"
RECONCILE_QUEUE = "reconcile"
EXPIRES_S = 2

_watch = FeedWatch(renewed=silence_ms, is_gone=is_gone, signs=vitals.sign_ages_ms)


@shared_task(name="tradeops.streams.tasks.watch_feeds")
def watch_feeds(**_kwargs: object) -> None:
    """Judge every feed; compare accounts that have something at stake and no whole feed."""
    exposed = in_the_market(_watch.look(SYSTEM_CLOCK.now()))
    if exposed:
        current_app.send_task(
            RECONCILE_TASK,
            kwargs={"account_ids": exposed},
            queue=RECONCILE_QUEUE,
            expires=EXPIRES_S,
        )
