"""`manage.py doctor`: ask every part of this deployment how it is.

Exit codes: 0 all well · 1 something is broken · 3 only drift · 5 only the venue is unreachable.
Warnings do not count. `--json` writes one JSON object a line.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from typing import IO, Any, cast

import redis
from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from accounts.models import ExchangeAccount
from accounts.sealing.envelope import SealError, SealFault
from accounts.services.exchange_open import open_exchange
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import StreamState
from tradeops.domain.errors import TradeOpsError
from tradeops.exchange.errors import ExchangeError
from tradeops.exchange.port import ExchangePort
from tradeops.journal.event_store import first_broken_link
from tradeops.journal.models import Command as JournalCommand
from tradeops.journal.models import Event, JournalHead
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.heartbeat import heartbeat_key
from tradeops.kit.portal import portal
from tradeops.kit.redis_client import redis_client
from tradeops.reconcile.domain.hysteresis import DriftStatus
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.reconcile_notes import last_reconciled
from tradeops.streams.models import StreamLease

WORKERS = ("orders", "streams", "reconcile", "market", "notify")
STALE_RECONCILE = timedelta(seconds=60)
STUCK_COMMAND = timedelta(seconds=10)
MAX_CLOCK_OFFSET_MS = 500
VENUE_LIMIT_S = 10.0
PIPE_WIDTH = 160
EXIT_OK, EXIT_ERROR, EXIT_DRIFT, EXIT_VENUE = 0, 1, 3, 5


class Health(StrEnum):
    """How a part is; DRIFT and VENUE are failures with an exit code of their own."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    DRIFT = "DRIFT"
    VENUE = "VENUE"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check saw."""

    part: str
    health: Health
    detail: str


Check = Callable[[], Iterator[Finding]]


def check_settings() -> Iterator[Finding]:
    """Django's checks and ours (`tradeops.E…`)."""
    serious = [item for item in checks.run_checks() if item.level >= checks.WARNING]
    for item in serious:
        health = Health.FAIL if item.level >= checks.ERROR else Health.WARN
        yield Finding("settings", health, f"{item.id}: {item.msg} {item.hint or ''}".strip())
    if not serious:
        yield Finding("settings", Health.OK, f"environment {settings.TRADEOPS_ENV}")


def check_database() -> Iterator[Finding]:
    """The database answers and has every migration."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        yield Finding("database", Health.FAIL, f"{len(missing)} migrations are not applied")
    else:
        yield Finding("database", Health.OK, f"{connection.vendor}, all migrations applied")


def check_triggers() -> Iterator[Finding]:
    """The journal's table refuses UPDATE and DELETE (D3)."""
    table = Event._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
                [table],
            )
            expected = 2
        else:
            cursor.execute(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass"
                " AND NOT tgisinternal AND tgenabled <> 'D'",
                [table],
            )
            expected = 1
        found = cursor.fetchone()[0]
    if found >= expected:
        yield Finding("journal triggers", Health.OK, "append-only")
    else:
        yield Finding("journal triggers", Health.FAIL, "events can be changed or deleted")


def check_chain() -> Iterator[Finding]:
    """Each account's hash chain is whole and ends where its head says."""
    total = 0
    for head in JournalHead.objects.order_by("pk"):
        broken = first_broken_link(head.pk)
        last = Event.objects.filter(account_id=head.pk).order_by("-seq").first()
        if broken is not None:
            yield Finding("journal chain", Health.FAIL, f"account {head.pk} breaks at {broken}")
        elif (last.seq, last.hash) != (head.seq, head.hash) if last else head.seq:
            yield Finding("journal chain", Health.FAIL, f"account {head.pk} has lost its end")
        total += head.seq
    yield Finding("journal chain", Health.OK, f"{total} events read")


def check_redis() -> Iterator[Finding]:
    """Redis answers and never evicts."""
    client = redis_client()
    try:
        client.ping()
        policy = cast("dict[str, str]", client.info("memory")).get("maxmemory_policy", "")
    except redis.RedisError as error:
        yield Finding("redis", Health.FAIL, f"does not answer: {type(error).__name__}")
        return
    if policy != "noeviction":
        yield Finding("redis", Health.FAIL, f"maxmemory-policy is {policy}, must be noeviction")
    else:
        yield Finding("redis", Health.OK, "answers, evicts nothing")


def check_workers() -> Iterator[Finding]:
    """Each kind of worker has said lately that it lives."""
    try:
        words = cast("list[Any]", redis_client().mget([heartbeat_key(name) for name in WORKERS]))
    except redis.RedisError:
        yield Finding("workers", Health.FAIL, "unknown without redis")
        return
    for name, word in zip(WORKERS, words, strict=True):
        if word is None:
            yield Finding(f"worker {name}", Health.FAIL, "no heartbeat for 15 s")
        else:
            yield Finding(f"worker {name}", Health.OK, "lives")


def check_venue() -> Iterator[Finding]:
    """Each account's key opens, the venue takes it, and both clocks agree."""
    for account in _active_accounts():
        part = f"venue {account}"
        try:
            port = open_exchange(account)
            offset, assets = portal().call(_visit(port), timeout_s=VENUE_LIMIT_S)
        except SealError as error:
            unreadable = error.fault is SealFault.KEY_UNKNOWN and not settings.SEAL_PRIVATE_KEYS
            health = Health.WARN if unreadable else Health.FAIL
            yield Finding(part, health, f"{error.fault}: {error.detail}")
        except TradeOpsError as error:
            yield Finding(part, Health.FAIL, f"{error.code}: {error.detail}")
        except (ExchangeError, TimeoutError) as error:
            yield Finding(part, Health.VENUE, f"{type(error).__name__}: {error}")
        else:
            late = abs(offset) > MAX_CLOCK_OFFSET_MS
            text = f"clock {offset:+d} ms, {assets} assets"
            yield Finding(part, Health.FAIL if late else Health.OK, text)


async def _visit(port: ExchangePort) -> tuple[int, int]:
    try:
        await port.open()
        return await port.server_time_offset_ms(), len(await port.balances())
    finally:
        await port.close()


def check_streams() -> Iterator[Finding]:
    """Each active account is served and connected."""
    leases = {lease.account_id: lease for lease in StreamLease.objects.all()}
    for account in _active_accounts():
        lease = leases.get(account.pk)
        if lease is None or lease.expires_at < SYSTEM_CLOCK.now():
            yield Finding(f"stream {account}", Health.FAIL, "nobody holds the lease")
        elif lease.state != StreamState.CONNECTED:
            yield Finding(f"stream {account}", Health.FAIL, f"{lease.state} {lease.state_detail}")
        else:
            yield Finding(f"stream {account}", Health.OK, f"connected, served by {lease.owner}")


def check_reconcile() -> Iterator[Finding]:
    """Each active account was compared with its venue within a minute; what differs is DRIFT."""
    now = SYSTEM_CLOCK.now()
    accounts = _active_accounts()
    compared = last_reconciled([account.pk for account in accounts])
    for account in accounts:
        at = compared.get(account.pk)
        if at is None or now - at > STALE_RECONCILE:
            seen = f"{at:%F %T} UTC" if at else "never"
            yield Finding(f"reconcile {account}", Health.FAIL, f"last success: {seen}")
        else:
            age = (now - at).total_seconds()
            yield Finding(f"reconcile {account}", Health.OK, f"{age:.0f} s ago")
    drifts = Drift.objects.filter(status=DriftStatus.OPEN).select_related("account")
    for drift in drifts.order_by("first_seen_at")[:20]:
        detail = f"{drift.kind} {drift.subject}: here {drift.local}, venue {drift.venue}"
        yield Finding(f"drift {drift.account}", Health.DRIFT, detail)


def check_commands() -> Iterator[Finding]:
    """No command waits for a worker, none has an unknown outcome."""
    before = SYSTEM_CLOCK.now() - STUCK_COMMAND
    waiting = JournalCommand.objects.filter(status=CommandStatus.NEW, created_at__lt=before).count()
    unknown = JournalCommand.objects.filter(status=CommandStatus.SENT, outcome_unknown=True).count()
    if waiting:
        yield Finding("commands", Health.FAIL, f"{waiting} wait for a worker")
    if unknown:
        yield Finding("commands", Health.WARN, f"{unknown} with an unknown outcome")
    if not waiting and not unknown:
        yield Finding("commands", Health.OK, "none waits, none unknown")


def _active_accounts() -> list[ExchangeAccount]:
    return list(ExchangeAccount.objects.filter(is_active=True).order_by("pk"))


CHECKS: tuple[Check, ...] = (
    check_settings,
    check_database,
    check_triggers,
    check_chain,
    check_redis,
    check_workers,
    check_venue,
    check_streams,
    check_reconcile,
    check_commands,
)


def examine() -> Iterator[Finding]:
    """Every finding, in order; a check that the database cuts short fails."""
    for check in CHECKS:
        try:
            yield from check()
        except DatabaseError as error:
            yield Finding(check.__name__.removeprefix("check_"), Health.FAIL, str(error))


def exit_code(findings: list[Finding]) -> int:
    """0 all well, 5 or 3 when only the venue or only drift is the trouble, else 1."""
    bad = {finding.health for finding in findings} - {Health.OK, Health.WARN}
    if not bad:
        return EXIT_OK
    if bad == {Health.DRIFT}:
        return EXIT_DRIFT
    return EXIT_VENUE if bad == {Health.VENUE} else EXIT_ERROR


class Command(BaseCommand):
    """Examine and report."""

    help = "Check every part: settings, journal, redis, workers, venue, streams, reconciliation."
    requires_system_checks: list[str] = []  # they are part of the report  # noqa: RUF012

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Shape of the output."""
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *_args: object, **options: object) -> None:
        """Report, and leave with the exit code that sums it up."""
        findings = list(examine())
        if options["json"]:
            for finding in findings:
                self.stdout.write(json.dumps(asdict(finding)))
        else:
            self._table(findings)
        sys.exit(exit_code(findings))

    def _table(self, findings: list[Finding]) -> None:
        colours = {Health.OK: "green", Health.WARN: "yellow"}
        table = Table("Part", "Health", "Detail")
        for finding in findings:
            colour = colours.get(finding.health, "red")
            table.add_row(finding.part, f"[{colour}]{finding.health}[/]", escape(finding.detail))
        out = cast("IO[str]", self.stdout._out)
        Console(file=out, width=None if out.isatty() else PIPE_WIDTH).print(table)
