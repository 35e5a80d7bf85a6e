"""What the tests of accounts, limits and the admin start from.

Imports of models stand inside the fixtures: pytest loads this file before Django is set up when
the folder is named on the command line.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.sealing.envelope import generate_keypair
from tests.integration.reconcile.fixtures import committed_db, venue, venue_process

if TYPE_CHECKING:
    from accounts.models import ExchangeAccount

__all__ = ["committed_db", "venue", "venue_process"]

NOW = datetime(2026, 8, 1, 12, 0, 0, 250000, tzinfo=UTC)
API_KEY = "paper-key-0123456789-a9F2"
API_SECRET = "paper-secret-canary-9876543210"


@pytest.fixture
def now() -> datetime:
    """A fixed moment."""
    return NOW


@pytest.fixture
def private_key(settings: Settings) -> str:
    """The workers' half of the key pair; the settings hold the public half only, as in web."""
    public, private = generate_keypair()
    settings.SEAL_PUBLIC_KEY = public
    settings.SEAL_PRIVATE_KEYS = ()
    return private


@pytest.fixture
def account(db: None, private_key: str, now: datetime) -> "ExchangeAccount":
    """A paper account with a sealed key."""
    from accounts.services.account_create import create_account  # noqa: PLC0415

    return create_account(
        name="main", api_key=API_KEY, api_secret=API_SECRET, actor="cli:test", now=now
    )


@pytest.fixture
def boss(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """A superuser's browser; no worker runs here, so nobody waits for one."""
    from tests.integration.admin import seed  # noqa: PLC0415

    monkeypatch.setattr("tradeops.journal.admin.ANSWER_WAIT_S", 0.0)
    client.force_login(seed.superuser(), backend="django.contrib.auth.backends.ModelBackend")
    return client
