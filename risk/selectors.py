"""Reads of limits."""

from django.db.models import Q, QuerySet

from risk.models import RiskLimit
from tradeops.domain.errors import ErrorCode, TradeOpsError


def limits_of(account_ids: frozenset[int] | None) -> QuerySet[RiskLimit]:
    """Limits that bind these accounts (None: all), those of the desk as a whole included."""
    rows = RiskLimit.objects.select_related("account").order_by("pk")
    if account_ids is None:
        return rows
    return rows.filter(Q(account=None) | Q(account_id__in=account_ids))


def limit_of(account_ids: frozenset[int] | None, limit_id: int) -> RiskLimit:
    """A limit that binds these accounts (None: all).

    Raises:
        TradeOpsError: NOT_FOUND otherwise.
    """
    row = limits_of(account_ids).filter(pk=limit_id).first()
    if row is None:
        raise TradeOpsError(ErrorCode.NOT_FOUND, "There is no such limit for you.")
    return row
