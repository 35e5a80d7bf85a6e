"""Composition of the Celery workers: what a bootstep of one slice needs of another."""

from tradeops.reconcile.services.reconcile_now import fill_gap
from tradeops.streams.worker import StreamsStep


class Streams(StreamsStep):
    """The streams worker, which asks reconciliation to fill the gap of each (re)connection."""

    fill_gap = staticmethod(fill_gap)
