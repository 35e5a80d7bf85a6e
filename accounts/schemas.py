"""Accounts, wallets and tokens as the API takes and gives them."""

from datetime import datetime
from typing import Annotated

from ninja import Schema
from pydantic import Field

from accounts.models import Balance, ExchangeAccount
from tradeops.kit.fields import DecimalText, RequestSchema


class AccountOut(Schema):
    """One account; its keys never leave the workers."""

    id: int
    name: str
    venue: str
    is_active: bool
    position_mode: str
    margin_mode: str
    created_at: datetime

    @classmethod
    def of(cls, row: ExchangeAccount) -> "AccountOut":
        """The row for the outside."""
        return cls(
            id=row.pk,
            name=row.name,
            venue=row.venue,
            is_active=row.is_active,
            position_mode=row.position_mode,
            margin_mode=row.default_margin_mode,
            created_at=row.created_at,
        )


class AccountList(Schema):
    """The accounts that the asker may see."""

    items: list[AccountOut]


class BalanceOut(Schema):
    """Wallet of one asset, without open profit."""

    account: str
    asset: str
    wallet_balance: DecimalText
    updated_at: datetime

    @classmethod
    def of(cls, row: Balance) -> "BalanceOut":
        """The row for the outside; its account must be loaded."""
        return cls(
            account=row.account.name,
            asset=row.asset,
            wallet_balance=row.wallet_balance,
            updated_at=row.updated_at,
        )


class BalanceList(Schema):
    """Wallets of the accounts that the asker may see."""

    items: list[BalanceOut]


class LoginIn(RequestSchema):
    """An operator's name and password."""

    username: Annotated[str, Field(pattern=r"^[\w.@+-]{1,150}$")]
    password: Annotated[str, Field(min_length=1, max_length=4096)]


class TokenOut(Schema):
    """A bearer token; ask again before it ends."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - the scheme
    expires_in: int


class TicketOut(Schema):
    """For `?ticket=` of the websocket: good once, for 30 s."""

    ticket: str
    expires_in: int
