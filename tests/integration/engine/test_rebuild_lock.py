"""A rebuild does not stop the desk while it reads the journal."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.db import connection

from tests.integration.engine.desk import Desk, open_desk
from tradeops.domain.commands import PlaceOrder
from tradeops.domain.enums import Side
from tradeops.engine import projections
from tradeops.engine.rebuild import rebuild
from tradeops.journal.event_store import Stored
from tradeops.journal.models import Event
from tradeops.kit import append_only
from tradeops.kit.rows import Rows

BUY = PlaceOrder("BTCUSDT", Side.BUY, amount=Decimal(50), leverage=10)


@pytest.fixture
def desk(transactional_db: None) -> Iterator[Desk]:
    """Committed rows; the journal is emptied here, since its trigger refuses Django's DELETE."""
    yield open_desk()
    if connection.vendor == "sqlite":
        append_only.remove(connection, Event._meta.db_table)
        Event.objects.all().delete()
        append_only.install(connection, Event._meta.db_table)


def test_events_are_folded_before_the_lock_and_the_rest_under_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.run(BUY)
    before = Event.objects.count()
    folded_under_lock: list[bool] = []

    def fold(stored: Stored, rows: Rows) -> None:
        folded_under_lock.append(connection.in_atomic_block)
        if len(folded_under_lock) == before:
            desk.run(BUY)  # the desk goes on meanwhile
        projections.project(stored, rows)

    monkeypatch.setattr("tradeops.engine.rebuild.project", fold)

    report = rebuild(apply=False)

    assert folded_under_lock[:before] == [False] * before
    assert folded_under_lock[before:] == [True] * (Event.objects.count() - before)
    assert report.events == Event.objects.count()
    assert report.differences == ()
