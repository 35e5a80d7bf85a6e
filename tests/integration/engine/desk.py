"""A desk with one account, one instrument and a venue in memory."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal

from accounts.models import ExchangeAccount
from tests.support.fake_port import FakePort
from tests.unit.risk.builders import BTCUSDT
from tradeops.domain.clock import FrozenClock
from tradeops.domain.commands import DomainCommand
from tradeops.domain.enums import Source, Venue
from tradeops.engine.execute import execute
from tradeops.engine.ingest import ingest
from tradeops.engine.sweep import Sweep, sweep
from tradeops.exchange.reports import BalanceReport, MarkPriceReport
from tradeops.journal.command_store import Asker, enqueue
from tradeops.journal.models import Command, Event
from tradeops.kit.portal import drive
from tradeops.market import cache
from tradeops.market.models import Instrument

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class Desk:
    account: ExchangeAccount
    port: FakePort
    clock: FrozenClock

    def ask(self, command: DomainCommand, *, account_id: int | None = None) -> uuid.UUID:
        """Enqueue without executing."""
        command_id = uuid.uuid4()
        enqueue(
            command,
            account_id=self.account.pk if account_id is None else account_id,
            command_id=command_id,
            asker=Asker("user:1", Source.API),
            now=self.clock.now(),
        )
        return command_id

    def execute(self, command_id: uuid.UUID, *, worker: str = "worker") -> Command:
        drive(execute(command_id, port_of=lambda _id: self.port, clock=self.clock, worker=worker))
        return Command.objects.get(pk=command_id)

    def run(self, command: DomainCommand, *, account_id: int | None = None) -> Command:
        return self.execute(self.ask(command, account_id=account_id))

    def sweep_after(self, seconds: float) -> Sweep:
        self.clock.advance(seconds)
        self.port.now = self.clock.now()
        return drive(sweep(port_of=lambda _id: self.port, clock=self.clock))

    def event_names(self) -> Sequence[str]:
        rows = Event.objects.filter(account_id=self.account.pk).order_by("seq")
        return list(rows.values_list("type", flat=True))


def open_desk(*, wallet: str = "10000", mark: str = "60000") -> Desk:
    account = ExchangeAccount.objects.create(name=f"main-{uuid.uuid4().hex[:8]}")
    values = {item.name: getattr(BTCUSDT, item.name) for item in fields(BTCUSDT)}
    Instrument.objects.get_or_create(
        venue=Venue.BINANCE_USDM,
        symbol="BTCUSDT",
        defaults={**values, "updated_at": START},
    )
    clock = FrozenClock(START)
    cache.remember_mark(MarkPriceReport("BTCUSDT", Decimal(mark), START))
    ingest(
        account.pk,
        [BalanceReport("USDT", Decimal(wallet), START)],
        source=Source.REST,
        actor="test",
        now=START,
    )
    return Desk(account, FakePort(START), clock)
