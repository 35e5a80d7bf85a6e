"""Both sides' books of one account, in the same words, and where they differ."""

from decimal import Decimal
from typing import Any

from tests.support.stack import Stack

Books = dict[str, dict[str, tuple[Any, ...]]]


def ours(stack: Stack, account: str) -> Books:
    """What the API says."""
    fills = _all(stack, f"/api/v1/fills?account={account}&limit=1000")
    orders = _all(stack, f"/api/v1/orders?account={account}&limit=1000")
    positions = _items(stack, f"/api/v1/positions?account={account}")
    balances = _items(stack, f"/api/v1/balances?account={account}")
    return {
        "orders": {
            row["venue_order_id"]: (
                row["client_order_id"],
                row["side"],
                status_here(row["status"]),
                Decimal(row["quantity"]),
                Decimal(row["filled_quantity"]),
            )
            for row in orders
            if row["venue_order_id"]
        },
        "fills": {
            f"{row['symbol']} {row['trade_id']}": (
                row["side"],
                Decimal(row["price"]),
                Decimal(row["quantity"]),
                Decimal(row["commission"]),
                Decimal(row["realized_pnl"]),
            )
            for row in fills
        },
        "positions": {
            row["symbol"]: (Decimal(row["quantity"]), Decimal(row["entry_price"]))
            for row in positions
        },
        "balances": {row["asset"]: (Decimal(row["wallet_balance"]),) for row in balances},
    }


def venues(stack: Stack, account: str) -> Books:
    """What the paper venue says."""
    truth = stack.truth(account)
    return {
        "orders": {
            str(row["order_id"]): (
                row["client_order_id"],
                row["side"],
                status_here(row["status"]),
                Decimal(row["quantity"]),
                Decimal(row["executed_quantity"]),
            )
            for row in truth["orders"]
        },
        "fills": {
            f"{row['symbol']} {row['trade_id']}": (
                row["side"],
                Decimal(row["price"]),
                Decimal(row["quantity"]),
                Decimal(row["commission"]),
                Decimal(row["realized_pnl"]),
            )
            for row in truth["fills"]
        },
        "positions": {
            row["symbol"]: (Decimal(row["quantity"]), Decimal(row["entry_price"]))
            for row in truth["positions"]
            if Decimal(row["quantity"])
        },
        "balances": {row["asset"]: (Decimal(row["wallet"]),) for row in truth["balances"]},
    }


def differences(stack: Stack, account: str) -> list[str]:
    """One line for each entry that is not the same on both sides."""
    here, there = ours(stack, account), venues(stack, account)
    lines = []
    for kind in there:
        for key in sorted(here[kind].keys() | there[kind].keys()):
            left, right = here[kind].get(key), there[kind].get(key)
            if left != right:
                lines.append(f"{account} {kind} {key}: ours {left}, venue {right}")
    return lines


def status_here(text: str) -> str:
    """What the venue calls `text` is called here."""
    return {"NEW": "ACKNOWLEDGED", "CANCELED": "CANCELLED", "EXPIRED_IN_MATCH": "EXPIRED"}.get(
        text, text
    )


def _items(stack: Stack, path: str) -> list[dict[str, Any]]:
    answer = stack.api("GET", path)
    assert answer.status == 200, answer.text
    rows = answer.json["items"] if isinstance(answer.json, dict) else answer.json
    return list(rows)


def _all(stack: Stack, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = stack.api("GET", f"{path}&cursor={cursor}" if cursor else path)
        assert answer.status == 200, answer.text
        rows += answer.json["items"]
        cursor = answer.json["next"] or ""
        if not cursor:
            return rows
