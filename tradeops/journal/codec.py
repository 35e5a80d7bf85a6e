"""Commands and events to JSON and back, without loss.

Decimals, times, UUIDs and enums are written as strings; `VERSIONS` counts the shape of each type,
and `UPCASTERS` lift older payloads when a shape changes.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from tradeops.domain.commands import COMMAND_TYPES, DomainCommand
from tradeops.domain.events import EVENT_TYPES, DomainEvent
from tradeops.domain.money import plain

T = TypeVar("T")
VERSIONS: Mapping[str, int] = dict.fromkeys(EVENT_TYPES, 1)
UPCASTERS: Mapping[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}


def encode(fact: DomainEvent | DomainCommand) -> dict[str, Any]:
    """Field name → JSON value, in field order; fields at None stay as null."""
    cls: type = type(fact)
    return {name: _to_json(getattr(fact, name)) for name, _ in _fields(cls)}


def decode_event(name: str, version: int, payload: dict[str, Any]) -> DomainEvent:
    """Rebuild an event; raises KeyError for a name outside the closed list."""
    while (upcast := UPCASTERS.get((name, version))) is not None:
        payload, version = upcast(payload), version + 1
    return _build(EVENT_TYPES[name], payload)


def decode_command(name: str, payload: dict[str, Any]) -> DomainCommand:
    """Rebuild a command; raises KeyError for a name outside the closed list."""
    return _build(COMMAND_TYPES[name], payload)


def _to_json(value: Any) -> Any:  # noqa: PLR0911 – one line a type
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    return value


def _build(cls: type[T], payload: Mapping[str, Any]) -> T:
    values = {
        name: payload[name] if read is None or payload[name] is None else read(payload[name])
        for name, read in _fields(typing.cast("type", cls))
        if name in payload
    }
    return cls(**values)


@cache
def _fields(cls: type) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    hints = typing.get_type_hints(cls)
    return tuple((item.name, _reader(hints[item.name])) for item in dataclasses.fields(cls))


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        (hint,) = [item for item in typing.get_args(hint) if item is not type(None)]
    if hint is datetime:
        return datetime.fromisoformat
    if hint in (Decimal, UUID) or (isinstance(hint, type) and issubclass(hint, Enum)):
        return typing.cast("Callable[[Any], Any]", hint)
    return None
