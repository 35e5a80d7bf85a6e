"""Rebuild every projection from events alone and compare, digit for digit (R1.4, I8).

Each account is folded in memory by the same projectors that run live, written into shadow tables of
the same shape, compared row by row with the live tables, and, when asked, swapped in.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, models

from tradeops.engine.projections import PROJECTED_MODELS, project
from tradeops.journal.event_store import lock_head, read
from tradeops.journal.models import JournalHead
from tradeops.kit.db import write_transaction
from tradeops.kit.rows import MemoryRows


@dataclass(frozen=True, slots=True)
class Difference:
    """One cell, or one whole row (`column` is ""), that differs."""

    table: str
    pk: str
    column: str
    live: str
    rebuilt: str


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """Outcome for all accounts."""

    events: int
    rows: int
    differences: tuple[Difference, ...]
    applied: bool


def rebuild(*, apply: bool, account_id: int | None = None) -> RebuildReport:
    """Fold one account (None: all) and compare; with `apply` the rebuilt rows replace the live.

    Holds the write lock of each account while it is compared, so that live work cannot move it;
    folding, which is most of the work, goes before.
    """
    events = rows = 0
    differences: list[Difference] = []
    heads = JournalHead.objects.order_by("pk")
    wanted = heads if account_id is None else heads.filter(pk=account_id)
    for head_id in wanted.values_list("pk", flat=True):
        memory = MemoryRows()
        folded = _fold(head_id, memory, after_seq=0)
        with write_transaction():
            lock_head(head_id)
            events += _fold(head_id, memory, after_seq=folded)
            for model in PROJECTED_MODELS:
                fresh = list(memory.all(model))
                rows += len(fresh)
                with _shadow_of(model) as shadow:
                    _fill(shadow, model, fresh)
                    differences += _compare(shadow, model, head_id)
                    if apply:
                        _swap_in(shadow, model, head_id)
    return RebuildReport(events, rows, tuple(differences), apply)


def _fold(account_id: int, memory: MemoryRows, *, after_seq: int) -> int:
    """Apply what follows `after_seq`; the number of the last event, which is how many there are."""
    for stored in read(account_id, after_seq=after_seq):
        project(stored, memory)
        after_seq = stored.seq
    return after_seq


@contextmanager
def _shadow_of(model: type[models.Model]) -> Iterator[str]:
    table = model._meta.db_table
    shadow = f"shadow_{table}"
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TABLE IF EXISTS "{shadow}"')
        cursor.execute(f'CREATE TEMPORARY TABLE "{shadow}" AS SELECT * FROM "{table}" WHERE 1 = 0')
    try:
        yield shadow
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f'DROP TABLE "{shadow}"')


def _columns(model: type[models.Model]) -> list[Any]:
    return list(model._meta.concrete_fields)


def _fill(shadow: str, model: type[models.Model], rows: Iterable[models.Model]) -> None:
    fields = _columns(model)
    names = ", ".join(f'"{field.column}"' for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    values = [
        [field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields]
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f'INSERT INTO "{shadow}" ({names}) VALUES ({marks})', values)


def _compare(shadow: str, model: type[models.Model], account_id: int) -> list[Difference]:
    """Rows of one side that the other does not have in exactly these digits."""
    table = model._meta.db_table
    live = _only_in(table, shadow, model, account_id)
    rebuilt = _only_in(shadow, table, model, account_id)
    found = []
    for pk in sorted(live.keys() | rebuilt.keys()):
        if pk not in live or pk not in rebuilt:
            sides = ("present", "absent") if pk in live else ("absent", "present")
            found.append(Difference(table, pk, "", *sides))
            continue
        for field in _columns(model):
            left, right = live[pk][field.column], rebuilt[pk][field.column]
            if left != right:
                found.append(Difference(table, pk, field.column, str(left), str(right)))
    return found


def _only_in(
    this: str, other: str, model: type[models.Model], account_id: int
) -> dict[str, dict[str, Any]]:
    fields = _columns(model)
    names = ", ".join(f'CAST("{field.column}" AS TEXT)' for field in fields)
    half = f'SELECT {names} FROM "{{}}" WHERE "account_id" = %s'
    with connection.cursor() as cursor:
        cursor.execute(f"{half.format(this)} EXCEPT {half.format(other)}", [account_id, account_id])
        rows = [dict(zip([f.column for f in fields], row, strict=True)) for row in cursor]
    key = model._meta.pk.column
    return {str(row[key]): row for row in rows}


def _swap_in(shadow: str, model: type[models.Model], account_id: int) -> None:
    table = model._meta.db_table
    names = ", ".join(f'"{field.column}"' for field in _columns(model))
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{table}" WHERE "account_id" = %s', [account_id])
        cursor.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM "{shadow}"')
