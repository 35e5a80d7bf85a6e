from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "tradeops.streams"
    default_auto_field = "django.db.models.BigAutoField"
