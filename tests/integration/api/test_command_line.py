"""The command line in this process: usage, tables, JSON lines, keys."""

import json
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from accounts.models import ApiToken, ExchangeAccount
from tests.integration.api.booking import START, place
from tests.integration.api.client import Api, assert_problem
from tradeops.domain.commands import (
    AmendOrder,
    CancelAll,
    ChangeIsolatedMargin,
    PlaceOrder,
    SetMarginMode,
)
from tradeops.domain.enums import MarginMode, OrderType, Side, WorkingType
from tradeops.engine.api.asking import Answer
from tradeops.engine.console import exit_code
from tradeops.journal import codec
from tradeops.journal.models import Command, Event

BUY = ("trade", "BUY", "BTCUSDT")


def _run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO())
    return out.getvalue()


def _lines(*words: str) -> list[Any]:
    return [json.loads(line) for line in _run(*words, "--json").splitlines()]


@pytest.mark.parametrize(
    "words",
    [
        ("trade", "HOLD", "BTCUSDT", "--amount", "1"),
        (*BUY,),
        (*BUY, "--amount", "1", "--notional", "1"),
        (*BUY, "--amount", "50", "--yes"),
        (*BUY, "--notional", "1e400", "--yes"),
        (*BUY, "--notional", "500", "--leverage", "26", "--yes"),
        (*BUY, "--notional", "500", "--account", "nobody", "--yes"),
        (*BUY, "--notional", "500"),
        ("trade", "BUY", "FOOUSDT", "--notional", "500", "--yes"),
        ("orders", "--account", "nobody"),
        ("orders", "--status", "DONE"),
        ("orders", "--limit", "-1"),
        ("orders", "--limit", "0"),
        ("orders", "--limit", "1001"),
        ("orders", "--symbol", "no symbol"),
        (*BUY, "--notional", "500", "--leverage", "10", "--key", "two words", "--yes"),
        (*BUY, "--notional", "500", "--leverage", "10", "--key", "k" * 129, "--yes"),
        ("cancel",),
        ("cancel", "no-uuid"),
        ("cancel", "5f0c8f0e-0000-4000-8000-000000000000"),
        ("cancel", "--symbol", "BTCUSDT"),
        ("cancel", "--symbol", "BTCUSDT", "--confirm", "cancel ETHUSDT"),
        (*BUY, "--notional", "500", "--type", "STOP_MARKET", "--yes"),
        (*BUY, "--close-position", "--type", "LIMIT", "--price", "1", "--yes"),
        (*BUY, "--notional", "500", "--type", "STOP_MARKET", "--trigger-price", "-1", "--yes"),
        ("cancel", "--all"),
        ("cancel", "--all", "--confirm", "cancel second"),
        ("amend", "no-uuid", "--price", "1", "--yes"),
        ("amend", "5f0c8f0e-0000-4000-8000-000000000000", "--price", "1", "--yes"),
        ("margin", "mode", "BTCUSDT", "isolated", "--yes"),
        ("margin", "leverage", "BTCUSDT", "26", "--yes"),
        ("margin", "leverage", "BTCUSDT", "ten", "--yes"),
        ("margin", "add", "BTCUSDT", "-5", "--yes"),
        ("margin", "add", "no symbol", "5", "--yes"),
        ("margin", "add", "BTCUSDT", "5"),
        ("cancel", "--symbol", "no symbol", "--confirm", "cancel no symbol"),
        ("close", "no symbol", "--reason", "x", "--yes"),
        ("close", "BTCUSDT", "--yes"),
        ("close", "BTCUSDT", "--reason", "x", "--fraction", "1.5", "--yes"),
        ("close", "BTCUSDT", "--reason", "x"),
        ("resume", "--all", "--reason", "x"),
        ("resume", "--all", "--yes"),
        ("halt", "--account", "nobody"),
        ("halt", "--all", "--account", "main"),
        ("halt", "--symbol", "nothing"),
        ("apikey", "create", "robot", "--scope", "read", "--writes-per-minute", "0"),
        ("apikey", "create", "robot", "--scope", "everything"),
        ("apikey", "create", "robot", "--scope", "read", "--days", "0"),
        ("apikey", "create", "robot", "--scope", "read", "--days", "-1"),
        ("apikey", "create", "robot", "--scope", "read", "--days", "99999999"),
        ("apikey", "create", "robot", "--scope", "read", "--network", "here"),
        ("apikey", "create", "robot", "--scope", "read", "--owner", "nobody"),
        ("apikey", "revoke", "nothing"),
    ],
)
def test_wrong_usage_asks_for_nothing(account: ExchangeAccount, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError) as refused:
        _run(*words)

    # argparse's own complaints leave with 2 when the program runs by itself.
    assert refused.value.returncode == 2 or "rror: " in str(refused.value)
    assert not Command.objects.exists()
    assert not Event.objects.exists()


def test_dry_run_shows_the_gates_and_writes_nothing(account: ExchangeAccount) -> None:
    out = StringIO()
    words = (*BUY, "--notional", "500", "--leverage", "10", "--dry-run", "--json")
    with pytest.raises(SystemExit):
        call_command(*words, stdout=out)

    found = json.loads(out.getvalue())
    assert found["accepted"] is False
    assert found["verdicts"]
    assert not Command.objects.exists()


def test_dry_run_of_a_refused_order_says_why_and_leaves_with_four(
    account: ExchangeAccount,
) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as left:
        call_command(*BUY, "--notional", "500", "--leverage", "10", "--dry-run", stdout=out)

    assert left.value.code == 4
    assert "✗" in out.getvalue()


def test_key_of_another_order_is_a_conflict(
    account: ExchangeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeops.engine.console.DEFAULT_WAIT_S", 0.0)  # nobody works here
    order = ("--leverage", "10", "--key", "k1", "--yes", "--json")
    with pytest.raises(SystemExit) as first:
        _run(*BUY, "--notional", "500", *order)
    assert first.value.code == 1

    with pytest.raises(CommandError, match="another request"):
        _run("trade", "SELL", "BTCUSDT", "--notional", "500", *order)
    assert Command.objects.count() == 1


def test_all_order_work_is_asked_for(
    account: ExchangeAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradeops.engine.console.DEFAULT_WAIT_S", 0.0)  # nobody works here
    order = place(account)
    stop = ("trade", "SELL", "BTCUSDT", "--type", "STOP_MARKET", "--trigger-price", "58000")
    for words in (
        (*stop, "--working-type", "CONTRACT_PRICE", "--close-position"),
        ("amend", str(order.pk), "--price", "61000"),
        ("margin", "remove", "BTCUSDT", "12.5"),
        ("margin", "mode", "BTCUSDT", "CROSS"),
        ("cancel", "--all", "--confirm", "cancel main"),
    ):
        confirmed = () if words[0] == "cancel" else ("--yes",)
        with pytest.raises(SystemExit) as unanswered:
            _run(*words, *confirmed, "--json")
        assert unanswered.value.code == 1

    rows = Command.objects.order_by("created_at")
    asked = [codec.decode_command(row.kind, row.payload) for row in rows]
    assert asked == [
        PlaceOrder(
            "BTCUSDT",
            Side.SELL,
            OrderType.STOP_MARKET,
            trigger_price=Decimal(58000),
            working_type=WorkingType.CONTRACT_PRICE,
            close_position=True,
        ),
        AmendOrder(order.pk, "BTCUSDT", Decimal("0.008"), Decimal(61000)),
        ChangeIsolatedMargin("BTCUSDT", Decimal("-12.5")),
        SetMarginMode("BTCUSDT", MarginMode.CROSS),
        CancelAll(""),
    ]


def test_json_is_alone_on_stdout(account: ExchangeAccount) -> None:
    out, err = StringIO(), StringIO()
    words = (*BUY, "--notional", "500", "--leverage", "10", "--json")
    with pytest.raises(CommandError, match="--yes"):
        call_command(*words, stdout=out, stderr=err)

    assert out.getvalue() == ""
    assert "accepted" in err.getvalue()


def test_orders_and_positions_are_listed(account: ExchangeAccount) -> None:
    filled = place(account, trade_id=1)
    place(account, at=START.replace(hour=11))

    assert [row["status"] for row in _lines("orders")] == ["FILLED", "ACKNOWLEDGED"]
    assert [row["id"] for row in _lines("orders", "--status", "FILLED")] == [str(filled.pk)]
    assert [row["quantity"] for row in _lines("positions")] == ["0.008"]
    table = _run("orders")
    assert str(filled.pk) in table
    assert "filled_quantity" in table
    assert "LONG" in _run("positions")


def test_key_is_made_shown_once_used_and_revoked(account: ExchangeAccount) -> None:
    User.objects.create_superuser("root", password="a long enough word")

    (made,) = _lines("apikey", "create", "robot", "--scope", "read", "--account", "main")
    (listed,) = _lines("apikey", "list")
    api = Api(made["key"])

    assert api.get("/api/v1/orders").status_code == 200
    assert made["prefix"] == listed["prefix"] == ApiToken.objects.get().prefix
    assert "key" not in listed
    _run("apikey", "revoke", made["prefix"], "--reason", "test over")
    assert_problem(api.get("/api/v1/orders"), 401, "UNAUTHENTICATED")
    assert _lines("apikey", "list")[0]["revoked_at"]


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("INSUFFICIENT_BALANCE", "FAILED", 4),
        ("HALTED", "FAILED", 4),
        ("VENUE_REJECTED", "FAILED", 4),
        ("VENUE_UNAVAILABLE", "FAILED", 5),
        ("LOST", "FAILED", 5),
        ("OUTCOME_UNKNOWN", "SENT", 5),
        ("", "NEW", 1),
        ("INTERNAL_ERROR", "FAILED", 1),
    ],
)
def test_exit_code_tells_what_became_of_it(code: str, status: str, expected: int) -> None:
    assert exit_code(Answer(422, {"code": code}, {}, Command(status=status))) == expected
