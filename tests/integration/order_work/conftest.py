"""The fixtures of this folder."""

from tests.integration.reconcile.fixtures import committed_db, desk, venue, venue_process

__all__ = ["committed_db", "desk", "venue", "venue_process"]
