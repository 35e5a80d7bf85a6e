"""Opening an account's venue connection in a worker, against a running paper venue."""

from decimal import Decimal

import pytest
from pytest_django import Settings

from accounts.models import ExchangeAccount
from accounts.sealing.envelope import SealError
from accounts.services.account_create import create_account
from accounts.services.credential_rotate import replace_credential
from accounts.services.exchange_open import blocking_port
from tests.support.paper import PaperServer
from tradeops.domain.enums import Source
from tradeops.domain.errors import ErrorCode, TradeOpsError
from tradeops.exchange.errors import ExchangeError, Unauthorized
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.db import write_transaction
from tradeops.kit.portal import drive

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def served(committed_db: None, venue: PaperServer) -> ExchangeAccount:
    """An account that the venue knows."""
    return create_account(
        name="main",
        api_key="desk-0-key",
        api_secret="desk-0-secret",
        actor="cli:test",
        now=SYSTEM_CLOCK.now(),
    )


def rotate(account: ExchangeAccount, key: str, secret: str) -> None:
    replace_credential(
        account=account,
        api_key=key,
        api_secret=secret,
        actor="user:1",
        source=Source.ADMIN,
        reason="test",
        now=SYSTEM_CLOCK.now(),
    )


def test_blocking_port_answers_without_suspending_and_stays_open(
    served: ExchangeAccount, venue: PaperServer
) -> None:
    port = blocking_port(served.pk)

    wallets = {report.asset: report.wallet_balance for report in drive(port.balances())}

    books = {row["asset"]: Decimal(row["wallet"]) for row in venue.truth("desk-0")["balances"]}
    assert wallets["USDT"] == books["USDT"] > 0
    assert blocking_port(served.pk) is port


def test_blocking_port_inside_a_transaction_refuses_the_call(served: ExchangeAccount) -> None:
    port = blocking_port(served.pk)

    with write_transaction(), pytest.raises(RuntimeError, match="inside a database transaction"):
        drive(port.balances())


def test_blocking_port_opens_anew_after_a_rotation(
    served: ExchangeAccount, venue: PaperServer
) -> None:
    first = blocking_port(served.pk)
    rotate(served, "desk-1-key", "desk-1-secret")

    second = blocking_port(served.pk)

    assert second is not first
    assert drive(second.balances())


def test_blocking_port_with_a_key_that_the_venue_refuses_says_unauthorized(
    served: ExchangeAccount,
) -> None:
    rotate(served, "unknown-key-1", "unknown-secret")

    with pytest.raises(Unauthorized):
        drive(blocking_port(served.pk).balances())


def test_blocking_port_that_failed_to_open_is_tried_again(
    served: ExchangeAccount, venue: PaperServer, settings: Settings
) -> None:
    settings.PAPER_URL = "http://127.0.0.1:9"
    with pytest.raises(ExchangeError):
        blocking_port(served.pk)

    settings.PAPER_URL = venue.url

    assert drive(blocking_port(served.pk).balances())


def test_blocking_port_without_a_private_key_cannot_open(
    served: ExchangeAccount, settings: Settings
) -> None:
    settings.SEAL_PRIVATE_KEYS = ()

    with pytest.raises(SealError):
        blocking_port(served.pk)


def test_blocking_port_of_an_account_without_a_key_is_unavailable(committed_db: None) -> None:
    with pytest.raises(TradeOpsError) as caught:
        blocking_port(424242)

    assert caught.value.code is ErrorCode.ACCOUNT_UNAVAILABLE
