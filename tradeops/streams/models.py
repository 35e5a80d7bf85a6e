"""Who serves which stream, how it fares, and whose turn a period is."""

from django.db import models

from tradeops.streams.domain.feed_health import FeedState


class StreamLease(models.Model):
    """Right to serve one account's streams. `token` rises with each take-over (fencing, I11).

    The lease ends at `expires_ms` of the clock `expires_clock` (`kit.lease_clock`); `expires_at`
    is only to look at.
    """

    account = models.OneToOneField(
        "accounts.ExchangeAccount", primary_key=True, on_delete=models.CASCADE
    )
    owner = models.CharField(max_length=80)
    token = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()
    expires_clock = models.CharField(max_length=40, default="", db_default="")
    expires_ms = models.BigIntegerField(default=0, db_default=0)
    state = models.CharField(max_length=16)
    state_detail = models.CharField(max_length=200, blank=True)
    state_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} {self.state}"


class FeedHealth(models.Model):
    """What is made of an account's stream. `memory` is what the rules remember between looks."""

    account = models.OneToOneField(
        "accounts.ExchangeAccount", primary_key=True, on_delete=models.CASCADE
    )
    state = models.CharField(
        max_length=8, choices=[(s.value, s.value) for s in FeedState], default=FeedState.HEALTHY
    )
    reason = models.CharField(max_length=200, blank=True)
    changed_at = models.DateTimeField()
    memory = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "feed health"

    def __str__(self) -> str:
        return f"{self.account_id} {self.state}"


class DeadMan(models.Model):
    """The venue's own countdown, armed for a symbol with resting openings.

    It cancels ordinary orders. Whether it reaches conditional ones is not known.
    """

    account = models.ForeignKey("accounts.ExchangeAccount", on_delete=models.CASCADE)
    symbol = models.CharField(max_length=32)
    countdown_ms = models.PositiveIntegerField()
    armed_at = models.DateTimeField()

    class Meta:
        verbose_name = "dead-man countdown"
        constraints = [
            models.UniqueConstraint(fields=["account", "symbol"], name="dead_man_once_a_symbol"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.symbol}"


class PeriodLease(models.Model):
    """When a periodic task last started, so that two beats start each period once (F50)."""

    name = models.CharField(primary_key=True, max_length=200)
    clock = models.CharField(max_length=40)
    started_ms = models.BigIntegerField()
    runs = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
