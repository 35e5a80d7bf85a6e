"""What reconciliation did and found."""

from django.db import models

from tradeops.domain.enums import DriftDecision
from tradeops.reconcile.domain.hysteresis import DriftStatus

HEALED = "healed"
DECISIONS = (*(item.value for item in DriftDecision), HEALED)


class ReconcileRun(models.Model):
    """One comparison of an account with its venue; the newest of each scope shows its age."""

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey("accounts.ExchangeAccount", on_delete=models.PROTECT)
    scope = models.CharField(max_length=16)
    trigger = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    healed = models.PositiveIntegerField(default=0)
    drifts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "scope", "-started_at"], name="reconcile_run_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.started_at:%H:%M:%S}"


class Drift(models.Model):
    """A difference between local rows and the venue; one row as long as it lasts.

    `evidence` is what was read, when: for a person to judge. `decision` is one of `DECISIONS`.
    """

    id = models.UUIDField(primary_key=True)
    account = models.ForeignKey("accounts.ExchangeAccount", on_delete=models.PROTECT)
    kind = models.CharField(max_length=32)
    subject = models.CharField(max_length=80)
    local = models.JSONField()
    venue = models.JSONField()
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    seen = models.PositiveIntegerField(default=1)
    resolved_at = models.DateTimeField(null=True)
    status = models.CharField(
        max_length=10,
        choices=[(item.value, item.value) for item in DriftStatus],
        default=DriftStatus.OPEN.value,
        db_default=DriftStatus.OPEN.value,
    )
    needs_human = models.BooleanField(default=False, db_default=False)
    evidence = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    decision = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        choices=[(item, item) for item in DECISIONS],
    )
    decided_by = models.CharField(max_length=80, blank=True, default="", db_default="")
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "subject"],
                condition=models.Q(resolved_at=None),
                name="drift_one_open",
            ),
        ]
        indexes = [models.Index(fields=["-last_seen_at", "id"], name="drift_newest")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
