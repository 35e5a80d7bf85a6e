"""Reads of limits."""

from django.db.models import Q, QuerySet

from risk.models import RiskLimit


def limits_of(account_ids: frozenset[int] | None) -> QuerySet[RiskLimit]:
    """Limits that bind these accounts (None: all), those of the desk as a whole included."""
    rows = RiskLimit.objects.select_related("account").order_by("pk")
    if account_ids is None:
        return rows
    return rows.filter(Q(account=None) | Q(account_id__in=account_ids))
