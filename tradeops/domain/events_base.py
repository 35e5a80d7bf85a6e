"""Base of every event.

An event says what became true and carries everything a projection needs: rebuilding never asks a
venue or a clock. Field types are limited to those that `tradeops.journal.codec` writes: str, int,
bool, Decimal, datetime, UUID, enums of `tradeops.domain.enums`, None and JSON mappings.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """One fact of the journal."""
