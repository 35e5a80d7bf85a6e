"""The application of the project itself: binds Celery, registers the start-up checks."""

from django.apps import AppConfig


class TradeopsConfig(AppConfig):
    """Load the Celery app, so that `shared_task` finds it in every process."""

    name = "tradeops"

    def ready(self) -> None:
        """Import what registers itself; only here may it be imported, after the models."""
        import tradeops.celery
        import tradeops.checks  # noqa: F401
