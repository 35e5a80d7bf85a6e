"""Reads of accounts and wallets."""

from django.db.models import QuerySet

from accounts.domain.wallet import WalletEquation
from accounts.models import Balance, ExchangeAccount, WalletLedger
from tradeops.domain.money import ZERO


def accounts_of(account_ids: frozenset[int] | None) -> QuerySet[ExchangeAccount]:
    """These accounts (None: all), oldest first."""
    rows = ExchangeAccount.objects.order_by("pk")
    return rows if account_ids is None else rows.filter(pk__in=account_ids)


def balances_of(account_ids: frozenset[int] | None) -> QuerySet[Balance]:
    """Wallets of these accounts (None: all)."""
    rows = Balance.objects.select_related("account").order_by("account_id", "asset")
    return rows if account_ids is None else rows.filter(account_id__in=account_ids)


def wallet_equation(account_id: int, asset: str) -> WalletEquation:
    """Both sides of the wallet equation of an asset as booked here (I4).

    Source: reliability.md I4.
    """
    whose = {"account_id": account_id, "asset": asset}
    balance = Balance.objects.filter(**whose).first()
    wallet = balance.wallet_balance if balance else ZERO
    ledger = WalletLedger.objects.filter(**whose).first()
    if ledger is None:
        return WalletEquation(asset, wallet, None)
    return WalletEquation(
        asset,
        wallet,
        ledger.opening,
        ledger.realized_pnl,
        ledger.commission,
        ledger.funding,
        ledger.other,
    )


def wallet_equations(account_id: int) -> list[WalletEquation]:
    """`wallet_equation` of every asset of the account that has an opening figure."""
    rows = WalletLedger.objects.filter(account_id=account_id, opening__isnull=False)
    assets = rows.order_by("asset").values_list("asset", flat=True)
    return [wallet_equation(account_id, asset) for asset in assets]
