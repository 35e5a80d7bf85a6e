"""The right to serve one account's streams: one owner at a time, older owners fenced out (I11).

A lease is a row, swapped by compare-and-set. It lapses `TTL` after the last renewal, by the clock
of the database (`kit.lease_clock`): setting a wall clock changes nothing. An owner that could not
renew stops by itself after `SELF_STOP_S` on its monotonic clock. Should it miss even that, `fence`
makes each of its writes fail once somebody else took over, since the token rose.

`now` is wall time, only to be shown.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet

from tradeops.domain.enums import StreamState
from tradeops.engine.ingest import StaleFence
from tradeops.kit.db import write_transaction
from tradeops.kit.lease_clock import DATABASE_CLOCK, LeaseClock, LeaseTime
from tradeops.streams.models import StreamLease

TTL = timedelta(seconds=15)
RENEW_S = 5.0
SELF_STOP_S = 10.0
_TTL_MS = int(TTL.total_seconds() * 1000)
# Nobody takes a lease for so long: a database server's clock has been set back since.
_FOREIGN_MS = 2 * _TTL_MS
_DETAIL_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Lease:
    """What an owner holds; `token` is what its writes are judged by."""

    account_id: int
    owner: str
    token: int


def acquire(
    account_id: int,
    *,
    owner: str,
    now: datetime,
    is_gone: Callable[[str], bool] = lambda _owner: False,
    clock: LeaseClock = DATABASE_CLOCK,
) -> Lease | None:
    """Take the lease when nobody holds it, or when its time is over; the token rises by one.

    The owner may take its own lease again, which fences out what it started before, and that of
    an owner of which `is_gone` knows that its process ended.
    """
    with write_transaction():
        StreamLease.objects.bulk_create(
            [
                StreamLease(
                    account_id=account_id,
                    expires_at=now,
                    state=StreamState.DISCONNECTED,
                    state_at=now,
                )
            ],
            ignore_conflicts=True,
        )
        holder = StreamLease.objects.values_list("owner", flat=True).get(pk=account_id)
        at = clock.read()
        # A time of another clock: the machine was restarted since, and its holder with it.
        free = Q(owner=owner) | ~Q(expires_clock=at.clock) | Q(expires_ms__lte=at.ms)
        free |= Q(expires_ms__gt=at.ms + _FOREIGN_MS)
        if is_gone(holder):
            free |= Q(owner=holder)
        won = StreamLease.objects.filter(free, pk=account_id).update(
            owner=owner,
            token=F("token") + 1,
            **_until(at, now),
            state=StreamState.CONNECTING,
            state_detail="",
            state_at=now,
        )
        if won != 1:
            return None
        token = StreamLease.objects.values_list("token", flat=True).get(pk=account_id)
    return Lease(account_id, owner, token)


def renew(lease: Lease, *, now: datetime, clock: LeaseClock = DATABASE_CLOCK) -> bool:
    """Prolong by `TTL`; False when the lease went to somebody else."""
    with write_transaction():
        return _mine(lease).update(**_until(clock.read(), now)) == 1


def release(lease: Lease, *, now: datetime) -> None:
    """Give the lease back, so that a successor need not wait; harmless when it is lost."""
    with write_transaction():
        _mine(lease).update(
            expires_at=now,
            expires_clock="",
            state=StreamState.DISCONNECTED,
            state_detail="released",
            state_at=now,
        )


def set_state(lease: Lease, state: StreamState, detail: str, *, now: datetime) -> bool:
    """Show the stream's state; False when the lease went to somebody else."""
    with write_transaction():
        shown = _mine(lease).update(state=state, state_detail=detail[:_DETAIL_LENGTH], state_at=now)
    return shown == 1


def silence_ms(row: StreamLease, at: LeaseTime) -> int | None:
    """How long ago the lease was renewed, as long as it has not lapsed; None when nobody holds it.

    `at` is read before the row, else a renewal in between would look like one of the future.
    """
    left_ms = row.expires_ms - at.ms
    if row.expires_clock != at.clock or not 0 < left_ms <= _FOREIGN_MS:
        return None
    return max(0, _TTL_MS - left_ms)


def fence(lease: Lease) -> None:
    """Refuse a write of an owner whose lease was taken over.

    Runs inside the writing transaction: the row stays locked until it ends, so that a take-over
    comes wholly before or wholly after.

    Raises:
        StaleFence: the lease has another owner or a higher token.
    """
    if _mine(lease).select_for_update().values_list("pk", flat=True).first() is None:
        raise StaleFence(f"account {lease.account_id}, token {lease.token}")


def _until(at: LeaseTime, now: datetime) -> dict[str, datetime | str | int]:
    return {
        "expires_at": now + TTL,
        "expires_clock": at.clock,
        "expires_ms": at.ms + _TTL_MS,
    }


def _mine(lease: Lease) -> QuerySet[StreamLease]:
    return StreamLease.objects.filter(pk=lease.account_id, owner=lease.owner, token=lease.token)
