from django.apps import AppConfig


class ReconcileConfig(AppConfig):
    name = "tradeops.reconcile"
    default_auto_field = "django.db.models.BigAutoField"
