"""Field types, and the one way to write.

`write_transaction` is the only entry to a writing transaction outside migrations and the admin's
own tables. On SQLite all writers of this machine queue on a file lock first: SQLite's busy handler
sleeps in growing steps, which under eight writers made p99 about a second (D8); the queue wakes the
next writer at once. The lock dies with its process. On PostgreSQL nothing queues.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tradeops.domain.money import plain

_thread_lock = threading.RLock()


if TYPE_CHECKING:
    _DecimalField = models.DecimalField[Any, Any]
else:
    _DecimalField = models.DecimalField


class ExactDecimalField(_DecimalField):
    """A decimal that returns digit for digit.

    Django's own field goes through binary floating point on SQLite; this one is text there, so it
    must not be summed or ordered in SQL. On PostgreSQL it is `numeric` without a fixed scale.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 40)
        kwargs.setdefault("decimal_places", 18)
        super().__init__(*args, **kwargs)

    def get_internal_type(self) -> str:
        return "ExactDecimalField"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "text" if connection.vendor == "sqlite" else "numeric"

    def get_db_prep_value(
        self,
        value: Any,
        connection: BaseDatabaseWrapper,
        prepared: bool = False,  # noqa: FBT001, FBT002 – Django's signature
    ) -> Any:
        if value is None:
            return None
        text = plain(value if isinstance(value, Decimal) else Decimal(value))
        return text if connection.vendor == "sqlite" else Decimal(text)

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> Any:
        return self.get_db_prep_value(value, connection)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


class PriceField(ExactDecimalField):
    """Quote per base."""


class QuantityField(ExactDecimalField):
    """Base units or contracts."""


class MoneyField(ExactDecimalField):
    """Amount of one asset."""


@contextmanager
def write_transaction(using: str = "default") -> Iterator[None]:
    """Run the body in one transaction, durable when the outermost block ends."""
    connection = connections[using]
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic(using=using):
            yield
        return
    lock = _file_lock(f"{connection.settings_dict['NAME']}.lock")
    with _thread_lock, lock, transaction.atomic(using=using):
        yield


@contextmanager
def _file_lock(path: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def in_transaction() -> bool:
    """Whether this thread holds an open transaction on any connection (I14)."""
    return any(connection.in_atomic_block for connection in connections.all(initialized_only=True))
