"""What `/healthz` asks: composition root of `tradeops.observability.health`."""

from django.conf import settings
from django.db import connection

from accounts.models import ExchangeAccount
from tradeops.domain.enums import StreamState
from tradeops.domain.reasons import REASONS
from tradeops.kit import safe_mode
from tradeops.kit.clock import SYSTEM_CLOCK
from tradeops.kit.heartbeat import heartbeats
from tradeops.kit.redis_client import redis_client
from tradeops.observability.health import FAIL, OK, Ill, health_view
from tradeops.reconcile.services.reconcile_notes import last_reconciled
from tradeops.streams.domain.feed_health import FeedState
from tradeops.streams.models import FeedHealth, StreamLease
from tradeops.system import rates
from tradeops.watch import processes


def _database() -> str:
    """Whether it can be read, and this process may write."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK if safe_mode.stopped_by() is None else FAIL


def _processes() -> Ill | str:
    """Numbers of what makes other processes SAFE, by kind; `ok` when nothing does."""
    told = {word["kind"]: sorted(word["troubles"]) for word in processes() if word["troubles"]}
    return Ill(told) if told else OK


def _reasons() -> list[dict[str, str]]:
    return [
        {"number": item.reason, "meaning": REASONS[item.reason].meaning, "detail": item.detail}
        for item in safe_mode.troubles()
    ]


def _redis() -> str:
    redis_client().ping()
    return OK


def _orders_worker() -> str:
    return OK if "orders" in heartbeats(["orders"]) else FAIL


def _active_accounts() -> dict[int, str]:
    return dict(ExchangeAccount.objects.filter(is_active=True).values_list("pk", "name"))


def _streams() -> dict[str, str]:
    """State by account; a lease that ran out says nothing about the stream.

    One that is connected and not trusted shows that: openings wait meanwhile.
    """
    now = SYSTEM_CLOCK.now()
    states = dict(StreamLease.objects.filter(expires_at__gt=now).values_list("account_id", "state"))
    unwell = FeedHealth.objects.exclude(state=FeedState.HEALTHY).values_list("account_id", "state")
    states |= {pk: state for pk, state in unwell if states.get(pk) == StreamState.CONNECTED}
    return {
        name: states.get(pk, StreamState.DISCONNECTED.value)
        for pk, name in _active_accounts().items()
    }


def _clock_offset_ms() -> int | None:
    """The largest offset between the venue's clock and ours, None when no worker told one."""
    words = rates(list(_active_accounts())).values()
    offsets = [int(word["clock_offset_ms"]) for word in words if "clock_offset_ms" in word]
    return max(offsets, key=abs, default=None)


def _reconcile_age_s() -> int | None:
    """Seconds since the account that waits longest was compared; None before its first time."""
    accounts = list(_active_accounts())
    compared = last_reconciled(accounts)
    if not accounts or len(compared) < len(accounts):
        return None
    return max(0, int((SYSTEM_CLOCK.now() - min(compared.values())).total_seconds()))


def _venue() -> str:
    return OK if rates(list(_active_accounts())) else FAIL


healthz = health_view(
    settings.TRADEOPS_ENV,
    vital={"database": _database, "redis": _redis, "orders_worker": _orders_worker},
    informative={
        "clock_offset_ms": _clock_offset_ms,
        "streams": _streams,
        "reconcile_age_s": _reconcile_age_s,
        "venue": _venue,
        "safe_processes": _processes,
    },
    reasons=_reasons,
)
