"""Where projections read and write rows: the database when live, memory when rebuilding.

A projector never touches a manager; it asks `Rows`, changes the instance and says `put`. So the
same code serves ingest and rebuild, and "rebuild equals live" (I8) tests the real thing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

from django.db import models

from tradeops.kit import sql

M = TypeVar("M", bound=models.Model)


class Rows(Protocol):
    """Rows of one account while a batch of events is applied."""

    def get(self, model: type[M], pk: Any) -> M | None:
        """The row as it is after the events so far."""
        ...

    def put(self, row: models.Model) -> None:
        """Remember a new or changed row."""
        ...

    def select(self, model: type[M], **equal: Any) -> list[M]:
        """All rows with these field values, in no particular order."""
        ...


class LiveRows:
    """Database rows, each read once and written once per batch."""

    def __init__(self) -> None:
        self._rows: dict[tuple[type[models.Model], Any], models.Model | None] = {}
        self._changed: dict[tuple[type[models.Model], Any], models.Model] = {}

    def get(self, model: type[M], pk: Any) -> M | None:
        key = (model, pk)
        if key not in self._rows:
            self._rows[key] = sql.by_pk(model, pk)
        return self._rows[key]  # type: ignore[return-value]  # keyed by its own type

    def put(self, row: models.Model) -> None:
        key = (type(row), row.pk)
        self._rows[key] = row
        self._changed[key] = row

    def prefetch(self, model: type[models.Model], pks: Sequence[Any]) -> None:
        """Read many rows with one query; absent ones are remembered as absent."""
        missing = [pk for pk in pks if (model, pk) not in self._rows]
        if missing:
            found = {row.pk: row for row in sql.by_pks(model, missing)}
            self._rows.update({(model, pk): found.get(pk) for pk in missing})

    def select(self, model: type[M], **equal: Any) -> list[M]:
        for row in model._default_manager.filter(**equal):
            self._rows.setdefault((model, row.pk), row)
        return [
            row for row in self._rows.values() if isinstance(row, model) and _matches(row, equal)
        ]

    def flush(self) -> None:
        """Write what changed, each row once."""
        created: defaultdict[type[models.Model], list[models.Model]] = defaultdict(list)
        changed: defaultdict[type[models.Model], list[models.Model]] = defaultdict(list)
        for (model, _), row in self._changed.items():
            (created if row._state.adding else changed)[model].append(row)
        for rows in created.values():
            sql.insert(rows)
        for rows in changed.values():
            sql.update(rows)
        self._changed.clear()


class MemoryRows:
    """Rows built from nothing but events."""

    def __init__(self) -> None:
        self._rows: dict[type[models.Model], dict[Any, models.Model]] = {}

    def get(self, model: type[M], pk: Any) -> M | None:
        return self._rows.get(model, {}).get(pk)  # type: ignore[return-value]

    def put(self, row: models.Model) -> None:
        self._rows.setdefault(type(row), {})[row.pk] = row

    def select(self, model: type[M], **equal: Any) -> list[M]:
        return [row for row in self.all(model) if _matches(row, equal)]

    def all(self, model: type[M]) -> Iterable[M]:
        return list(self._rows.get(model, {}).values())  # type: ignore[arg-type]


def _matches(row: models.Model, equal: dict[str, Any]) -> bool:
    return all(getattr(row, name) == value for name, value in equal.items())
