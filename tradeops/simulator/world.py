"""Everything of one simulated run: the desk, its venue, its people, and what happens to them."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random

from accounts.models import Credential, ExchangeAccount
from risk.models import LimitMetric, RiskLimit
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import Source, Venue
from tradeops.engine.ingest import ingest
from tradeops.exchange.binance.parse import instruments
from tradeops.exchange.paper.wire.calls import Request
from tradeops.exchange.reports import BalanceReport
from tradeops.journal.event_store import Stored
from tradeops.journal.models import Command
from tradeops.market.models import Instrument
from tradeops.simulator.broker import Broker
from tradeops.simulator.faults import KINDS, Faults, Rates
from tradeops.simulator.invariants import POSITION_LIMIT, Finding, Invariants
from tradeops.simulator.memory import MemoryRedis
from tradeops.simulator.people import Client, trade_by_hand
from tradeops.simulator.processes import beat, worker
from tradeops.simulator.schedule import Process, Schedule, SimClock
from tradeops.simulator.seams import open_port
from tradeops.simulator.streams import Streams
from tradeops.simulator.venue import BALANCE, SYMBOLS, SimVenue

CALM_S = 10
_STEP_CHANCE = 0.4


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the faults last, how busy the desk is, how bad it gets.

    `slower` multiplies every period of beat, as an operator may.
    """

    seed: int
    faulty_s: float = 10.0
    accounts: int = 1
    beats: int = 1
    pace_s: float = 0.7
    market_s: float = 0.25
    look_s: float = 5.0
    slower: int = 1
    rates: Rates = field(default_factory=Rates)


@dataclass(slots=True)
class Outcome:
    """What a run found. Two runs of one seed give one `trace_hash`."""

    seed: int
    trace_hash: str = ""
    violations: list[Finding] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    fills: int = 0
    events: int = 0
    steps: int = 0
    settled_s: float = 0.0
    trace: list[str] = field(default_factory=list)


class World:
    """Everything of one run."""

    def __init__(self, plan: Plan, *, keep_trace: bool) -> None:
        self.plan = plan
        self.rng = Random(plan.seed)  # noqa: S311 - reproducible chance, no secret
        self.outcome = Outcome(plan.seed)
        self._hash = hashlib.blake2b(digest_size=16)
        self._keep_trace = keep_trace
        self.schedule = Schedule(self.rng, self.note)
        self.clock = SimClock(self.schedule)
        self.faults = Faults(self.rng, plan.rates)
        self.broker = Broker(self.schedule, self.faults)
        self.memory = MemoryRedis(self.clock)
        self.names = ("main", "second", "third")[: plan.accounts]
        self.venue = SimVenue(self.schedule, self.faults, self.names, self.note)
        self.invariants = Invariants(self.venue)
        self.venue.leaving = self.invariants.at_leaving
        self.account_ids: list[int] = []
        self.clients: list[Client] = []
        self._living: dict[str, tuple[Process, Callable[[], None]]] = {}
        self._births: Counter[str] = Counter()
        self._peace_us = 0

    # -- trace --------------------------------------------------------------------------------

    def note(self, who: str, what: str) -> None:
        """One line of the trace, which the hash covers."""
        line = f"{self.schedule.at_us / 1e6:10.4f} {who}: {what}"
        self._hash.update(line.encode())
        if self._keep_trace:
            self.outcome.trace.append(line)

    def heard(self, account_id: int, events: Sequence[Stored]) -> None:
        """Listener of the journal."""
        for stored in events:
            self.outcome.events += 1
            self.invariants.heard(stored)
            self.note("journal", f"{account_id}/{stored.seq} {type(stored.event).__name__}")

    # -- the desk -----------------------------------------------------------------------------

    def open_desk(self) -> None:
        """Rows that `bootstrap` and the first synchronisation would have written."""
        info = self.venue.wire.handle(Request("GET", "/fapi/v1/exchangeInfo"), self.venue.now_ms())
        now = self.clock.now()
        for spec in instruments(info.body):
            values = {name: getattr(spec, name) for name in spec.__dataclass_fields__}
            Instrument.objects.create(**(values | {"venue": Venue.BINANCE_USDM, "updated_at": now}))
        for name in self.names:
            account = ExchangeAccount.objects.create(
                name=name, dead_man_enabled=self.plan.seed % 3 == 0
            )
            Credential.objects.create(
                account=account, hint="-key", sealed="simulated", key_id="sim", created_at=now
            )
            wallet = BalanceReport("USDT", BALANCE, now)
            ingest(account.pk, [wallet], source=Source.REST, actor="sim", now=now)
            self.account_ids.append(account.pk)
        RiskLimit.objects.create(
            metric=LimitMetric.MAX_POSITION_NOTIONAL,
            value=POSITION_LIMIT,
            updated_at=now,
            updated_by="sim",
        )

    def start_processes(self) -> None:
        """Two workers of each queue that matters, two beats' worth of streams, one beat."""
        schedule, broker, slower = self.schedule, self.broker, self.plan.slower
        for number in (1, 2):
            self._keep(f"orders{number}", lambda: worker(schedule, broker, "orders", self.note))
            self._keep(f"back{number}", lambda: worker(schedule, broker, "reconcile", self.note))
            for account_id, name in zip(self.account_ids, self.names, strict=True):
                self._keep(f"streams{number}-{name}", partial(self._stream, account_id, name))
        for number in range(1, self.plan.beats + 1):
            self._keep(f"beat{number}", lambda: beat(schedule, broker, slower=slower))
        for account_id, name in zip(self.account_ids, self.names, strict=True):
            client = Client(
                schedule, self.clock, self.venue, account_id, f"user:{name}", self.plan.pace_s
            )
            self.clients.append(client)
            schedule.start(f"client-{name}", client.run, after_s=1.0)

    def _stream(self, account_id: int, name: str) -> None:
        process = self.schedule.current
        owner = process.name if process else name
        Streams(
            self.schedule,
            self.venue,
            self.clock,
            account_id,
            owner,
            lambda: open_port(self.venue, self.schedule, self.clock, name),
            self.note,
        ).run()

    def _keep(self, name: str, body: Callable[[], None]) -> None:
        self._births[name] += 1
        process = self.schedule.start(f"{name}.{self._births[name]}", body)
        self._living[name] = (process, body)

    def revive(self) -> None:
        """Start anew whatever has died, as the supervisor does."""
        for name, (process, body) in list(self._living.items()):
            if process.is_dead:
                self._keep(name, body)

    # -- what happens to it -------------------------------------------------------------------

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        """Repeat an action of the world."""

        def again() -> None:
            action()
            self.schedule.call_later(seconds, again)

        self.schedule.call_later(seconds * self.rng.random(), again)

    def move_market(self) -> None:
        """A random step of one symbol."""
        if self.rng.random() < _STEP_CHANCE:
            symbol = self.rng.choice(SYMBOLS)
            step = Decimal(str(round(self.rng.gauss(0, 0.0012), 5)))
            self.venue.quote(symbol, self.venue.core.mark(symbol) * (1 + step))
        else:
            self.venue.flush()

    def strike(self) -> None:
        """Once a second: greater faults begin and end."""
        rates, faults = self.plan.rates, self.faults
        if rates.one_each_s and self.rng.random() < 1 / rates.one_each_s:
            faults.owe(self.rng.choice(KINDS))
        if faults.strikes("streams broken", rates.stream_per_s):
            self.venue.break_streams()
        if faults.strikes("stream muted", rates.mute_per_s):
            self.venue.mute_streams()
            self.schedule.call_later(self.rng.uniform(2, 15), self.venue.break_streams)
        if faults.strikes("redis gone", rates.redis_per_s):
            self._lose_redis()
        if faults.strikes("clock jump", rates.clock_per_s):
            self.clock.offset = timedelta(seconds=self.rng.uniform(-2.0, 2.0))
            self.schedule.call_later(self.rng.uniform(5, 60), self._set_clock_right)
        if faults.strikes("venue skew", rates.clock_per_s):
            self.venue.skew_ms = self.rng.randint(-300, 300)
        if faults.strikes("order by hand", rates.clock_per_s):
            name = self.rng.choice(self.names)
            self.invariants.by_hand.add((name, trade_by_hand(self.venue, name)))
        self._strike_processes()

    def _strike_processes(self) -> None:
        rates, faults = self.plan.rates, self.faults
        names = sorted(self._living)
        if faults.strikes("crash", rates.crash_per_s):
            process = self._living[self.rng.choice(names)][0]
            process.ios_to_crash = self.rng.randint(1, 80)
            self.note("world", f"{process.name} will crash")
        if faults.strikes("process stalled", rates.stall_per_s):
            # Half of the time who holds a lease, or wants it: that is where a stall is dangerous.
            with_leases = [name for name in names if name.startswith("streams")]
            pool = with_leases if self.rng.random() < 0.5 else names
            self._living[self.rng.choice(pool)][0].stall_s = self.rng.uniform(5, 25)
        if self.rng.random() < 0.3:
            self.revive()

    def _set_clock_right(self) -> None:
        """What a time service does after a while."""
        self.clock.offset = timedelta(0)

    def _lose_redis(self) -> None:
        self.memory.is_gone = self.faults.broker_is_gone = True
        self.memory.lose()

        def back() -> None:
            self.memory.is_gone = self.faults.broker_is_gone = False

        self.schedule.call_later(self.rng.uniform(0.5, 6.0), back)

    def make_peace(self) -> None:
        """The faults stop; what was broken works again."""
        self.note("world", "peace")
        self.faults.stop()
        self._peace_us = self.schedule.at_us
        self.memory.is_gone = False
        self.clock.offset = timedelta(0)
        self.venue.break_streams()
        for client in self.clients:
            client.is_open = False
        for process, _ in self._living.values():
            process.ios_to_crash = None
        self.revive()

    def look(self) -> None:
        """The invariants of every moment."""
        self.outcome.violations += self.invariants.at_each_look(
            self.clock.now(), is_calm=self._is_calm()
        )

    def _is_calm(self) -> bool:
        """Whether nothing has been broken, or asleep, for CALM_S."""
        if self.faults.is_on:
            return False
        sleeps = [process.stalled_until_us for process, _ in self._living.values()]
        return self.schedule.at_us > max(self._peace_us, *sleeps) + CALM_S * 1_000_000

    def has_settled(self) -> bool:
        """Whether every command has ended and both sides say the same."""
        if Command.objects.exclude(status__in=[CommandStatus.ACK, CommandStatus.FAILED]).exists():
            return False
        asleep = any(
            process.stalled_until_us > self.schedule.at_us for process, _ in self._living.values()
        )
        return self.broker.is_empty and not asleep and not any(self.invariants.books_differ())

    def finish(self) -> Outcome:
        """Numbers of the run and its hash."""
        outcome = self.outcome
        outcome.trace_hash = self._hash.hexdigest()
        outcome.faults = self.faults.counts
        outcome.checked = self.invariants.checked
        outcome.steps = self.schedule.steps
        for row in Command.objects.order_by("created_at", "pk"):
            outcome.commands[f"{row.kind} {row.status} {row.code}".strip()] += 1
        outcome.fills = sum(len(member.fills) for member in self.venue.core.members.values())
        return outcome


def long_plan(seed: int, *, hours: float) -> Plan:
    """A calm desk for many hours; once a minute something breaks. Periods are five times longer."""
    return Plan(
        seed,
        faulty_s=hours * 3600,
        pace_s=60.0,
        market_s=5.0,
        look_s=60.0,
        slower=5,
        rates=Rates(
            call=0,
            read=0,
            message=0,
            frame=0,
            database=0,
            crash_per_s=0,
            redis_per_s=0,
            stream_per_s=0,
            mute_per_s=0,
            clock_per_s=0,
            stall_per_s=0,
            one_each_s=60.0,
        ),
    )
