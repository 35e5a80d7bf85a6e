"""Each wrong setting stops the start with its number and a hint."""

from typing import Any

import pytest
from django.test import override_settings

from tradeops.checks import check_settings, refuse_wrong_settings

# Nothing connects: the checks only read the names.
pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")

SQLITE = "django.db.backends.sqlite3"
RIGHT: dict[str, Any] = {
    "SECRET_KEY": "k" * 50,
    "AUTH_TOKEN": "t" * 43,
    "TRADEOPS_ENV": "paper",
    "TRADEOPS_USE_TESTNET": False,
    "TRADEOPS_ALLOW_MAINNET": False,
    "SEAL_PUBLIC_KEY": "id:key",
    "DATABASES": {"default": {"ENGINE": SQLITE, "NAME": "/srv/tradeops-paper.sqlite3"}},
}


def ids() -> list[str | None]:
    messages = check_settings()
    assert all(message.hint for message in messages)
    return [message.id for message in messages]


def test_right_settings_pass() -> None:
    with override_settings(**RIGHT):
        assert ids() == []


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"SECRET_KEY": ""}, "tradeops.E001"),
        ({"SECRET_KEY": "k" * 31}, "tradeops.E001"),
        ({"AUTH_TOKEN": "t" * 31}, "tradeops.E002"),
        ({"TRADEOPS_USE_TESTNET": True}, "tradeops.E003"),
        ({"TIME_ZONE": "Asia/Seoul"}, "tradeops.E005"),
        (
            {"DATABASES": {"default": {"ENGINE": SQLITE, "NAME": "/srv/tradeops-mainnet.sqlite3"}}},
            "tradeops.E008",
        ),
    ],
)
def test_one_wrong_setting_is_named(wrong: dict[str, Any], number: str) -> None:
    with override_settings(**{**RIGHT, **wrong}):
        assert ids() == [number]


def test_mainnet_needs_the_second_flag_and_seal_keys() -> None:
    database = {"default": {"ENGINE": SQLITE, "NAME": "/srv/tradeops-mainnet.sqlite3"}}
    mainnet = {**RIGHT, "TRADEOPS_ENV": "mainnet", "DATABASES": database}

    with override_settings(**mainnet):
        assert ids() == ["tradeops.E004"]
    with override_settings(**{**mainnet, "SEAL_PUBLIC_KEY": "", "TRADEOPS_ALLOW_MAINNET": True}):
        assert ids() == ["tradeops.E006"]


def test_old_sqlite_is_refused_on_mainnet_and_warned_of_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 2))
    database = {"default": {"ENGINE": SQLITE, "NAME": "/srv/tradeops.sqlite3"}}

    with override_settings(**{**RIGHT, "DATABASES": database}):
        assert ids() == ["tradeops.W001"]
    with override_settings(
        **{
            **RIGHT,
            "DATABASES": database,
            "TRADEOPS_ENV": "mainnet",
            "TRADEOPS_ALLOW_MAINNET": True,
        }
    ):
        assert ids() == ["tradeops.E007"]


def test_a_server_with_wrong_settings_ends_with_the_messages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with override_settings(**{**RIGHT, "AUTH_TOKEN": ""}), pytest.raises(SystemExit) as ended:
        refuse_wrong_settings()

    assert ended.value.code == 1
    assert "tradeops.E002" in capsys.readouterr().err


def test_a_server_with_right_settings_goes_on() -> None:
    with override_settings(**RIGHT):
        refuse_wrong_settings()
