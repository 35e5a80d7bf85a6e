"""What the database knows of the deployment that it belongs to."""

from django.db import models


class Deployment(models.Model):
    """One row. `environment` is written once; schema and build by whoever migrated last."""

    ONLY = 1

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY)
    environment = models.CharField(max_length=10)
    schema = models.CharField(max_length=16)
    build = models.CharField(max_length=16)
    # A word sealed with SEAL_PUBLIC_KEY: workers that cannot read it cannot read a venue key (F70).
    canary = models.TextField(blank=True)
    # Written and emptied to see whether the database can be written (SAFE ends with it).
    probe = models.TextField(blank=True)
    recorded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.environment}, schema {self.schema}, build {self.build}"
