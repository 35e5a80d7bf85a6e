"""The published description is the committed one, and says what it must."""

import json
from pathlib import Path
from typing import Any

import pytest

from tradeops.api import api
from tradeops.domain.errors import ErrorCode
from tradeops.kit.http import HTTP_STATUS

ROOT = Path(__file__).resolve().parents[3]


def _committed() -> Any:
    return json.loads((ROOT / "openapi.json").read_text())


def test_committed_description_is_what_the_routes_say() -> None:
    described = json.loads(json.dumps(api.get_openapi_schema(), default=str))

    assert described == _committed(), "run `make openapi` and look at what changed"


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/orders", "post"),
        ("/api/v1/orders", "get"),
        ("/api/v1/orders/{order_id}", "delete"),
        ("/api/v1/positions/{symbol}/close", "post"),
        ("/api/v1/engine/{verb}", "post"),
        ("/api/trade", "post"),
        ("/api/positions", "get"),
    ],
)
def test_route_is_described_and_guarded(path: str, method: str) -> None:
    operation = _committed()["paths"][path][method]

    assert operation["security"]
    assert operation["description"]


def test_money_is_text_in_the_description() -> None:
    fields = _committed()["components"]["schemas"]["OrderIn"]["properties"]

    (text,) = [kind for kind in fields["notional"]["anyOf"] if kind["type"] != "null"]
    assert text["type"] == "string"
    assert _committed()["components"]["schemas"]["OrderIn"]["additionalProperties"] is False


def test_every_code_stands_in_the_documentation() -> None:
    documentation = (ROOT / "docs" / "api.md").read_text()

    missing = [
        code.value
        for code in ErrorCode
        if f"| `{code}` | {HTTP_STATUS[code]} |" not in documentation
    ]
    assert missing == []
