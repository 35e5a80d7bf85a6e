"""Run a comparison from a thread: Celery tasks, commands, the gap-fill of the streams worker."""

import time
import uuid

from accounts.services.exchange_open import blocking_port
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import drive
from tradeops.reconcile.services.account_reconcile import RECONNECT, Scope, account_reconcile
from tradeops.reconcile.services.findings import ReconcileResult
from tradeops.reconcile.services.reconcile_notes import remember_rate


def reconcile_now(account_id: int, *, scope: Scope, trigger: str) -> ReconcileResult:
    """Compare the account now, on this thread. Not inside a transaction.

    Raises:
        TradeOpsError: ACCOUNT_UNAVAILABLE without a venue key; SealError when this process
            cannot read it.
        ExchangeError: the venue did not answer while connecting; later failures are in the result.
    """
    port = blocking_port(account_id)
    result = drive(
        account_reconcile(
            port,
            account_id,
            scope=scope,
            trigger=trigger,
            clock=SYSTEM_CLOCK,
            ids=uuid.uuid4,
            pause=blocking_pause,
        )
    )
    remember_rate(account_id, port.rate_state(), port.clock_offset_ms())
    return result


def fill_gap(account_id: int) -> None:
    """Everything that a stream may have missed while it was away (F17, F40).

    Raises:
        ConnectionError: the venue did not answer to the end, or there was more than one run may
            ask for; the caller tries again.
        TradeOpsError, ExchangeError: as `reconcile_now`.
    """
    result = reconcile_now(account_id, scope="all", trigger=RECONNECT)
    if result.error:
        raise ConnectionError(result.error)
    if result.unread:
        raise ConnectionError(f"fills of {', '.join(sorted(result.unread))} are left to read")


async def blocking_pause(seconds: float) -> None:
    """Wait on this thread."""
    time.sleep(seconds)  # noqa: ASYNC251 – beside a blocking port nothing may suspend
