"""Accounts and their keys: sealed on the way in, readable by workers alone."""

import json
from datetime import datetime

import pytest
from pytest_django import Settings

from accounts.models import Credential, ExchangeAccount
from accounts.sealing.envelope import SealError, SealFault, generate_keypair
from accounts.services.account_create import create_account
from accounts.services.credential_rotate import replace_credential
from accounts.services.credential_seal import open_credential
from tests.integration.admin.conftest import API_KEY, API_SECRET
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.journal.event_store import first_broken_link
from tradeops.journal.models import Event

pytestmark = pytest.mark.django_db


def test_create_account_seals_the_key_and_journals_only_its_hint(
    account: ExchangeAccount, private_key: str, settings: Settings
) -> None:
    credential = Credential.objects.get(account=account)
    event = Event.objects.get(account_id=account.pk)

    assert event.type == "ConfigChanged"
    assert event.payload["new"] == {"name": "main", "venue": "binance_usdm", "key": "…a9F2"}
    written = json.dumps(event.payload) + credential.sealed
    assert API_SECRET not in written
    assert API_KEY not in written
    assert first_broken_link(account.pk) is None

    settings.SEAL_PRIVATE_KEYS = (private_key,)
    opened = open_credential(credential)
    assert (opened.api_key, opened.api_secret) == (API_KEY, API_SECRET)


def test_open_credential_in_the_web_process_is_impossible(account: ExchangeAccount) -> None:
    with pytest.raises(SealError) as caught:
        open_credential(Credential.objects.get(account=account))

    assert caught.value.fault is SealFault.KEY_UNKNOWN


def test_open_credential_copied_to_another_account_or_environment_is_broken(
    account: ExchangeAccount, private_key: str, now: datetime, settings: Settings
) -> None:
    settings.SEAL_PRIVATE_KEYS = (private_key,)
    other = create_account(
        name="second", api_key="another-key-1234", api_secret="x" * 20, actor="cli:test", now=now
    )
    credential = Credential.objects.get(account=account)

    credential.account_id = other.pk
    with pytest.raises(SealError):
        open_credential(credential)

    credential.account_id = account.pk
    settings.TRADEOPS_ENV = "mainnet"
    with pytest.raises(SealError):
        open_credential(credential)


def test_replace_credential_revokes_the_old_one_and_works_with_a_new_seal_key(
    account: ExchangeAccount, private_key: str, now: datetime, settings: Settings
) -> None:
    public, private = generate_keypair()
    settings.SEAL_PUBLIC_KEY = public
    settings.SEAL_PRIVATE_KEYS = (private_key, private)

    fresh = replace_credential(
        account=account,
        api_key="rotated-key-zzZZ",
        api_secret="rotated-secret",
        actor="user:1",
        source=Source.ADMIN,
        reason="yearly",
        now=now,
    )

    old = Credential.objects.get(account=account, is_current=False)
    assert old.revoked_at == now
    assert open_credential(old).api_key == API_KEY
    assert open_credential(fresh).api_key == "rotated-key-zzZZ"
    event = Event.objects.get(account_id=account.pk, seq=2)
    assert event.payload["old"] == {"key": "…a9F2"}
    assert event.payload["new"] == {"key": "…zzZZ"}
    assert (event.actor, event.source) == ("user:1", "ADMIN")


@pytest.mark.parametrize("name", ["", "Main", "a b", "x" * 41, "-a", "main", "2", "007"])
def test_create_account_bad_or_taken_name_writes_nothing(
    account: ExchangeAccount, name: str, now: datetime
) -> None:
    with pytest.raises(TradeOpsError) as caught:
        create_account(name=name, api_key="k" * 10, api_secret="s" * 10, actor="cli:t", now=now)

    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert ExchangeAccount.objects.count() == Credential.objects.count() == 1
    assert Event.objects.count() == 1


@pytest.mark.parametrize("api_key", ["", "short", "k" * 257, "schlüssel-123", "key\nInjected: 1"])
def test_create_account_impossible_key_writes_nothing(
    private_key: str, api_key: str, now: datetime
) -> None:
    with pytest.raises(TradeOpsError):
        create_account(name="main", api_key=api_key, api_secret="s" * 10, actor="c", now=now)

    assert not ExchangeAccount.objects.exists()
    assert not Event.objects.exists()


def test_create_account_without_a_public_key_writes_nothing(
    private_key: str, now: datetime, settings: Settings
) -> None:
    settings.SEAL_PUBLIC_KEY = ""

    with pytest.raises(SealError):
        create_account(name="main", api_key="k" * 10, api_secret="s" * 10, actor="c", now=now)

    assert not ExchangeAccount.objects.exists()
