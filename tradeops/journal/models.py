"""The journal: what was asked (Command) and what became true (Event).

`account_id` is the exchange account's primary key, 0 for the desk as a whole. It is no foreign key:
the journal outlives what it speaks of.
"""

import uuid

from django.db import models

from tradeops.domain.commands import CommandStatus
from tradeops.domain.enums import Source

SYSTEM_ACCOUNT_ID = 0


class JournalHead(models.Model):
    """End of one account's chain; locking its row is the account lock."""

    account_id = models.BigIntegerField(primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"account {self.account_id} at {self.seq}"


class Event(models.Model):
    """One fact, never changed. `hash` covers the row and the hash before it."""

    account_id = models.BigIntegerField()
    seq = models.BigIntegerField()
    type = models.CharField(max_length=40)
    version = models.PositiveSmallIntegerField(default=1)
    payload = models.JSONField()
    dedup_key = models.CharField(max_length=160, null=True, unique=True)  # noqa: DJ001 – NULLs are distinct
    actor = models.CharField(max_length=80)
    source = models.CharField(max_length=10, choices=[(s.value, s.value) for s in Source])
    correlation_id = models.UUIDField(null=True, db_index=True)
    causation_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account_id", "seq"], name="event_account_seq_unique"),
        ]
        indexes = [
            models.Index(fields=["type", "-id"], name="event_type"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id}/{self.seq} {self.type}"


class Command(models.Model):
    """One request and its fate. The id also names the order it may send (`ae-{id}`)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account_id = models.BigIntegerField()
    kind = models.CharField(max_length=24)
    symbol = models.CharField(max_length=32, blank=True)
    payload = models.JSONField()
    status = models.CharField(
        max_length=8,
        choices=[(s.value, s.value) for s in CommandStatus],
        default=CommandStatus.NEW,
    )
    principal = models.CharField(max_length=80)
    source = models.CharField(max_length=10, choices=[(s.value, s.value) for s in Source])
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)

    idempotency_route = models.CharField(max_length=120, blank=True)
    idempotency_key = models.CharField(max_length=128)
    request_hash = models.CharField(max_length=64, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True)
    response_body = models.JSONField(null=True)

    claimed_by = models.CharField(max_length=80, blank=True)
    claim_token = models.BigIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    # See `journal.domain.lanes`. Nullable, so that adding them rewrote no table.
    lane = models.CharField(max_length=56, null=True)  # noqa: DJ001 – most kinds have none
    opens = models.BooleanField(null=True)
    holds_lane = models.BooleanField(null=True)
    awaits_lane = models.BooleanField(null=True)

    sent_at = models.DateTimeField(null=True)
    outcome_unknown = models.BooleanField(default=False)
    queries = models.PositiveSmallIntegerField(default=0)
    misses = models.PositiveSmallIntegerField(default=0)
    next_query_at = models.DateTimeField(null=True)

    completed_at = models.DateTimeField(null=True)
    code = models.CharField(max_length=40, blank=True)
    detail = models.TextField(blank=True)
    exchange_code = models.IntegerField(default=0)
    verdicts = models.JSONField(default=list)
    result = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["principal", "idempotency_route", "idempotency_key"],
                name="command_idempotency_unique",
            ),
            models.UniqueConstraint(
                fields=["lane"], condition=models.Q(holds_lane=True), name="command_lane_unique"
            ),
        ]
        indexes = [
            # What the sweeper looks for each second. Not partial: SQLite does not see that bound
            # parameters fit an index's condition, and reads every command instead.
            models.Index(fields=["status", "created_at"], name="command_status"),
            models.Index(fields=["-created_at"], name="command_newest"),
            # A condition without parameters is seen by SQLite as well. It holds few rows: what is
            # open and asked for, and what was lost and is watched.
            models.Index(
                fields=["next_query_at"],
                condition=models.Q(next_query_at__isnull=False),
                name="command_next_query",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_terminal(self) -> bool:
        return self.status in (CommandStatus.ACK, CommandStatus.FAILED)
