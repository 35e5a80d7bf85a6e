"""Checks of venues, streams, holds, reconciliation and commands."""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from redis import RedisError

from accounts.models import ExchangeAccount
from accounts.sealing.envelope import SealError, SealFault
from accounts.services.exchange_open import open_exchange
from risk.models import EngineStatus
from tradeops.doctor.findings import Finding, Health, finding, well
from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import EngineState, StreamState
from tradeops.domain.errors import TradeOpsError
from tradeops.domain.reasons import Reason
from tradeops.exchange.errors import ExchangeError, Throttled, Unauthorized
from tradeops.exchange.port import ExchangePort
from tradeops.journal.models import Command
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.portal import portal
from tradeops.reconcile.models import Drift
from tradeops.reconcile.services.reconcile_notes import last_reconciled
from tradeops.streams.models import StreamLease
from tradeops.system import rates

if TYPE_CHECKING:
    from concurrent.futures import Future

VENUE_LIMIT_S = 2.0  # before the doctor's own: "unreachable" says more than "hangs"
STALE_RECONCILE = timedelta(seconds=60)
STUCK_COMMAND = timedelta(seconds=10)
OVERDUE_COMMAND = timedelta(seconds=120)
MAX_CLOCK_OFFSET_MS = 500
MOST_SHOWN = 20
_LEVELS_THAT_HOLD = ("STOP", "BLOCKED")


def active_accounts() -> list[ExchangeAccount]:
    """Those that trade, by age."""
    return list(ExchangeAccount.objects.filter(is_active=True).order_by("pk"))


def check_venues() -> Iterator[Finding]:
    """Each account's key opens, the venue takes it, and both clocks agree; all asked at once."""
    deadline = SYSTEM_CLOCK.monotonic_s() + VENUE_LIMIT_S
    asked = []
    for account in active_accounts():
        try:
            visit = portal().start(_visit(open_exchange(account)))
        except TradeOpsError as error:
            yield _unusable(f"venue {account}", error)
        else:
            asked.append((f"venue {account}", visit))
    for part, visit in asked:
        yield _told(part, visit, max(0.0, deadline - SYSTEM_CLOCK.monotonic_s()))


def _unusable(part: str, error: TradeOpsError) -> Finding:
    """A key that cannot be read: as it should be in a process that holds no private key."""
    if not isinstance(error, SealError):
        return finding(part, Reason.ACCOUNT_UNUSABLE, f"{error.code}: {error.detail}")
    is_meant = error.fault is SealFault.KEY_UNKNOWN and not settings.SEAL_PRIVATE_KEYS
    health = Health.WARN if is_meant else Health.FAIL
    text = f"{error.fault}: {error.detail}"
    return finding(part, Reason.ACCOUNT_UNUSABLE, text, health=health)


def _told(part: str, visit: "Future[tuple[int, int]]", limit_s: float) -> Finding:
    try:
        offset, assets = visit.result(limit_s)
    except Unauthorized as error:
        return finding(part, Reason.ACCOUNT_UNUSABLE, f"the venue refuses the key: {error}")
    except Throttled as error:
        return finding(part, Reason.VENUE_BLOCKS, str(error))
    except (ExchangeError, TimeoutError) as error:
        return finding(part, Reason.VENUE_UNREACHABLE, f"{type(error).__name__}: {error}")
    text = f"clock {offset:+d} ms, {assets} assets"
    if abs(offset) > MAX_CLOCK_OFFSET_MS:
        return finding(part, Reason.CLOCK_OFF, text)
    return well(part, text)


async def _visit(port: ExchangePort) -> tuple[int, int]:
    try:
        await port.open()
        return await port.server_time_offset_ms(), len(await port.balances())
    finally:
        await port.close()


def check_budget() -> Iterator[Finding]:
    """The venue admits calls; and what the workers say of the clock."""
    accounts = {account.pk: account for account in active_accounts()}
    try:
        words = rates(list(accounts))
    except RedisError:
        return  # check_redis says it
    for account_id, word in words.items():
        part = f"budget {accounts[account_id]}"
        level = str(word.get("level", "OK"))
        text = f"{word.get('used_weight_1m')} of {word.get('weight_limit_1m')} a minute, {level}"
        if level in _LEVELS_THAT_HOLD:
            yield finding(part, Reason.VENUE_BLOCKS, text)
        else:
            yield well(part, text)
        offset = int(word.get("clock_offset_ms", 0))
        if abs(offset) > MAX_CLOCK_OFFSET_MS:
            yield finding(part, Reason.CLOCK_OFF, f"a worker measured {offset:+d} ms")


def check_streams() -> Iterator[Finding]:
    """Each active account is served and connected."""
    leases = {lease.account_id: lease for lease in StreamLease.objects.all()}
    for account in active_accounts():
        lease, part = leases.get(account.pk), f"stream {account}"
        if lease is None or lease.expires_at < SYSTEM_CLOCK.now():
            yield finding(part, Reason.STREAM_DOWN, "nobody holds the lease")
        elif lease.state != StreamState.CONNECTED:
            yield finding(part, Reason.STREAM_DOWN, f"{lease.state} {lease.state_detail}".strip())
        else:
            text = f"connected, served by {lease.owner}, token {lease.token}"
            yield well(part, text)


def check_holds() -> Iterator[Finding]:
    """Every scope that refuses openings, whoever decided it."""
    held = EngineStatus.objects.exclude(state=EngineState.RUNNING).order_by("changed_at")
    for row in held[:MOST_SHOWN]:
        text = f"{row.state} since {row.changed_at:%F %T} by {row.actor}: {row.reason}"
        yield finding(f"scope {row.scope}", Reason.OPENINGS_HELD, text)
    if not held:
        yield well("scopes", "all may open")


def check_reconcile() -> Iterator[Finding]:
    """Each active account was compared with its venue within a minute."""
    now = SYSTEM_CLOCK.now()
    accounts = active_accounts()
    compared = last_reconciled([account.pk for account in accounts])
    for account in accounts:
        at, part = compared.get(account.pk), f"reconcile {account}"
        if at is None or now - at > STALE_RECONCILE:
            seen = f"{at:%F %T} UTC" if at else "never"
            yield finding(part, Reason.RECONCILE_STALE, f"last success: {seen}")
        else:
            yield well(part, f"{(now - at).total_seconds():.0f} s ago")


def check_drifts() -> Iterator[Finding]:
    """Nothing differs from the venue."""
    drifts = Drift.objects.filter(resolved_at=None).select_related("account")
    for drift in drifts.order_by("first_seen_at")[:MOST_SHOWN]:
        human = ", waits for a decision" if drift.needs_human else ""
        detail = f"{drift.kind} {drift.subject}: here {drift.local}, venue {drift.venue}{human}"
        yield finding(f"drift {drift.account}", Reason.DRIFT_OPEN, detail)
    if not drifts:
        yield well("drifts", "none")


def check_commands() -> Iterator[Finding]:
    """No command waits for a worker, none has an unknown outcome."""
    now = SYSTEM_CLOCK.now()
    waiting = Command.objects.filter(
        status=CommandStatus.NEW, created_at__lt=now - STUCK_COMMAND
    ).count()
    unknown = Command.objects.filter(status=CommandStatus.SENT, outcome_unknown=True)
    overdue = unknown.filter(sent_at__lt=now - OVERDUE_COMMAND).count()
    fresh = unknown.count() - overdue
    if waiting:
        yield finding("commands", Reason.COMMANDS_WAIT, f"{waiting} wait for a worker")
    if overdue:
        text = f"{overdue} with an unknown outcome for more than 120 s"
        yield finding("commands", Reason.COMMANDS_OVERDUE, text)
    if fresh:
        yield finding("commands", Reason.OUTCOMES_UNKNOWN, f"{fresh} with an unknown outcome")
    if not (waiting or overdue or fresh):
        yield well("commands", "none waits, none unknown")
