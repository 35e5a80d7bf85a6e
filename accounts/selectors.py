"""Reads of accounts and wallets."""

from django.db.models import QuerySet

from accounts.models import Balance, ExchangeAccount


def accounts_of(account_ids: frozenset[int] | None) -> QuerySet[ExchangeAccount]:
    """These accounts (None: all), oldest first."""
    rows = ExchangeAccount.objects.order_by("pk")
    return rows if account_ids is None else rows.filter(pk__in=account_ids)


def balances_of(account_ids: frozenset[int] | None) -> QuerySet[Balance]:
    """Wallets of these accounts (None: all)."""
    rows = Balance.objects.select_related("account").order_by("account_id", "asset")
    return rows if account_ids is None else rows.filter(account_id__in=account_ids)
