"""Field types, and the one way to write.

`write_transaction` is the only entry to a writing transaction outside migrations and the admin's
own tables. On SQLite all writers of this machine queue on a file lock first: SQLite's busy handler
sleeps in growing steps, which under eight writers made p99 about a second (D8); the queue wakes the
next writer at once. The lock dies with its process. On PostgreSQL nothing queues.
"""

import fcntl
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import Error as DatabaseError
from django.db import OperationalError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tradeops.domain.money import plain
from tradeops.kit import safe_mode
from tradeops.kit.db_faults import reason_of

logger = logging.getLogger(__name__)
_local = threading.local()


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
    """Run the body in one transaction, durable when the outermost block ends.

    An error that lasts (full, read-only, damaged, gone) makes this process SAFE.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        with transaction.atomic(using=using):
            yield
        return
    afterwards: list[Callable[[], None]] = []
    try:
        with writers_queue(connection), transaction.atomic(using=using):
            _local.afterwards = afterwards
            try:
                yield
            finally:
                _local.afterwards = None
    except DatabaseError as error:
        _be_safe(error)
        raise
    for callback in afterwards:
        _run_quietly(callback)


def _be_safe(error: DatabaseError) -> None:
    reason = reason_of(error)
    if reason is not None:
        safe_mode.enter(reason, str(error))


def after_commit(callback: Callable[[], None]) -> None:
    """Call once the current transaction is durable and the next writer may begin.

    Unlike `transaction.on_commit`, which would run it while other writers still wait. What it
    raises is logged.
    """
    afterwards = getattr(_local, "afterwards", None)
    if afterwards is None:
        transaction.on_commit(callback, robust=True)
    else:
        afterwards.append(callback)


def _run_quietly(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        logger.exception("after a commit")


def _queue_of(connection: BaseDatabaseWrapper) -> AbstractContextManager[None]:
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's
        return nullcontext()
    return _writers_queue(str(connection.settings_dict["NAME"]))


# Around each outermost transaction. The fault simulator puts its scheduler in this place.
writers_queue: Callable[[BaseDatabaseWrapper], AbstractContextManager[None]] = _queue_of


@contextmanager
def _writers_queue(database: str) -> Iterator[None]:
    """First the threads of this process in turn, then the processes in turn.

    Who waits for the lock holds the turnstile, so that a busy process cannot take the lock again
    and again past it.
    """
    with _threads:
        turnstile = _lock_file(f"{database}.turn")
        try:
            lock = _lock_file(f"{database}.lock")
        finally:
            os.close(turnstile)
        try:
            yield
        finally:
            os.close(lock)


def _lock_file(path: str) -> int:
    """Descriptor that holds the lock; closing it, or dying, gives the lock back."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:  # read-only, full: what SQLite would say of the database itself
        raise OperationalError(str(error)) from error
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


class FairLock:
    """A mutex that is handed to the longest waiter; a plain one goes to whoever runs already."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def __exit__(self, *_error: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False


_threads = FairLock()


def in_transaction() -> bool:
    """Whether this thread holds an open transaction on any connection (I14)."""
    return any(connection.in_atomic_block for connection in connections.all(initialized_only=True))
