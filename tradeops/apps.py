"""The application of the project itself: binds Celery, registers the start-up checks."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class TradeopsConfig(AppConfig):
    """Load the Celery app, so that `shared_task` finds it in every process."""

    name = "tradeops"

    def ready(self) -> None:
        """Import what registers itself; only here may it be imported, after the models."""
        import tradeops.celery
        import tradeops.checks
        import tradeops.start  # noqa: F401
        from tradeops.deployment import after_migrate, before_migrate

        pre_migrate.connect(before_migrate, sender=self)
        post_migrate.connect(after_migrate, sender=self)
