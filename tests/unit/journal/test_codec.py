"""Every event and command type survives JSON."""

import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, get_args, get_type_hints
from uuid import UUID

import pytest

from tradeops.domain.commands import COMMAND_TYPES
from tradeops.domain.events import EVENT_TYPES
from tradeops.journal.codec import VERSIONS, decode_command, decode_event, encode

VALUES: dict[Any, Any] = {
    str: "text",
    int: 7,
    bool: True,
    Decimal: Decimal("0.10000001"),
    datetime: datetime(2026, 11, 20, 1, 2, 3, 456000, tzinfo=UTC),
    UUID: UUID(int=5),
}


def sample(cls: type) -> Any:
    return cls(**{name: _value(hint) for name, hint in get_type_hints(cls).items()})


def _value(hint: Any) -> Any:
    inner = [item for item in get_args(hint) if item is not type(None)]
    if hint in VALUES:
        return VALUES[hint]
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if getattr(hint, "__origin__", None) is dict:
        return {"key": "value"}
    if getattr(hint, "__origin__", None) is list:
        return [{"key": "value"}]
    return _value(inner[0])


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_event_returns_unchanged(name: str) -> None:
    event = sample(EVENT_TYPES[name])

    text = json.dumps(encode(event))

    assert decode_event(name, VERSIONS[name], json.loads(text)) == event


@pytest.mark.parametrize("name", sorted(COMMAND_TYPES))
def test_command_returns_unchanged(name: str) -> None:
    command = sample(COMMAND_TYPES[name])

    text = json.dumps(encode(command))

    assert decode_command(name, json.loads(text)) == command


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_optional_fields_may_be_none(name: str) -> None:
    cls = EVENT_TYPES[name]
    optional = {item.name: None for item in fields(cls) if item.default is None}
    required = {
        item: _value(hint) for item, hint in get_type_hints(cls).items() if item not in optional
    }
    event = cls(**required, **optional)

    assert decode_event(name, 1, json.loads(json.dumps(encode(event)))) == event


def test_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        decode_event("SomethingElse", 1, {})


def test_no_event_field_has_a_mutable_default() -> None:
    for cls in EVENT_TYPES.values():
        for item in fields(cls):
            assert item.default is MISSING or not isinstance(item.default, dict | list)
