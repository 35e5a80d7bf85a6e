"""Accounts at a venue, their sealed keys, who may use the API, and wallets."""

from typing import Any

from django.conf import settings
from django.db import models

from tradeops.domain.enums import MarginMode, PositionMode, Venue
from tradeops.kit.db import MoneyField


class ExchangeAccount(models.Model):
    """One account at one venue; the environment belongs to the deployment (D11)."""

    name = models.SlugField(max_length=40, unique=True)
    venue = models.CharField(
        max_length=20, choices=[(v.value, v.value) for v in Venue], default=Venue.BINANCE_USDM
    )
    is_active = models.BooleanField(default=True)
    position_mode = models.CharField(
        max_length=8,
        choices=[(m.value, m.value) for m in PositionMode],
        default=PositionMode.ONE_WAY,
    )
    default_margin_mode = models.CharField(
        max_length=8, choices=[(m.value, m.value) for m in MarginMode], default=MarginMode.CROSS
    )
    dead_man_enabled = models.BooleanField(
        "dead-man countdown",
        default=False,
        db_default=False,
        help_text="The venue cancels the orders of a symbol with resting openings when nobody"
        " renews its countdown. Exits resting there go as well; conditional orders are not"
        " assumed to be covered.",
    )
    operators: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        settings.AUTH_USER_MODEL, blank=True, related_name="exchange_accounts"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Credential(models.Model):
    """A venue key sealed for the workers (D12). `hint` is the key's last four characters."""

    account = models.ForeignKey(
        ExchangeAccount, on_delete=models.PROTECT, related_name="credentials"
    )
    hint = models.CharField(max_length=4)
    sealed = models.TextField()
    key_id = models.CharField(max_length=32)
    is_current = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(is_current=True),
                name="credential_one_current",
            ),
        ]

    def __str__(self) -> str:
        return f"…{self.hint}"


class ApiToken(models.Model):
    """An API key `tok_<prefix>_<secret>`; only the SHA-256 of the whole is kept."""

    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=12, unique=True)
    secret_hash = models.CharField(max_length=64)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    scopes = models.JSONField(default=list)
    accounts: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        ExchangeAccount, blank=True, related_name="api_tokens"
    )
    allowed_networks = models.JSONField(default=list, blank=True)
    writes_per_minute = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class Balance(models.Model):
    """Wallet of one asset: a projection of BalanceChanged."""

    id = models.CharField(primary_key=True, max_length=48)
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT, related_name="balances")
    asset = models.CharField(max_length=16)
    wallet_balance = MoneyField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.asset} {self.wallet_balance}"


class WalletLedger(models.Model):
    """Sums of what moved one wallet since its opening figure: a projection, see wallet_equation.

    Flows up to `opened_at` are in `opening` already. `pending` holds those heard before the first
    wallet figure, `[time, column, amount]`, until it tells which of them it contains.
    """

    id = models.CharField(primary_key=True, max_length=48)
    account = models.ForeignKey(ExchangeAccount, on_delete=models.PROTECT)
    asset = models.CharField(max_length=16)
    opening = MoneyField(null=True)
    opened_at = models.DateTimeField(null=True)
    realized_pnl = MoneyField()
    commission = MoneyField()
    funding = MoneyField()
    other = MoneyField()
    pending = models.JSONField(default=list)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.id


class IncomeCursor(models.Model):
    """Up to when the venue's income history of an account was read, without a gap."""

    account = models.OneToOneField(ExchangeAccount, on_delete=models.PROTECT, primary_key=True)
    read_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} up to {self.read_until:%Y-%m-%d %H:%M:%S}"
