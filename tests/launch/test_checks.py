"""Each wrong setting stops the start with its number and a hint."""

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from tradeops.checks import check_settings, refuse_wrong_settings
from tradeops.domain.reasons import REASONS, Reason, page

# Nothing connects: the checks only read the names.
pytestmark = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")

ROOT = Path(__file__).resolve().parents[2]
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
MAINNET: dict[str, Any] = {
    **RIGHT,
    "TRADEOPS_ENV": "mainnet",
    "DATABASES": {"default": {"ENGINE": SQLITE, "NAME": "/srv/tradeops-mainnet.sqlite3"}},
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
        ({"SECRET_KEY": ""}, "tradeops.T001"),
        ({"SECRET_KEY": "k" * 31}, "tradeops.T001"),
        ({"AUTH_TOKEN": "t" * 31}, "tradeops.T002"),
        ({"TRADEOPS_USE_TESTNET": True}, "tradeops.T003"),
        ({"TIME_ZONE": "Asia/Seoul"}, "tradeops.T005"),
        ({"DATABASES": MAINNET["DATABASES"]}, "tradeops.T008"),
    ],
)
def test_one_wrong_setting_is_named(wrong: dict[str, Any], number: str) -> None:
    with override_settings(**{**RIGHT, **wrong}):
        assert ids() == [number]


def test_mainnet_needs_the_second_flag_seal_keys_and_no_debug() -> None:
    allowed = {**MAINNET, "TRADEOPS_ALLOW_MAINNET": True}

    with override_settings(**MAINNET):
        assert ids() == ["tradeops.T004"]
    with override_settings(**{**allowed, "SEAL_PUBLIC_KEY": ""}):
        assert ids() == ["tradeops.T006"]
    with override_settings(**{**allowed, "DEBUG": True}):
        assert ids() == ["tradeops.T009"]


def test_old_sqlite_is_refused_on_mainnet_and_warned_of_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 51, 2))

    with override_settings(**RIGHT):
        assert ids() == ["tradeops.T021"]
        refuse_wrong_settings()  # a warning stops nothing
    with override_settings(**{**MAINNET, "TRADEOPS_ALLOW_MAINNET": True}):
        assert ids() == ["tradeops.T007"]


def test_a_server_with_wrong_settings_ends_with_the_messages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with override_settings(**{**RIGHT, "AUTH_TOKEN": ""}), pytest.raises(SystemExit) as ended:
        refuse_wrong_settings()

    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("T002: ")


def test_a_server_with_right_settings_goes_on() -> None:
    with override_settings(**RIGHT):
        refuse_wrong_settings()


def test_every_number_is_explained_and_the_runbook_page_is_current() -> None:
    assert set(REASONS) == set(Reason)
    assert (ROOT / "docs/runbooks/reasons.md").read_text() == page()
