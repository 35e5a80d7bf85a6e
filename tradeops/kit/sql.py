"""Statements on single rows, built once per model.

The ORM builds each statement anew, which costs more than running it; an order passes some forty of
them (docs/performance.md). Values still go through the fields: types and converters are the ORM's.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def fetch(model: type[M], where: str, params: Sequence[Any]) -> list[M]:
    """Rows of `model` for a fixed WHERE clause of ours with `%s` marks; never build it from input.

    `params` are values as the database takes them: text, numbers, `prepared` ones.
    """
    rows = model._default_manager.raw(f"{_select(model)} WHERE {where}", params)
    return list(rows)


def by_pk(model: type[M], pk: Any) -> M | None:
    """The row with this primary key."""
    key = model._meta.pk
    found = fetch(model, f'"{key.column}" = %s', [key.get_db_prep_value(pk, connection)])
    return found[0] if found else None


def by_pks(model: type[M], pks: Sequence[Any]) -> list[M]:
    """The rows with these primary keys, a few hundred at most, in no particular order."""
    key = model._meta.pk
    marks = ", ".join(["%s"] * len(pks))
    values = [key.get_db_prep_value(pk, connection) for pk in pks]
    return fetch(model, f'"{key.column}" IN ({marks})', values)


def insert(rows: Sequence[models.Model]) -> None:
    """Insert new rows of one model; generated keys are left unset on the instances."""
    if not rows:
        return
    model = type(rows[0])
    fields = _stored_fields(model)
    with connection.cursor() as cursor:
        cursor.executemany(_insert(model), [_values(row, fields) for row in rows])
    for row in rows:
        row._state.adding = False


def update(rows: Sequence[models.Model]) -> None:
    """Write all fields of existing rows of one model; LookupError when one is not there."""
    if not rows:
        return
    model = type(rows[0])
    fields = (*_changeable_fields(model), model._meta.pk)
    with connection.cursor() as cursor:
        cursor.executemany(_update(model), [_values(row, fields) for row in rows])
        if cursor.rowcount != len(rows):
            raise LookupError(f"{model.__name__}: {cursor.rowcount} of {len(rows)} rows exist")


def column(model: type[models.Model], name: str, pk: Any) -> Any:
    """One column of the row with this primary key, as the database has it; None without a row."""
    key = model._meta.pk
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT "{name}" FROM "{model._meta.db_table}" WHERE "{key.column}" = %s',
            [key.get_db_prep_value(pk, connection)],
        )
        found = cursor.fetchone()
    return found[0] if found else None


def _values(row: models.Model, fields: Sequence[Any]) -> list[Any]:
    return [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]


@cache
def _stored_fields(model: type[models.Model]) -> tuple[Any, ...]:
    fields = model._meta.concrete_fields
    return tuple(field for field in fields if not isinstance(field, models.AutoField))


@cache
def _changeable_fields(model: type[models.Model]) -> tuple[Any, ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key)


@cache
def _select(model: type[models.Model]) -> str:
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    return f'SELECT {columns} FROM "{model._meta.db_table}"'


@cache
def _insert(model: type[models.Model]) -> str:
    fields = _stored_fields(model)
    columns = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    return f'INSERT INTO "{model._meta.db_table}" ({columns}) VALUES ({marks})'


@cache
def _update(model: type[models.Model]) -> str:
    pairs = ", ".join(f'"{field.column}" = %s' for field in _changeable_fields(model))
    return f'UPDATE "{model._meta.db_table}" SET {pairs} WHERE "{model._meta.pk.column}" = %s'
