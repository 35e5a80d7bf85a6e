"""What a request leaves in the log: one line, found by its id, and no secret."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.conf import settings

from accounts.models import ExchangeAccount
from tests.integration.api.booking import end_command
from tests.integration.api.client import Api
from tests.integration.api.conftest import KeyMaker
from tradeops.domain.commands import CommandStatus
from tradeops.journal.models import Command
from tradeops.observability.logs import JsonFormatter

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "notional": "500", "leverage": 10}


@pytest.fixture
def log() -> Iterator[StringIO]:
    """Everything that is logged, as it stands on stderr in a run."""
    text = StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


def _lines(log: StringIO, logger: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["logger"] == logger]


def test_request_leaves_one_access_line(api: Api, log: StringIO) -> None:
    api.get("/api/v1/orders?limit=3", **{"X-Request-ID": "find-me"})

    (line,) = _lines(log, "tradeops.access")
    assert line["request_id"] == "find-me"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/orders", 200)
    assert line["principal"] == "token:desk"
    assert isinstance(line["latency_ms"], int)


def test_refusal_leaves_an_error_line_with_the_same_id(api: Api, log: StringIO) -> None:
    api.post("/api/v1/orders", {**ORDER, "leverage": 0}, **{"X-Request-ID": "find-me"})

    (line,) = _lines(log, "tradeops.errors")
    assert (line["request_id"], line["code"], line["status"]) == (
        "find-me",
        "LEVERAGE_OUT_OF_RANGE",
        422,
    )


def test_order_leaves_an_order_line(api: Api, log: StringIO) -> None:
    api.post("/api/v1/orders", ORDER, key="k1", Prefer="wait=0")
    end_command(Command.objects.get(), CommandStatus.FAILED, code="HALTED", detail="drill")

    (line,) = _lines(log, "tradeops.orders")
    assert (line["symbol"], line["side"], line["status"]) == ("BTCUSDT", "BUY", "NEW")
    assert line["command_id"] == str(Command.objects.get().pk)
    assert line["request_id"]


def test_no_line_carries_a_secret(
    account: ExchangeAccount, make_key: KeyMaker, log: StringIO
) -> None:
    key = make_key()
    Api(key).post("/api/v1/orders", {**ORDER, "leverage": 0})
    Api(settings.AUTH_TOKEN).get(f"/api/v1/nothing/{settings.AUTH_TOKEN}?ticket={key}")
    Api("").post("/api/v1/auth/token", {"username": "olga", "password": "hunter-2-canary"})
    logging.getLogger("some.library").warning("Authorization: Bearer %s", settings.AUTH_TOKEN)
    logging.getLogger("some.library").warning("sent %s", {"headers": {"X-MBX-APIKEY": key}})

    text = log.getvalue()
    assert "some.library" in text
    for secret in (settings.AUTH_TOKEN, key, key.split("_", 2)[2], "hunter-2-canary"):
        assert secret not in text
