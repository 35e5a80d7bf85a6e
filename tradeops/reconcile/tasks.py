"""Periodic comparisons. Beat starts one fan-out a scope; each account is a task of its own."""

import logging
from typing import cast
from uuid import UUID

from celery import shared_task

from tradeops.domain.errors import TradeOpsError
from tradeops.exchange.errors import ExchangeError
from tradeops.reconcile import selectors
from tradeops.reconcile.services import command_run, reconcile_notes
from tradeops.reconcile.services.account_reconcile import SCHEDULE, Scope
from tradeops.reconcile.services.reconcile_now import reconcile_now

logger = logging.getLogger(__name__)

QUEUE = "reconcile"
TURN_S = 60
_EXPIRES_S = {"orders": 8, "positions": 8}
_EXPIRES_LATER_S = 50
DEGRADED_EXPIRES_S = 2


@shared_task(name="tradeops.reconcile.tasks.reconcile_accounts")
def reconcile_accounts(*, scope: str, **_kwargs: object) -> None:
    """Start a comparison of each active account; one that waits too long is dropped."""
    for account_id in selectors.active_account_ids():
        reconcile_account.apply_async(
            kwargs={"account_id": account_id, "scope": scope},
            queue=QUEUE,
            expires=_EXPIRES_S.get(scope, _EXPIRES_LATER_S),
        )


@shared_task(name="tradeops.reconcile.tasks.reconcile_account")
def reconcile_account(
    *, account_id: int, scope: str = "all", trigger: str = SCHEDULE, **_kwargs: object
) -> None:
    """Compare one account, unless the same comparison is under way."""
    if not reconcile_notes.take_turn(account_id, scope, seconds=TURN_S):
        return
    try:
        result = reconcile_now(account_id, scope=cast("Scope", scope), trigger=trigger)
    except (ExchangeError, TradeOpsError) as error:
        logger.warning("account %s not compared (%s): %s", account_id, scope, error)
        return
    finally:
        reconcile_notes.end_turn(account_id, scope)
    if result.error:
        logger.warning("account %s compared in part (%s): %s", account_id, scope, result.error)


@shared_task(name="tradeops.reconcile.tasks.reconcile_degraded")
def reconcile_degraded(*, account_ids: list[int], **_kwargs: object) -> None:
    """Compare accounts whose stream is silent, each second: what they hold, and whatever moved.

    One that holds nothing and waits for nothing is left to its periods, as is one whose last
    look is still under way (F90).
    """
    for account_id in account_ids:
        if selectors.held_symbols(account_id):
            reconcile_account.apply_async(
                kwargs={"account_id": account_id, "scope": "degraded"},
                queue=QUEUE,
                expires=DEGRADED_EXPIRES_S,
            )


@shared_task(name="tradeops.reconcile.tasks.reconcile_on_command")
def reconcile_on_command(*, command_id: str, **_kwargs: object) -> None:
    """Carry out RunReconcile; the sweeper sends it again as long as the command is not complete."""
    if not reconcile_notes.take_turn(0, command_id, seconds=TURN_S):
        return
    try:
        command_run.run_command(UUID(command_id))
    finally:
        reconcile_notes.end_turn(0, command_id)
