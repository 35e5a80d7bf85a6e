"""Journal → Balance rows."""

from accounts.models import Balance
from tradeops.domain.events import BalanceChanged
from tradeops.journal.event_store import Stored
from tradeops.kit.rows import Rows

MODELS = (Balance,)


def balance_id(account_id: int, asset: str) -> str:
    """Row id of a wallet: `1:USDT`."""
    return f"{account_id}:{asset}"


def apply(stored: Stored, rows: Rows) -> None:
    """The newest wallet figure of an asset."""
    event = stored.event
    if not isinstance(event, BalanceChanged):
        return
    row_id = balance_id(stored.account_id, event.asset)
    balance = rows.get(Balance, row_id) or Balance(
        id=row_id, account_id=stored.account_id, asset=event.asset
    )
    balance.wallet_balance = event.wallet_balance
    balance.updated_at = event.updated_at
    rows.put(balance)
