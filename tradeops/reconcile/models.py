"""What reconciliation did and found."""

from django.db import models


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
    """A difference between local rows and the venue; one row as long as it lasts."""

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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind", "subject"],
                condition=models.Q(resolved_at=None),
                name="drift_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
