"""Who serves which stream."""

from django.db import models


class StreamLease(models.Model):
    """Right to serve one account's streams. `token` rises with each take-over (fencing, I11)."""

    account = models.OneToOneField(
        "accounts.ExchangeAccount", primary_key=True, on_delete=models.CASCADE
    )
    owner = models.CharField(max_length=80)
    token = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()
    state = models.CharField(max_length=16)
    state_detail = models.CharField(max_length=200, blank=True)
    state_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.account_id} {self.state}"
