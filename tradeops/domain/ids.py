"""Identifiers: client order ids, dedup keys and deterministic row ids."""

import re
import uuid

CLIENT_ORDER_ID_PREFIX = "ae-"
CLIENT_ORDER_ID_PATTERN = re.compile(r"^[.A-Z:/a-z0-9_-]{1,36}$")
_NAMESPACE = uuid.UUID("6f1d6c1e-7d1b-5a86-9f0e-0c9f5a2f7f10")


def client_order_id(command_id: uuid.UUID) -> str:
    """`ae-{command id as 32 hex}`: 35 of the 36 characters that the venue admits (R1.8)."""
    return f"{CLIENT_ORDER_ID_PREFIX}{command_id.hex}"


def command_id_of(client_order_id_text: str) -> uuid.UUID | None:
    """The command behind a client order id, or None when the id is not ours."""
    if not client_order_id_text.startswith(CLIENT_ORDER_ID_PREFIX):
        return None
    try:
        return uuid.UUID(hex=client_order_id_text[len(CLIENT_ORDER_ID_PREFIX) :])
    except ValueError:
        return None


def external_order_id(account_id: int, symbol: str, venue_order_id: str) -> uuid.UUID:
    """Row id of an order that this system did not send; the same on every replay."""
    return uuid.uuid5(_NAMESPACE, f"order:{account_id}:{symbol}:{venue_order_id}")


def fill_dedup_key(account_id: int, symbol: str, trade_id: str) -> str:
    """One execution, whoever reports it and however often (R1.5, F24)."""
    return f"fill:{account_id}:{symbol}:{trade_id}"


def fill_id(account_id: int, symbol: str, trade_id: str) -> uuid.UUID:
    """Row id of a fill; the same on every replay."""
    return uuid.uuid5(_NAMESPACE, fill_dedup_key(account_id, symbol, trade_id))
