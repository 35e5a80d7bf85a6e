"""How the environment is read."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tradeops.settings import env

ROOT = Path(__file__).resolve().parents[2]
PROBE = """
import json
from django.conf import settings
print(json.dumps({name: str(getattr(settings, name)) for name in {names}}))
"""


def load(names: list[str], **environment: str) -> dict[str, str]:
    """Return settings as a fresh process sees them."""
    clean = {"PATH": os.environ["PATH"], "TRADEOPS_DOTENV": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", PROBE.replace("{names}", repr(names))],
        cwd=ROOT,
        env={**clean, "DJANGO_SETTINGS_MODULE": "tradeops.settings.dev", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    values: dict[str, str] = json.loads(done.stdout)
    return values


def test_defaults_are_paper_on_loopback() -> None:
    values = load(
        ["TRADEOPS_ENV", "TRADEOPS_HOST", "ORDER_WRITES_PER_MINUTE", "DEBUG", "PAPER_URL"]
    )

    assert values == {
        "TRADEOPS_ENV": "paper",
        "TRADEOPS_HOST": "127.0.0.1",
        "ORDER_WRITES_PER_MINUTE": "600",
        "DEBUG": "False",
        "PAPER_URL": "http://127.0.0.1:8100",
    }


def test_use_testnet_is_an_alias_with_the_stricter_limit_and_its_own_database() -> None:
    values = load(["TRADEOPS_ENV", "ORDER_WRITES_PER_MINUTE", "DATABASES"], USE_TESTNET="true")

    assert values["TRADEOPS_ENV"] == "testnet"
    assert values["ORDER_WRITES_PER_MINUTE"] == "10"
    assert "tradeops-testnet.sqlite3" in values["DATABASES"]


def test_a_secret_may_come_from_a_file_and_a_value_from_dotenv(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    (tmp_path / ".env").write_text("ALLOWED_SYMBOLS=BTCUSDT, ETHUSDT\nSECRET_KEY=dotenv\n")

    values = load(
        ["AUTH_TOKEN", "ALLOWED_SYMBOLS", "SECRET_KEY"],
        AUTH_TOKEN_FILE=str(tmp_path / "token"),
        TRADEOPS_DOTENV=str(tmp_path / ".env"),
        SECRET_KEY="environment wins",
    )

    assert values == {
        "AUTH_TOKEN": "from-a-file",
        "ALLOWED_SYMBOLS": "('BTCUSDT', 'ETHUSDT')",
        "SECRET_KEY": "environment wins",
    }


def test_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_ENV", "production")

    with pytest.raises(ImproperlyConfigured, match=r"paper, testnet, mainnet.*'production'"):
        env.environment()


def test_a_port_that_is_no_number_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEOPS_PORT", "eighty")

    with pytest.raises(ImproperlyConfigured, match=r"TRADEOPS_PORT.*'eighty'"):
        env.whole("TRADEOPS_PORT", 8000)


def test_workers_load_no_screens() -> None:
    values = load(["INSTALLED_APPS", "MIDDLEWARE"], TRADEOPS_SCREENS="false")

    assert "django.contrib.admin" not in values["INSTALLED_APPS"]
    assert "accounts" in values["INSTALLED_APPS"]
    assert values["MIDDLEWARE"] == "[]"
