"""One transaction on one account: lock, journal, project (D3).

Everything that changes an account's state goes through `account_ledger`, so that an event and the
rows that follow from it are always written together, under the account lock.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tradeops.engine.projections import project
from tradeops.journal.event_store import Appender, Draft, Origin, Stored, lock_head
from tradeops.kit.db import write_transaction
from tradeops.kit.rows import LiveRows


class AccountLedger:
    """An open transaction on an account. `rows` are as they are after the events so far."""

    def __init__(self, account_id: int, origin: Origin) -> None:
        self.account_id = account_id
        self.origin = origin
        self.rows = LiveRows()
        self._appender = Appender(lock_head(account_id))
        self.written: list[Stored] = []

    def emit(self, draft: Draft) -> bool:
        """Journal and project one event; False when its dedup key is known."""
        stored = self._appender.add(draft, self._origin_of(draft))
        if stored is None:
            return False
        project(stored, self.rows)
        return True

    def _origin_of(self, draft: Draft) -> Origin:
        """What a stream or REST tells of an order joins the order's own trail."""
        order_id = getattr(draft.event, "order_id", None)
        if self.origin.correlation_id is not None or order_id is None:
            return self.origin
        return replace(self.origin, correlation_id=order_id)

    def expect(self, dedup_keys: Sequence[str]) -> None:
        """Look up dedup keys ahead, with one query."""
        self._appender.expect(dedup_keys)

    def is_known(self, dedup_key: str) -> bool:
        return self._appender.is_known(dedup_key)

    def flush(self) -> None:
        self.written = self._appender.flush()
        self.rows.flush()


@contextmanager
def account_ledger(account_id: int, origin: Origin) -> Iterator[AccountLedger]:
    """Lock the account; write what was emitted when the body ends, nothing when it raises."""
    with write_transaction():
        ledger = AccountLedger(account_id, origin)
        yield ledger
        ledger.flush()
