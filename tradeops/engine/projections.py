"""Which projections exist and in which order they hear an event."""

from collections.abc import Callable

from django.db import models

import accounts.projection
import orders.projection
import positions.projection
import risk.projection
from tradeops.journal.event_store import Stored
from tradeops.kit.rows import Rows

PROJECTIONS: tuple[Callable[[Stored, Rows], None], ...] = (
    orders.projection.apply,
    positions.projection.apply,
    accounts.projection.apply,
    risk.projection.apply,
)
PROJECTED_MODELS: tuple[type[models.Model], ...] = (
    *orders.projection.MODELS,
    *positions.projection.MODELS,
    *accounts.projection.MODELS,
    *risk.projection.MODELS,
)


def project(stored: Stored, rows: Rows) -> None:
    """Apply one event to every projection."""
    for apply in PROJECTIONS:
        apply(stored, rows)
