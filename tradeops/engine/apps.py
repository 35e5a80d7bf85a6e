from django.apps import AppConfig


class EngineConfig(AppConfig):
    name = "tradeops.engine"
    default_auto_field = "django.db.models.BigAutoField"
