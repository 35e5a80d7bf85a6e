"""This side of an account beside the venue's own books."""

from decimal import Decimal

from accounts.models import Balance
from orders.models import Fill
from positions.models import Position
from tests.integration.reconcile.fixtures import Desk

Books = tuple[list[tuple[str, int]], dict[str, Decimal], list[Decimal]]


def here(desk: Desk) -> Books:
    """Fills, open quantities and wallets as projected."""
    fills = Fill.objects.filter(account_id=desk.pk)
    legs = Position.objects.filter(account_id=desk.pk)
    wallets = Balance.objects.filter(account_id=desk.pk)
    return (
        sorted(fills.values_list("symbol", "trade_id")),
        {leg.symbol: leg.quantity for leg in legs if leg.quantity},
        [wallet.wallet_balance for wallet in wallets],
    )


def there(desk: Desk) -> Books:
    """The same as the venue has it."""
    truth = desk.truth()
    quantities = {row["symbol"]: Decimal(row["quantity"]) for row in truth["positions"]}
    return (
        sorted((row["symbol"], int(row["trade_id"])) for row in truth["fills"]),
        {symbol: quantity for symbol, quantity in quantities.items() if quantity},
        [Decimal(row["wallet"]) for row in truth["balances"]],
    )


def equals_venue(desk: Desk) -> bool:
    return here(desk) == there(desk)


def assert_equals_venue(desk: Desk) -> None:
    assert here(desk) == there(desk)
