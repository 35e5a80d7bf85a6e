"""Nothing that goes into a log carries a secret (I16)."""

import json
import logging
from typing import Any

import pytest

from tradeops.observability.logs import JsonFormatter
from tradeops.observability.redact import MASK, Redactor

CANARY = "canary-7f3d9c2b1a"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"authorization: bearer {CANARY}",
        f"GET /fapi/v1/order?symbol=X&signature={CANARY}&timestamp=1",
        f"wss://host/ws?listenKey={CANARY}",
        f"/ws/v1/live?ticket={CANARY}",
        f"redis://:{CANARY}@127.0.0.1:6379/0 refused",
        f"postgres://user:{CANARY}@db/x",
        f"key tok_0a1b2c3d_{CANARY} was used",
        f"{{'apiKey': '{CANARY}', 'x': 1}}",
        f"X-MBX-APIKEY: {CANARY}",
        f"password={CANARY}",
    ],
)
def test_text_with_a_secret_loses_it(text: str) -> None:
    cleaned = Redactor().text(text)

    assert CANARY not in cleaned
    assert MASK in cleaned


def test_jwt_is_masked() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

    assert Redactor().text(f"got {token}.") == f"got {MASK}."


@pytest.mark.parametrize(
    "name",
    ["password", "api_secret", "AUTH_TOKEN", "apiKey", "api-key", "listen_key", "Authorization",
     "signature", "ticket", "SEAL_PRIVATE_KEYS", "cookie"],
)  # fmt: skip
def test_value_under_a_telling_name_is_masked(name: str) -> None:
    assert Redactor().value({"a": [{name: CANARY}]}) == {"a": [{name: MASK}]}


@pytest.mark.parametrize(
    "kept",
    ["BTCUSDT BUY 0.008", "ae-4f16b335314a38858171a07582efdd", "token:desk", "key:0a1b2c3d"],
)
def test_ordinary_text_stays(kept: str) -> None:
    assert Redactor().text(kept) == kept


def test_known_secret_is_masked_wherever_it_stands() -> None:
    redactor = Redactor([CANARY, "short"])

    assert redactor.text(f"x{CANARY}y short") == f"x{MASK}y short"


def _line(message: str, *args: object, **extra: Any) -> dict[str, Any]:
    record = logging.LogRecord("some.library", logging.INFO, __file__, 1, message, args, None)
    record.__dict__.update(extra)
    line: dict[str, Any] = json.loads(JsonFormatter().format(record))
    return line


def test_line_is_json_with_fields_and_without_secrets() -> None:
    line = _line("sent %s", f"signature={CANARY}", fields={"status": 200, "token": CANARY})

    assert line["msg"] == f"sent signature={MASK}"
    assert line["status"] == 200
    assert line["token"] == MASK
    assert line["logger"] == "some.library"
    assert line["ts"].endswith("Z")
    assert CANARY not in json.dumps(line)


def test_stack_of_an_error_is_masked() -> None:
    try:
        raise ValueError(f"password={CANARY}")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", (), info)

    text = JsonFormatter().format(record)

    assert "ValueError" in text
    assert CANARY not in text
    assert json.loads(text)["level"] == "error"
