"""A running paper venue, accounts on it that nobody used before, and somebody else's orders.

Imports of models stand inside the fixtures: pytest loads this file before Django is set up.
"""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pytest_django import Settings

from accounts.sealing.envelope import generate_keypair
from tests.support.paper import PaperServer
from tradeops.domain.enums import OrderType, Side, TimeInForce
from tradeops.exchange.port import OrderRequest
from tradeops.exchange.reports import OrderReport
from tradeops.kit import append_only
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import drive

if TYPE_CHECKING:
    from accounts.models import ExchangeAccount
    from accounts.services.exchange_open import BlockingPort

SPARE_ACCOUNTS = 40
_numbers = count()


@pytest.fixture(scope="module")
def venue_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaperServer]:
    """A paper venue with many accounts, one for each test."""
    file: Path = tmp_path_factory.mktemp("venue") / "accounts.json"
    names = [f"desk-{number}" for number in range(SPARE_ACCOUNTS)]
    rows = [{"name": n, "api_key": f"{n}-key", "api_secret": f"{n}-secret"} for n in names]
    file.write_text(json.dumps(rows))
    # Prices stand still unless a test moves them: whatever follows from them would be news.
    still = ("--speed", "0.000001")
    options = ("--accounts", str(file), "--weight-limit", "100000", *still)
    with PaperServer(options=options) as server:
        yield server


@pytest.fixture
def venue(venue_process: PaperServer, settings: Settings) -> Iterator[PaperServer]:
    """The venue of this deployment, without faults before and after."""
    settings.PAPER_URL = venue_process.url
    settings.SEAL_PUBLIC_KEY, private = generate_keypair()
    settings.SEAL_PRIVATE_KEYS = (private,)
    yield venue_process
    venue_process.clear_faults()


@pytest.fixture
def committed_db(transactional_db: None) -> Iterator[None]:
    """Committed rows; the journal is emptied here, since its trigger refuses Django's DELETE."""
    from django.db import connection  # noqa: PLC0415

    from tradeops.journal.models import Event  # noqa: PLC0415

    yield
    if connection.vendor == "sqlite":
        append_only.remove(connection, Event._meta.db_table)
        Event.objects.all().delete()
        append_only.install(connection, Event._meta.db_table)


@dataclass(frozen=True)
class Desk:
    """An account here and its books at the venue; `trade` is somebody else with the same key."""

    account: "ExchangeAccount"
    venue: PaperServer

    @property
    def pk(self) -> int:
        return self.account.pk

    @property
    def port(self) -> "BlockingPort":
        from accounts.services.exchange_open import blocking_port  # noqa: PLC0415

        return blocking_port(self.pk)

    def truth(self) -> dict[str, Any]:
        """The venue's own books."""
        return self.venue.truth(self.account.name)

    def trade(
        self,
        side: Side,
        quantity: str,
        *,
        symbol: str = "BTCUSDT",
        price: str | None = None,
        client_order_id: str | None = None,
    ) -> OrderReport:
        """An order that this system does not know of: MARKET, or LIMIT with a price."""
        return drive(
            self.port.submit(
                OrderRequest(
                    symbol=symbol,
                    client_order_id=client_order_id or f"web_{uuid.uuid4().hex[:20]}",
                    side=side,
                    order_type=OrderType.LIMIT if price else OrderType.MARKET,
                    quantity=Decimal(quantity),
                    signed_at=SYSTEM_CLOCK.now(),
                    price=Decimal(price) if price else None,
                    time_in_force=TimeInForce.GTC if price else None,
                )
            )
        )


@pytest.fixture
def desk(venue: PaperServer, committed_db: None) -> Iterator[Desk]:
    """A fresh account with 10,000 USDT."""
    from accounts.services.account_create import create_account  # noqa: PLC0415

    name = f"desk-{next(_numbers) % SPARE_ACCOUNTS}"
    account = create_account(
        name=name,
        api_key=f"{name}-key",
        api_secret=f"{name}-secret",
        actor="test",
        now=SYSTEM_CLOCK.now(),
    )
    desk = Desk(account, venue)
    yield desk
    drive(desk.port.close())
