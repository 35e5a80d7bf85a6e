"""Change who operates an account, whether it is served, and whether the dead-man guards it."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth import get_user_model

from accounts.models import ExchangeAccount
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.domain.events import ConfigChanged
from tradeops.journal.event_store import Draft, Origin, append, lock_head
from tradeops.journal.models import Event
from tradeops.kit.db import write_transaction

SUBJECT = "account"


def change_account(
    *,
    account_id: int,
    is_active: bool,
    operator_ids: Sequence[int],
    dead_man_enabled: bool,
    actor: str,
    source: Source,
    reason: str,
    now: datetime,
) -> ExchangeAccount:
    """Set the account's activity, operators and dead-man; journals ConfigChanged, old and new.

    An inactive account is not streamed, not reconciled and takes no command. Nothing is written
    when nothing changes.

    Raises:
        TradeOpsError: NOT_FOUND, or VALIDATION_ERROR for an unknown operator.
    """
    wanted = set(operator_ids)
    if get_user_model().objects.filter(pk__in=wanted).count() != len(wanted):
        raise TradeOpsError(ErrorCode.VALIDATION_ERROR, "An operator does not exist.")
    with write_transaction():
        lock_head(account_id)  # one change of an account at a time
        account = ExchangeAccount.objects.filter(pk=account_id).first()
        if account is None:
            raise TradeOpsError(ErrorCode.NOT_FOUND, f"There is no account {account_id}.")
        operators = set(account.operators.values_list("pk", flat=True))
        old = {
            "is_active": account.is_active,
            "operators": sorted(operators),
            "dead_man_enabled": account.dead_man_enabled,
        }
        new = {
            "is_active": is_active,
            "operators": sorted(wanted),
            "dead_man_enabled": dead_man_enabled,
        }
        if old != new:
            account.is_active = is_active
            account.dead_man_enabled = dead_man_enabled
            account.save(update_fields=["is_active", "dead_man_enabled"])
            account.operators.set(wanted)
            event = ConfigChanged(
                SUBJECT, str(account_id), next_version(account_id), old, new, reason
            )
            append(account_id, [Draft(event, now)], Origin(actor, source, now))
    return account


def next_version(account_id: int) -> int:
    """Changes of the account so far, its creation included, and one."""
    earlier = Event.objects.filter(
        account_id=account_id, type=ConfigChanged.__name__, payload__subject=SUBJECT
    )
    return earlier.count() + 1
