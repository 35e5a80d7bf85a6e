"""Reads of positions."""

from collections.abc import Sequence

from positions.models import Position


def open_positions(
    account_ids: frozenset[int] | None, *, symbol: str | None = None
) -> Sequence[Position]:
    """Legs that are not flat, of these accounts (None: all), by account and symbol.

    Quantities are text on SQLite, so flat legs are left out here; there are few rows per account.
    """
    rows = Position.objects.select_related("account")
    if account_ids is not None:
        rows = rows.filter(account_id__in=account_ids)
    if symbol is not None:
        rows = rows.filter(symbol=symbol)
    return [row for row in rows.order_by("account_id", "symbol", "pk") if row.quantity]
